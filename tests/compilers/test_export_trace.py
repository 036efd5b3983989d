"""Exports with a trace: what `answers` prints of each layer, and the protocol's request, beside LiteRT."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tasks  # noqa: F401  # makes the commands
from deploy.links.process import ProcessLink
from deploy.session import Session
from errors import DeviceError
from graph import tensors
from graph.reader import read
from measure import trace, trace_text
from measure.trace import ABSENT, DIFFERS, EQUAL, Layer
from pipeline.command_line import main
from tests.compilers.exports import STANDIN_OF, compile_objects, exported, includes, program, run
from tests.measure.test_trace import SIDE, network

NAME = "small_net"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("model") / "small net.tflite")


@pytest.fixture(scope="module")
def folder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / NAME
    exported(model, out, with_trace=True, with_protocol=True)
    return out


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    return run(program(folder, "cmake", STANDIN_OF["cmake"].answers, compile_objects(folder)))


def layers_of(model: Path, path: Path) -> dict[str, Layer]:
    graph = read(model)
    found = trace_text.read(path, graph.sha256)
    expected = tensors.reference(model, graph, trace_text.input_of(graph, found))
    layers = trace.layers_of(graph, expected, trace_text.compared(found, expected))
    return {f"{layer.operator} {layer.name}": layer for layer in layers}


def test_all_layers_of_a_correct_build_are_equal(model: Path, printed: str, tmp_path: Path) -> None:
    assert "0 of 5 known answers differ" in printed
    text = tmp_path / "log.txt"
    lines = [f"[00:00:0{i % 10}] {line}\r" for i, line in enumerate(printed.splitlines())]
    text.write_text("\n".join(["boot", *lines, "tensor 1 2", *lines[: len(lines) // 2]]))  # the second is cut off
    layers = layers_of(model, text)
    assert {name for name, layer in layers.items() if layer.state == ABSENT} == {"0 PAD", "7 LOGISTIC"}
    assert {layer.state for layer in layers.values()} == {EQUAL, ABSENT}
    assert main(["trace", "--model", str(model), "--answers", str(text)]) == 0


def test_the_protocol_answers_it_too(model: Path, folder: Path) -> None:
    serve = program(folder, "cmake", STANDIN_OF["cmake"].serve, compile_objects(folder))
    graph, data = read(model), np.random.default_rng(1).integers(0, 256, SIDE * SIDE * 3, np.uint8).tobytes()
    expected = tensors.reference(model, graph, data)
    with Session(ProcessLink([str(serve)])) as session:
        computed = trace.of_firmware(session, data, expected)
    assert len(computed) == len(expected) - 2
    assert all(item.is_equal for item in computed.values())


def test_a_broken_kernel_is_named_with_the_value(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On Arduino, whose program prints by its own port."""
    out = tmp_path / NAME
    exported(model, out, "arduino", with_trace=True)
    kernel = next(out.rglob("elementwise.c"))
    text, call = kernel.read_text(), "BROADCAST(&p->shape, in1, in2, out, add)"
    assert call in text
    kernel.write_text(text.replace(call, f"{call}\n  out[-6] ^= 1;"))
    objects = compile_objects(out, [*STANDIN_OF["arduino"].options, *includes("arduino")])
    log = tmp_path / "log.txt"
    log.write_text(run(program(out, "arduino", STANDIN_OF["arduino"].answers, objects)))
    layers = layers_of(model, log)
    assert [layer.state for layer in layers.values()][1:6] == [EQUAL] * 5
    wrong = layers["6 ADD"]
    assert wrong.state == DIFFERS
    assert wrong.first is not None
    assert wrong.first.index[2:] == (4, 2)
    assert wrong.first.expected is not None
    assert wrong.first.actual == int(wrong.first.expected) ^ 1
    assert main(["trace", "--model", str(model), "--answers", str(log)]) == 1
    captured = capsys.readouterr()
    assert "the first that differs is ADD 6" in captured.out
    assert captured.err == f"error: {log}: ADD 6 differs from the reference\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda text: "", "has no whole trace"),
        (lambda text: text.replace("alpharho-trace end", ""), "has no whole trace"),
        (lambda text: text.replace("\ntensor", "\ncensor", 1), "has no whole trace"),
        (lambda text: f"alpharho-trace 1 {'0' * 64} 0 1 1 portable\n{text}", "is of model 0000"),
        (lambda text: text.replace("\ntensor ", "\ntensor 9"), "which this model has not"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_trace_of_the_model_is_one_line(
    changed: object, message: str, model: Path, printed: str, tmp_path: Path
) -> None:
    path = tmp_path / "log.txt"
    path.write_text(changed(printed))  # type: ignore[operator]
    with pytest.raises(DeviceError, match=message):
        layers_of(model, path)


def test_without_a_trace_nothing_of_it_is_exported(model: Path, tmp_path: Path) -> None:
    exported(model, tmp_path / "plain", with_protocol=True)
    code = [path for path in (tmp_path / "plain").rglob("*") if path.suffix in (".c", ".h")]
    assert not [path for path in code if "trace" in path.name]
    assert json.loads((tmp_path / "plain" / "alpharho-export.json").read_text())["with_trace"] is False
