"""An Edge TPU and Coral's compiler on a host over SSH, both stand-ins: what is measured, compiled and said."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from artifact import Artifact, ImageFacts, NoFacts, sha256_of
from calibration import convert
from compilers import edgetpu
from compilers.edgetpu.outcome import MappingFacts, PartnerFacts, PredictedFacts
from compilers.edgetpu.tool import LocalTool
from datasets import load
from deploy.board_state import BoardState
from deploy.remote.board import Board
from device_tests import outcome, tiny_model
from errors import CompileError, DeployError, LinkError
from graph.builder import Builder
from measure import bench, layout, report_file
from measure import edgetpu as section
from measure.report import TargetSection
from measure.setup import Setup
from pipeline import device_test
from pipeline import edgetpu as pipeline_edgetpu
from pipeline.measuring import set_up, settings_of
from pipeline.remote_compiler import RemoteTool
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from pipeline.task_requests import TestRequest
from tests.compilers import edgetpu_compiler_stand_in as stand_in
from tests.compilers import edgetpu_files
from tests.deploy.edgetpu_host import CORAL_USB, Tpu
from tests.deploy.sshd import BOARD, Sshd, wait_until
from tests.pipeline import small

HIL_ARGUMENTS, HIL_TESTS = "-k 'answer or measure or identity or loses or text'", 20
"""A part of the device tests, which takes seconds: those that know of Edge TPUs."""


@pytest.fixture
def coral(sshd: Sshd, tpu: Tpu) -> Iterator[Sshd]:
    """A host over SSH with the stand-ins of an Edge TPU and of the compiler."""
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in tpu.environment().items())
    sshd.set_python(f'export {exports}; exec {shlex.quote(sys.executable)} "$@"')
    stand_in.install(sshd.bin)
    yield sshd
    (sshd.bin / "edgetpu_compiler").unlink(missing_ok=True)


def test_a_whole_measurement_over_ssh(coral: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(stand_in.install(tmp_path / "bin")), prepend=":")
    with small.at_home(tmp_path / "home"):
        data = load(f"npz:{small.save_npz(tmp_path / 'four.npz')}")
        int8 = convert.adopt(tiny_model.dense(tmp_path / "tiny.tflite", classes=4), data.class_names, None)
        compiled = edgetpu.compile_for(int8, LocalTool())
        request = Request(images=12, link="ssh://board", runtime="ai-edge-litert", kernels="reference")
        setup = Setup(CORAL_USB, compiled, int8, data, settings_of(request))
        made = bench.measure(setup, ("latency", "accuracy"), "./inv deploy").report
    report_file.check(made)
    assert made.target == TargetSection("coral-usb", "tpu", "hardware", "Edge TPU on USB")
    assert made.engine.kernels == "edgetpu"
    assert made.tpu is not None
    assert made.tpu.device == "usb:0"
    assert (made.tpu.operators_mapped, made.tpu.operators) == (1, 1)
    assert made.exactness is not None
    assert made.exactness.oracle.endswith("reference kernels on the host")
    assert made.exactness.n == 12
    assert made.provenance.tools["edgetpu_compiler"] == "16.0.384591198"
    told = dict(layout.rows(made))
    assert told["Edge TPU"].startswith("usb:0, ")
    assert told["mapping"] == "1 of 1 operators on the Edge TPU"


def identity(path: Path) -> Path:
    """Write a network whose output is its input: the stand-in's answers are then nearest to their own references."""
    b = Builder()
    source, target = (b.tensor((1, 8, 8, 3), scale=1 / 255, zero_point=-128, name=name) for name in ("in", "out"))
    b.operator("RELU", [source], [target])
    return edgetpu_files.write(path, b.finish([source], [target]))


