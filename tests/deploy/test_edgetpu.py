"""The agent with an Edge TPU: real LiteRT, the delegate's real interface, and a stand-in behind it.

No hardware is meant: what a real TPU computes is not tested, what is said when it is missing, busy or pulled out is.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import target
from artifact import Artifact, ImageFacts, NoFacts, sha256_of
from calibration import convert
from compilers import edgetpu
from compilers.edgetpu.outcome import MappingFacts, PartnerFacts, PredictedFacts
from compilers.edgetpu.tool import LocalTool
from datasets import load
from deploy.agents import AgentOptions, agent_arguments
from deploy.board_state import BoardState
from deploy.bundle import build_agent
from deploy.device import device_for
from deploy.links.process import ProcessLink
from deploy.remote import runtime
from deploy.remote.board import Board
from deploy.session import Refused, Session
from device_tests import tiny_model
from errors import CompileError, DeployError, LinkError
from measure import bench, layout, report
from measure import edgetpu as section
from measure.report import TargetSection
from measure.setup import Setup
from pipeline import edgetpu as pipeline_edgetpu
from pipeline.measuring import set_up, settings_of
from pipeline.remote_compiler import RemoteTool
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from tests.compilers import edgetpu_compiler_stand_in as stand_in
from tests.compilers import edgetpu_files
from tests.deploy.sshd import BOARD, Sshd, wait_until
from tests.deploy.test_agent import reference
from tests.deploy.test_ssh_runtime import BOTH, FakeBoard
from tests.pipeline import small

SOURCE = Path(__file__).with_name("libedgetpu_stand_in.c")
CORAL_USB = target.load("coral-usb")
INPUT = bytes(range(256)) * 3


class Tpu:
    """The stand-in's library, and a file for each Edge TPU that is plugged in."""

    def __init__(self, folder: Path):
        self.library, self.usb, self.pci = folder / "lib", folder / "usb1", folder / "apex_0"
        self.library.mkdir()
        compiler = shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            pytest.skip("needs gcc: apt install gcc")
        command = [compiler, "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", str(SOURCE)]
        subprocess.run([*command, "-o", str(self.library / "libedgetpu.so.1")], check=True)

    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.library), "STAND_IN_TPUS": f"usb={self.usb} pci={self.pci}"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tpu:
    return Tpu(tmp_path_factory.mktemp("tpu"))


@pytest.fixture
def tpu(built: Tpu, monkeypatch: pytest.MonkeyPatch) -> Tpu:
    """One Edge TPU on USB, none on PCIe."""
    for name, value in built.environment().items():
        monkeypatch.setenv(name, value)
    built.usb.touch()
    built.pci.unlink(missing_ok=True)
    return built


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.dense(tmp_path_factory.mktemp("models") / "tiny.tflite")


@pytest.fixture(scope="module")
def model(plain: Path) -> Path:
    return edgetpu_files.write(plain.with_name("tiny_edgetpu.tflite"), edgetpu_files.compiled(plain.read_bytes()))


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_agent(tmp_path_factory.mktemp("agent"))


def link_to(agent: Path, model: Path, device: str = "usb:0") -> ProcessLink:
    arguments = agent_arguments("coral-usb", str(model), "rev1", AgentOptions(kernels="reference"))
    return ProcessLink([sys.executable, str(agent), *arguments, "--device", device], name="exec:agent")


def stands_for(data: bytes, size: int) -> bytes:
    """What the stand-in answers."""
    return bytes(data[i % len(data)] ^ 0x5A for i in range(size))


