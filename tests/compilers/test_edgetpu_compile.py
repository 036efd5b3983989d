"""The compiler's output and files, and what is read from them. The compiler is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compilers import edgetpu
from compilers.edgetpu import log, output
from compilers.edgetpu.log import LogRow
from compilers.edgetpu.tool import LocalTool
from errors import CompileError
from tests.compilers import edgetpu_compiler_stand_in as stand_in
from tests.compilers import edgetpu_files
from tests.compilers.edgetpu_networks import _at_home, network
from tests.pipeline.small import leftovers

__all__ = ["_at_home"]  # fixtures


# Documented example, shortened: "Edge TPU Compiler", section "Co-compiling multiple models" and "Usage", in the form of
# version 16 (coral.ai/docs/edgetpu/compiler); rows and figures of one network are of issue 358 and others of its kind.
PARTLY = """\
Edge TPU Compiler version 15.0.340273435

Model compiled successfully in 93 ms.

Input model: /tmp/my models/yolo_int8.tflite
Input size: 7.39MiB
Output model: yolo_int8_edgetpu.tflite
Output size: 8.70MiB
On-chip memory used for caching model parameters: 3.00KiB
On-chip memory remaining for caching model parameters: 7.67MiB
Off-chip memory used for streaming uncached model parameters: 1.50MiB
Number of Edge TPU subgraphs: 1
Total number of operations: 36
Operation log: yolo_int8_edgetpu.log

Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will instead
run on the CPU, which is slower. For details, visit g.co/coral/model-reqs.
Number of operations that will run on Edge TPU: 2
Number of operations that will run on CPU: 34

Operator                       Count      Status

MAX_POOL_2D                    6          More than one subgraph is not supported
QUANTIZE                       2          Operation is working on an unsupported data type
CONV_2D                        2          Mapped to Edge TPU
LEAKY_RELU                     26         Operation not supported
"""
TWO = """\
Edge TPU Compiler version 2.0.258810407
Models compiled successfully in 247 ms.

Input model: model_A.tflite
Input size: 3.08MiB
Output model: model_A_edgetpu.tflite
On-chip memory available for caching model parameters: 6.91MiB
On-chip memory used for caching model parameters: 3.33MiB
Off-chip memory used for streaming uncached model parameters: 0.00B

Input model: model_B.tflite
Output model: model_B_edgetpu.tflite
On-chip memory used for caching model parameters: 8.25KiB
"""
LOG_FILE = """\
Edge TPU Compiler version 16.0.384591198
Input: mnist7.tflite
Output: mnist7_edgetpu.tflite

Operator                       Count      Status