def test_hil_on_an_edge_tpu(
    coral: Sshd, tpu: Tpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The stand-in changes the lowest bit of each byte: as a TPU, it is near to the reference and not equal to it."""
    environment = {**tpu.environment(), "STAND_IN_MASK": "1"}
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    coral.set_python(f'export {exports}; exec {shlex.quote(sys.executable)} "$@"')
    monkeypatch.setenv("PATH", str(stand_in.install(tmp_path / "bin")), prepend=":")
    junit = tmp_path / "hil.xml"
    with small.at_home(tmp_path / "home"):
        device_test.run(
            TestRequest(
                str(identity(tmp_path / "identity.tflite")), target="coral-usb", link="ssh://board", count=4,
                data=f"npz:{small.save_npz(tmp_path / 'four.npz')}", runtime="ai-edge-litert", kernels="reference",
                junit=junit, pytest_arguments=HIL_ARGUMENTS,
            )
        )  # fmt: skip
    assert "coral-usb: " in capfd.readouterr().out
    done = outcome.read(junit)
    assert (done.failed, done.flaky) == (0, 0)
    assert done.passed >= HIL_TESTS
    properties = junit.read_text()
    assert 'name="kernels" value="edgetpu"' in properties
    assert "test_each_answer_is_nearest_to_the_references_of_its_picture" in properties


def test_a_compiled_file_alone_is_measured_without_a_reference(
    coral: Sshd, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small.at_home(tmp_path / "home"):
        data = small.save_npz(tmp_path / "four.npz")
        request = Request(
            str(model), target="coral-usb", data=f"npz:{data}", labels=",".join("abcdefghij"), images=5,
            link="ssh://board", runtime="ai-edge-litert", kernels="reference",
        )  # fmt: skip
        pipeline_edgetpu.check_compiled(request, "edgetpu", CORAL_USB)
        setup = set_up(Steps(resolve(request)))
        made = bench.measure(setup, ("latency", "accuracy"), "./inv deploy").report
    report_file.check(made)
    assert made.engine.kernels == "edgetpu"
    assert made.exactness is None
    assert made.latency is not None
    assert "outputs are not compared: LiteRT on this host can't run a compiled file" in plain_text(capsys)
    rows = dict(layout.rows(made))
    assert rows["mapping"] == "1 of 1 operators of the compiled file on the Edge TPU"
    assert made.no_accuracy == "the 10 classes of the model are not the 4 of npz:four.npz"


def plain_text(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_the_section_names_what_stayed_on_the_cpu() -> None:
    mapping = MappingFacts(2, 5, ("MUL", "ADD", "MUL"), 1, 14, "0" * 16, PredictedFacts(2, 5, (), 9))
    facts = edgetpu.EdgeTpuFacts("0" * 64, {}, mapping, (PartnerFacts("other", "x", mapping),))
    compiled = Artifact(Path("x"), "edgetpu", "x", "0" * 64, facts)
    tpu = section.section(compiled, BoardState())
    assert tpu is not None
    rows = dict(layout.tpu_rows(tpu))
    assert rows == {
        "mapping": "2 of 5 operators on the Edge TPU, on its host's CPU: MUL, ADD",
        "compiled with": "other",
    }
    assert section.section(Artifact(Path("x"), "litert", "x", "0" * 64, ImageFacts("0" * 64, {})), BoardState()) is None


def test_compiling_on_another_machine(coral: Sshd, plain: Path, tmp_path: Path) -> None:
    coral.clear()  # another test may have copied the same model there
    said: list[str] = []
    tool = RemoteTool("ssh://board", say=said.append)
    model = Artifact(plain, "int8", "tiny", sha256_of(plain), NoFacts())
    partner_path = tiny_model.dense(tmp_path / "other.tflite", classes=7)
    partner = Artifact(partner_path, "int8", "other", sha256_of(partner_path), NoFacts())
    with small.at_home(tmp_path / "home"):
        made = edgetpu.compile_for(model, tool, [partner])
        here = edgetpu.compile_for(model, RemoteTool("ssh://board"), [partner])
    assert here.reused
    assert made.facts.compiled_on == "ssh://board"
    assert (made.facts.mapping.mapped, made.facts.partners[0].mapping.mapped) == (1, 1)
    assert sum("copied model-" in line for line in said) == 2
    assert not [name for name in coral.left() if "edgetpu" in name]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", r"not on the PATH of ssh://board \(\w+\); .*edgetpu-compiler"),
        ("kill -9 $$", r"ssh://board: edgetpu_compiler was killed"),
        ("echo hello", r"edgetpu_compiler --version on ssh://board: exit code 0, it printed: hello"),
    ],
)
def test_another_machine_without_the_compiler(coral: Sshd, script: str, message: str) -> None:
    program = coral.bin / "edgetpu_compiler"
    program.write_text(f"#!/bin/sh\n{script}\n")
    if not script:
        program.unlink()
    with pytest.raises((CompileError, LinkError), match=message):
        RemoteTool("ssh://board").version()


def test_a_failure_over_there_is_one_line(
    coral: Sshd, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = coral.bin / "edgetpu_compiler"
    program.write_text(program.read_text().replace("export ", "export EDGETPU_STAND_IN=aborts "))
    with small.at_home(tmp_path / "home"), pytest.raises(CompileError, match=r"exit code 1: Internal compiler error"):
        edgetpu.compile_for(Artifact(plain, "int8", "tiny", sha256_of(plain), NoFacts()), RemoteTool("ssh://board"))


def test_what_arrives_from_there_is_what_was_there(sshd: Sshd, tmp_path: Path) -> None:
    with Board(BOARD) as board:
        folder = Path(board.entry("work", name="trial").path)
        (folder / "made").write_bytes(b"as it was made")
        file = board.listing("trial")["made"]
        board.get(f"{folder}/made", tmp_path / "made", file.size, file.sha256)
        assert (tmp_path / "made").read_bytes() == b"as it was made"
        (folder / "made").write_bytes(b"as it is later")
        with pytest.raises(DeployError, match=r"ssh://board: other was damaged on the way; run again"):
            board.get(f"{folder}/made", tmp_path / "other", file.size, file.sha256)
        assert not (tmp_path / "other").exists()
        with pytest.raises(LinkError, match=r"none can't be copied from there \(.*No such file"):
            board.get(f"{folder}/none", tmp_path / "other", file.size, file.sha256)
    assert wait_until(lambda: not folder.exists())


def test_a_wrong_address() -> None:
    with pytest.raises(LinkError, match=r"^--compile-on board: expected ssh://"):
        RemoteTool("board")