def test_the_delegate_runs_the_compiled_part_and_names_its_tpu(tpu: Tpu, agent: Path, model: Path) -> None:
    with Session(link_to(agent, model)) as session:
        assert session.info.kernels == "edgetpu"
        assert session.info.model_sha256 == sha256_of(model)
        assert session.infer(INPUT).output_bytes == stands_for(INPUT, 10)
        board = session.board()
        assert (board.tpu, board.tpu_path) == ("usb:0", str(tpu.usb))
        assert board.tpu_runtime == "BuildLabel(STAND_IN), RuntimeVersion(14)"
        assert any(f"Edge TPU usb:0 at {tpu.usb}" in line for line in session.log)
        session.reset()
        assert session.infer(INPUT[::-1]).output_bytes == stands_for(INPUT[::-1], 10)


def test_what_is_left_runs_on_the_cpu_and_the_kernels_say_so(tpu: Tpu, agent: Path, tmp_path: Path) -> None:
    from tests.compilers.test_edgetpu_compile import network

    source = network(tmp_path, "RELU", "HARD_SWISH", width=4)
    path = edgetpu_files.write(tmp_path / "part.tflite", edgetpu_files.compiled(source.path.read_bytes(), kept=1))
    with Session(link_to(agent, path)) as session:
        assert session.info.kernels == "edgetpu+reference"
        data = np.random.default_rng(3).bytes(48)
        inner = network(tmp_path, "HARD_SWISH", width=4, name="rest")
        assert session.infer(data).output_bytes == reference(inner.path, stands_for(data, 48))


@pytest.mark.parametrize(
    ("device", "found"), [("usb", "usb:0"), (":0", "usb:0"), (":1", "pci:0"), ("pci", "pci:0"), ("pci:0", "pci:0")]
)
def test_which_tpu_is_meant(tpu: Tpu, agent: Path, model: Path, device: str, found: str) -> None:
    tpu.pci.touch()
    with Session(link_to(agent, model, device)) as session:
        assert session.board().tpu == found
        assert session.infer(INPUT).output_bytes == stands_for(INPUT, 10)


def opening_says(agent: Path, model: Path, device: str = "usb:0") -> str:
    with pytest.raises(LinkError, match="exit code 1; last output: agent: ") as caught:
        Session(link_to(agent, model, device)).__enter__()
    assert "\n" not in str(caught.value)
    return str(caught.value).partition("last output: agent: ")[2]