SOFTMAX                        1          Mapped to Edge TPU
FULLY_CONNECTED                2          Mapped to Edge TPU
"""


def test_a_log_of_a_network_that_is_mapped_in_part() -> None:
    (model_log,) = log.parse(PARTLY)
    assert model_log.model == "yolo_int8.tflite"
    assert (model_log.mapped, model_log.operators) == (2, 36)
    assert model_log.figures["on_chip_bytes"] == 3072
    assert model_log.figures["off_chip_bytes"] == 1572864
    assert model_log.figures["on_chip_remaining_bytes"] == round(7.67 * 2**20)
    assert model_log.figures["subgraphs"] == 1
    assert model_log.rows[3] == LogRow("LEAKY_RELU", 26, "Operation not supported")
    assert len(model_log.rows) == 4
    assert log.version_of(PARTLY) == "15.0.340273435"


def test_a_log_of_two_networks_and_the_file_beside_the_output() -> None:
    first, second = log.parse(TWO)
    assert (first.model, second.model) == ("model_A.tflite", "model_B.tflite")
    assert first.figures == {"on_chip_bytes": round(3.33 * 2**20), "off_chip_bytes": 0}
    assert second.figures == {"on_chip_bytes": 8448}
    assert first.mapped is None  # not in the log
    (model_log,) = log.parse(LOG_FILE)
    assert (model_log.mapped, model_log.operators) == (3, 3)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0.00B", 0),
        ("66.00KiB", 67584),
        ("1.23 MiB", 1289748),
        ("2GiB", 2 << 30),
        ("much", None),
        ("-1B", None),
        ("", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert log.bytes_of(text) == size


def test_the_explanation_of_a_failure() -> None:
    refused = (
        "Edge TPU Compiler version 16.0\nERROR: Didn't find op\n\nERROR: Registration failed.\n\nInvalid model: m\n"
    )
    assert log.explanation(refused) == "ERROR: Didn't find op; ERROR: Registration failed.; Invalid model: m"
    assert log.explanation("Edge TPU Compiler version 16.0\n") == ""


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _at_home: None) -> LocalTool:
    """The stand-in as the compiler on the PATH."""
    folder = stand_in.install(tmp_path / "with space")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return LocalTool()


def test_compiling_records_version_log_and_what_was_predicted(tool: LocalTool, tmp_path: Path) -> None:
    artifact = edgetpu.compile_for(network(tmp_path, "ADD", "RELU", "HARD_SWISH", "RELU"), tool)
    assert artifact.kind == "edgetpu"
    assert artifact.tools == {"edgetpu_compiler": "16.0.384591198"}
    assert artifact.facts.model_sha256 == artifact.sha256
    mapping = artifact.facts.mapping
    assert (mapping.mapped, mapping.operators, mapping.subgraphs) == (2, 4, 1)
    assert mapping.on_cpu == ("HARD_SWISH", "RELU")
    assert mapping.predicted
    assert mapping.predicted.mapped == 2
    assert [row.operator for row in mapping.predicted.on_cpu] == ["HARD_SWISH", "RELU"]
    assert mapping.min_runtime_version == 14
    assert mapping.package_compiler == "cl/stand-in"
    assert mapping.on_chip_remaining_bytes == round(7.38 * 2**20)
    assert LogRow("ADD", 1, "Mapped to Edge TPU") in mapping.log_rows
    assert set(artifact.facts.memory) == {"model_file", "tpu_on_chip", "tpu_off_chip"}
    assert "Operator" in (artifact.path.parent / "edgetpu_compiler.log").read_text()
    sidecar = json.loads((artifact.path.parent / "artifact.json").read_text())
    assert sidecar["tools"] == {"edgetpu_compiler": "16.0.384591198"}


def test_a_second_time_nothing_is_compiled(tool: LocalTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(tmp_path, "RELU")
    first = edgetpu.compile_for(model, tool)
    monkeypatch.setenv("EDGETPU_STAND_IN", "aborts")
    again = edgetpu.compile_for(model, tool)
    assert again.reused
    assert again.sha256 == first.sha256


def test_models_compiled_together_share_a_token_and_a_folder(tool: LocalTool, tmp_path: Path) -> None:
    first, second = network(tmp_path, "RELU", name="a"), network(tmp_path, "ADD", "RELU", name="b")
    artifact = edgetpu.compile_for(first, tool, [second])
    (partner,) = artifact.facts.partners
    assert (partner.name, partner.mapping.mapped, partner.mapping.operators) == ("b", 2, 2)
    assert partner.mapping.caching_token == artifact.facts.mapping.caching_token
    assert output.examine(artifact.path.parent / partner.file, second.path).cached_bytes > 0
    assert set(artifact.parents) == {"int8", "with1"}
    assert edgetpu.compile_for(first, tool).path != artifact.path


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("aborts", r"net: edgetpu_compiler ended with exit code 1: Internal compiler error\. Aborting!"),
        ("refuses", r"exit code 1: ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'"),
        ("nothing", r"wrote no model_edgetpu\.tflite; it printed: "),
        ("none", r"mapped none of 2 operators \(ADD x1: Operation not supported; RELU x1: Operation not supported\)"),
        ("other", r"model_edgetpu\.tflite: its inputs .*\(1, 9, 8, 3\).* those of net are .*another model"),
    ],
)
def test_each_failure_is_one_line_and_leaves_no_artifact(
    tool: LocalTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, message: str
) -> None:
    monkeypatch.setenv("EDGETPU_STAND_IN", how)
    with pytest.raises(CompileError, match=message) as caught:
        edgetpu.compile_for(network(tmp_path, "ADD", "RELU"), tool)
    assert "\n" not in str(caught.value)
    assert leftovers(tmp_path / "home") == []
    assert not list((tmp_path / "home").rglob("*.tflite"))


def test_models_that_do_not_share_the_chips_memory(
    tool: LocalTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGETPU_STAND_IN", "apart")
    with pytest.raises(CompileError, match=r"^a, b: were compiled together, yet .* 2 caching tokens"):
        edgetpu.compile_for(network(tmp_path, "RELU", name="a"), tool, [network(tmp_path, "RELU", "RELU", name="b")])


def test_a_compiler_that_says_less_than_it_should(
    tool: LocalTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not say is taken from the file, or is absent."""
    monkeypatch.setenv("EDGETPU_STAND_IN", "silent")
    artifact = edgetpu.compile_for(network(tmp_path, "ADD", "HARD_SWISH"), tool)
    assert artifact.facts.mapping.mapped == 1
    assert "tpu_off_chip" not in artifact.facts.memory
    assert artifact.facts.memory["tpu_on_chip"] > 0


def test_a_compiler_that_hangs_is_ended(tool: LocalTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETPU_STAND_IN", "hangs")
    monkeypatch.setattr("compilers.edgetpu.tool.COMPILE_S", 1)
    monkeypatch.setattr("compilers.edgetpu.tool.GRACE_S", 3)
    with pytest.raises(CompileError, match=r"edgetpu_compiler: did not end within 4 s; check whether"):
        edgetpu.compile_for(network(tmp_path, "RELU"), tool)


def test_without_the_compiler_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"not on the PATH .*edgetpu-compiler.*--compile-on ssh://.*--compiled FILE"):
        LocalTool().version()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", r"exit code 3, it printed: nothing; install it again"),
        ("echo hello", r"exit code 0, it printed: hello"),
        ("echo 'error while loading shared libraries: libc++.so.1' >&2; exit 127", r"libc\+\+\.so\.1"),
    ],
)
def test_another_program_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    program = tmp_path / "edgetpu_compiler"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(CompileError, match=message):
        LocalTool().version()


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"", "is damaged"),
        (b"no package at all", r"no DWN1 package"),
        (edgetpu_files.package_of(1, 1, b"DWN2"), r"no DWN1 package"),
        (edgetpu_files.package_of(1, 64)[:60], "is damaged"),
    ],
)
def test_a_package_that_is_not_valid(tmp_path: Path, package: bytes, message: str) -> None:
    source = network(tmp_path, "RELU").path
    artifact = edgetpu_files.compiled(source.read_bytes(), package=package)
    with pytest.raises(CompileError, match=message):
        output.examine(edgetpu_files.write(tmp_path / "x.tflite", artifact), source)
