"""The ahead-of-time compiler: an int8 `.tflite` becomes C that calls the kernels in `firmware/kernels`.

`importer` reads the file, `lower` turns operators into kernel calls, `planner` finds each tensor's place, `checker`
proves the places right, `emit` writes the C. Nothing here imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from artifact import write_atomic
from compilers.aot.checker import check
from compilers.aot.emit import emit
from compilers.aot.lower import KERNEL_SETS, OPTIMIZE, lower
from compilers.aot.planner import Layout, plan
from compilers.aot.result import (
    OperatorSpec,
    Plan,
    Streamed,
    TensorSpec,
    input_preserved,
    operator_specs,
    peak_tensors,
    tensor_spec,
)
from compilers.aot.segment import cuts
from compilers.aot.steps import Step, awaits
from errors import CompileError, nearest
from graph.reader import read
from graph.types import Graph

__all__ = ["ENGINE", "ENGINE_VERSION", "KERNEL_SETS", "OPTIMIZE", "OperatorSpec", "Plan", "TensorSpec", "compile_model"]

ENGINE = "aot"
# Raise it whenever the generated C may differ for the same network.
ENGINE_VERSION = "4"


def compile_model(
    tflite_path: Path, out_dir: Path, kernels: str = "portable", optimize: str = "size", stream_input: bool = False
) -> Plan:
    """Compile a `.tflite` into `model.c`, `model.h` and `weights.c` in `out_dir`, and return the plan.

    `optimize` is one of OPTIMIZE. With `stream_input` the network takes its input row by row as it comes, and the input
    is nowhere whole. The same arguments give the same bytes. Raises CompileError, one line naming file,
    operator and tensor, for a file that is damaged or holds what can't be compiled, and for what is not one of the
    kernel sets or of OPTIMIZE.
    """
    if kernels not in KERNEL_SETS:
        raise CompileError(f"kernel set {kernels}: unknown; {nearest(kernels, KERNEL_SETS)}")
    if optimize not in OPTIMIZE:
        raise CompileError(f"--optimize {optimize}: unknown; {nearest(optimize, OPTIMIZE)}")
    graph = read(tflite_path)
    result, files = compile_graph(graph, kernels, optimize, stream_input)
    for name, text in files.items():
        write_atomic(out_dir / name, text)
    return result


def compile_graph(
    graph: Graph, kernels: str = "portable", optimize: str = "size", stream_input: bool = False
) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a network and the generated files by name. Raises CompileError."""
    lowered = lower(graph, kernels, optimize)
    steps, layout = _smallest(graph, lowered, stream_input)
    check(graph, steps, layout)
    result = _result(graph, steps, layout, kernels)
    if stream_input:
        result = replace(result, streamed=_streamed(graph, steps, _smallest(graph, lowered, False)[1].arena_bytes))
    return result, emit(graph, steps, layout, result)


def _smallest(graph: Graph, lowered: tuple[Step, ...], stream_input: bool) -> tuple[tuple[Step, ...], Layout]:
    """Return the cut into blocks that needs the smallest arena, and its layout."""
    layouts = [(cut, plan(graph, cut)) for cut in cuts(graph, lowered, stream_input)]
    chosen, layout = min(layouts, key=lambda found: found[1].arena_bytes)
    return tuple(s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(chosen)), layout


def _streamed(graph: Graph, steps: tuple[Step, ...], whole_arena_bytes: int) -> Streamed:
    step = next(s for s in steps if s.streamed is not None)
    wait = next(awaits(step.rows))
    rows = wait.window.size // wait.line
    return Streamed(rows, wait.line, graph.tensors[wait.tensor].bytes, whole_arena_bytes)


def _result(graph: Graph, steps: tuple[Step, ...], layout: Layout, kernels: str) -> Plan:
    operators = operator_specs(graph, steps, layout)
    peak = max(range(len(operators)), key=lambda i: (operators[i].live_bytes, -i))
    tensors = sorted(layout.tensors)
    return Plan(
        source=graph.source,
        model_sha256=graph.sha256,
        engine=ENGINE,
        engine_version=ENGINE_VERSION,
        kernels=kernels,
        arena_bytes=layout.arena_bytes,
        weights_bytes=sum(o.constant_bytes for o in operators),
        macs=sum(o.macs for o in operators),
        input_preserved=input_preserved(graph, layout),
        inputs=tuple(tensor_spec(graph.tensors[i], layout) for i in graph.inputs),
        outputs=tuple(tensor_spec(graph.tensors[i], layout) for i in graph.outputs),
        tensors=tuple(tensor_spec(graph.tensors[i], layout) for i in tensors),
        operators=operators,
        peak_operator=peak,
        peak=peak_tensors(graph, steps, layout, operators[peak].index),
    )