def test_no_library(tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH")
    said = opening_says(agent, model)
    assert "library can't be loaded (libedgetpu.so.1: cannot open shared object file" in said
    assert "libedgetpu1-std" in said


def test_another_library_of_that_name(
    tpu: Tpu, agent: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "libedgetpu.so.1"
    subprocess.run(["gcc", "-shared", "-x", "c", "-o", str(other), "/dev/null"], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert "undefined symbol: edgetpu_list_devices" in opening_says(agent, model)


def test_no_tpu_is_plugged_in(tpu: Tpu, agent: Path, model: Path) -> None:
    tpu.usb.unlink()
    assert opening_says(agent, model).startswith("no Edge TPU found; plug it in; on USB it is 1a6e:089a or 18d1:9302")


@pytest.mark.parametrize("device", ["usb:1", "pci", ":1"])
def test_not_that_tpu(tpu: Tpu, agent: Path, model: Path, device: str) -> None:
    assert opening_says(agent, model, device).startswith(
        f"--device {device}: no such Edge TPU; there is usb:0 at {tpu.usb}"
    )


def test_a_tpu_that_another_program_has(tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_BUSY", "1")
    said = opening_says(agent, model)
    assert said.startswith(f"Edge TPU usb:0 at {tpu.usb} can't be opened (Failed to load delegate")
    assert "no other program uses it" in said


def test_a_model_that_was_not_compiled_for_it(tpu: Tpu, agent: Path, plain: Path) -> None:
    said = opening_says(agent, plain)
    assert said.startswith(f"{plain}: holds no edgetpu-custom-op, so it was not compiled for the Edge TPU; compile it")


def test_a_compiled_model_without_a_tpu(agent: Path, model: Path) -> None:
    arguments = agent_arguments("host", str(model), "rev1", AgentOptions(kernels="reference"))
    with pytest.raises(LinkError, match="unresolved custom op: edgetpu-custom-op"):
        Session(ProcessLink([sys.executable, str(agent), *arguments])).__enter__()


def test_pulled_out_in_mid_run_and_the_driver_reports_it(tpu: Tpu, agent: Path, model: Path) -> None:
    with Session(link_to(agent, model)) as session:
        session.infer(INPUT)
        tpu.usb.unlink()
        with pytest.raises(Refused, match=rf"ENGINE: Edge TPU usb:0 at {tpu.usb} is gone .*plug it in again"):
            session.run(5)


def test_pulled_out_in_mid_run_and_the_driver_aborts(
    tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_ABORTS", "1")
    with Session(link_to(agent, model)) as session:
        session.infer(INPUT)
        killer = threading.Timer(0.3, tpu.usb.unlink)
        killer.start()
        with pytest.raises(LinkError, match=rf"exit code 1; last output: agent: Edge TPU usb:0 at {tpu.usb} is gone"):
            session.run(10**7)
        killer.join()


def test_error_of_an_agent_killed_otherwise_names_the_signal(tpu: Tpu, agent: Path, model: Path) -> None:
    link = link_to(agent, model)
    with Session(link) as session:
        session.infer(INPUT)
        children = Path(f"/proc/{link.pid}/task/{link.pid}/children").read_text().split()
        assert len(children) == 1
        killer = threading.Timer(0.3, lambda: subprocess.run(["kill", "-SEGV", children[0]]))
        killer.start()
        with pytest.raises(LinkError, match=r"exit code 1; last output: agent: was killed by SIGSEGV"):
            session.run(10**7)
        killer.join()


def test_it_ends_with_its_input(tpu: Tpu, agent: Path, model: Path) -> None:
    link = link_to(agent, model)
    with Session(link) as session:
        session.infer(INPUT)
        process = link._process
    assert process is not None
    assert process.returncode == 0


@pytest.mark.parametrize("wanted", ["usb0", "gpu:0", "usb:0x", "usb:-1", "usb:123"])
def test_a_wrong_device_is_refused_before_anything_starts(model: Path, wanted: str) -> None:
    artifact = Artifact(model, "edgetpu", "tiny", digest := sha256_of(model), ImageFacts(digest, {}))
    with pytest.raises(DeployError, match=rf"--device {wanted}: expected usb:N, pci:N"):
        device_for(CORAL_USB, artifact, "ssh://board", AgentOptions(tpu=wanted)).session().__enter__()


@pytest.mark.parametrize("name", ["rpi4", "coral-usb"])
def test_a_device_for_what_runs_on_a_cpu(plain: Path, name: str) -> None:
    artifact = Artifact(plain, "litert", "tiny", digest := sha256_of(plain), ImageFacts(digest, {}))
    with pytest.raises(DeployError, match=r"--device usb:0: is for the Edge TPU of targets such as coral-usb"):
        device_for(target.load(name), artifact, "ssh://board", AgentOptions(tpu="usb:0")).session().__enter__()


@pytest.mark.parametrize(
    ("libraries", "python", "expected"),
    [
        (BOTH, "3.11.2", "tflite-runtime"),
        ({"ai_edge_litert": "2.3.0", "numpy": "2.1.0"}, "3.11.2", "ai-edge-litert"),
        ({}, "3.11.2", "installed tflite-runtime"),
        ({}, "3.13.1", "installed ai-edge-litert"),
    ],
)
def test_the_runtime_beside_libedgetpu(
    monkeypatch: pytest.MonkeyPatch, libraries: dict[str, str], python: str, expected: str
) -> None:
    monkeypatch.setattr(runtime, "_install", lambda board, name, say: runtime.Runtime(f"installed {name}", "/x"))
    board = FakeBoard(python, **libraries)
    assert runtime.bring(board, "auto", lambda text: None, for_edgetpu=True).distribution == expected  # type: ignore[arg-type]


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
    report.check(made)
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
    report.check(made)
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
