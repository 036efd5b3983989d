"""The task `trace`: each operator's output on a device beside LiteRT's reference kernels."""

from __future__ import annotations

from pathlib import Path

import console
import target as targets
from artifact import Artifact, ImageFacts
from calibration.convert import Int8Facts
from compilers import aot
from errors import ConfigError, DeviceError
from fields.dataclass_json import to_json
from graph import tensors
from graph.reader import read
from graph.types import Array, Graph
from measure import trace_layout, trace_run, trace_text
from measure.trace import ABSENT, DIFFERS, SCHEMA, Layer, Trace, layers_of, of_channels
from pipeline import measuring, one_input, preflight
from pipeline.preflight import Goal
from pipeline.steps import Steps
from pipeline.task_requests import TraceRequest
from target import Target


def run(request: TraceRequest) -> None:
    """Compare, and print each layer. Raises DeviceError, after that, if one differs."""
    board = targets.load(request.target)
    _check(request, board)
    if request.answers is not None:
        trace, note = _of_text(request, request.answers), ""
    else:
        trace, note = _of_device(request, board)
    if note:
        console.note(note)
    if request.json:
        console.print_json(to_json(trace))
    else:
        console.table("", trace_layout.COLUMNS, trace_layout.rows(trace), red=(DIFFERS,), drop=trace_layout.DROPPED)
        console.plain(trace_layout.summary(trace))
    if trace.first is not None:
        raise DeviceError(f"{trace.target}: {trace.first.name} {trace.first.operator} differs from the reference")


def _check(request: TraceRequest, board: Target) -> None:
    """Raise ConfigError for what can't be traced, with what can."""
    engine = request.engine_for(board)
    if request.answers is not None:
        if request.picture is not None or request.link is not None:
            raise ConfigError(f"--answers {request.answers}: has its own input; leave --picture and --link out")
        if not request.answers.is_file():
            raise ConfigError(f"--answers {request.answers}: no such file; it is what `answers` of an export prints")
    elif engine == "edgetpu":
        raise ConfigError(
            f"--target {board.name}: an Edge TPU runs many operators as one and shows none of their tensors; "
            "trace the network before Coral's compiler with --target host"
        )
    elif engine == "tflm" and board.kind == "mcu":
        raise ConfigError(
            f"--engine tflm: its library on {board.name} keeps no tensors but its outputs; "
            "trace --engine aot there, or TFLite-Micro here with --target host-tflm"
        )
    elif board.sdk is not None and request.link is None:
        raise ConfigError(
            f"--target {board.name}: your SDK builds its program: `./inv export --with-trace --with-protocol`, then "
            "trace with --link; or --answers with what the program `answers` prints"
        )
    if request.picture is not None:
        one_input.check_picture(request.picture)


def _of_device(request: TraceRequest, board: Target) -> tuple[Trace, str]:
    """Trace the device of a request; return what it says besides, too."""
    steps = Steps(preflight.check(request, Goal.MEASURED, needs_data=False))
    int8 = steps.quantize()
    is_linked = board.kind == "mcu" and request.link is not None
    compiled = _on_device(int8) if is_linked else steps.build_traced()
    setup = measuring.set_up_for_one(request, board, compiled, steps)
    data, source = one_input.choose(setup, request.picture)
    graph, expected = _expected(int8, data)
    kept = aot.channels_kept(graph) if is_linked or request.engine_for(board) == aot.ENGINE else {}
    expected = of_channels(expected, kept)
    with console.step("trace") as line:
        if is_linked:
            assert request.link is not None
            answer = trace_run.run_linked(request.link, int8.sha256, data, expected)
        else:
            answer = trace_run.run(setup, graph, data, expected)
        line.text = f"{answer.info.board}: {answer.info.engine} {answer.info.engine_version}, {source}"
    engine, kernels = answer.info.engine, answer.info.kernels
    layers = layers_of(graph, expected, answer.computed, kept)
    return _trace(int8, layers, (board.name, engine, kernels, source)), answer.note


def _on_device(int8: Artifact[Int8Facts]) -> Artifact[ImageFacts]:
    """Return the network as what a device has already."""
    return Artifact(int8.path, int8.kind, int8.name, int8.sha256, ImageFacts(int8.sha256, {}))


def _of_text(request: TraceRequest, path: Path) -> Trace:
    """Compare what an exported program has printed."""
    int8 = Steps(preflight.check(request, Goal.INT8, needs_data=False)).quantize()
    printed = trace_text.read(path, int8.sha256)
    graph = read(int8.path, f"{int8.name}.tflite")
    data = trace_text.input_of(graph, printed)
    kept = aot.channels_kept(graph)
    expected = of_channels(tensors.reference(int8.path, graph, data), kept)
    layers = layers_of(graph, expected, trace_text.compared(printed, expected), kept)
    return _trace(int8, layers, (str(path), aot.ENGINE, printed.kernels, f"known answer {printed.answer}"))


def _expected(int8: Artifact[Int8Facts], data: bytes) -> tuple[Graph, dict[int, Array]]:
    graph = read(int8.path, f"{int8.name}.tflite")
    return graph, tensors.reference(int8.path, graph, data)


def _trace(int8: Artifact[Int8Facts], layers: tuple[Layer, ...], about: tuple[str, str, str, str]) -> Trace:
    if all(layer.state == ABSENT for layer in layers):
        raise DeviceError(f"{about[0]}: it has no tensor of {int8.name}; build it from this checkout")
    return Trace(SCHEMA, int8.name, *about, layers)
