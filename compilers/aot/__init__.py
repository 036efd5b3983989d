"""The ahead-of-time compiler: an int8 `.tflite` becomes C that calls the kernels in `firmware/kernels`.

`operators` says what is supported, `leave_out` drops channels that have no effect, `lower` turns operators into
kernel calls, `segment` cuts them into blocks, `planner` gives each tensor its place, `checker` proves the places right,
`emit` writes the C.
Nothing here imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from artifact import ROOT, sources_digest, write_atomic
from compilers.aot.checker import check
from compilers.aot.emit import Naming, emit, traced_bytes
from compilers.aot.lower import KERNEL_SETS, OPTIMIZE, lower, reduced
from compilers.aot.planner import Layout
from compilers.aot.planner import plan as plan_layout
from compilers.aot.recompute import slim
from compilers.aot.result import (
    Computed,
    OperatorSpec,
    Plan,
    Streamed,
    TensorSpec,
    TracedTensor,
    code_bytes,
    computed_pixels,
    input_preserved,
    operator_specs,
    peak_tensors,
    tensor_spec,
)
from compilers.aot.segment import cuts
from compilers.aot.steps import Step, awaits
from compilers.compiled import c_identifier
from errors import CompileError, nearest
from graph.reader import read
from graph.types import Graph

__all__ = [
    "ENGINE", "ENGINE_VERSION", "KERNEL_SETS", "OPTIMIZE", "OperatorSpec", "Plan", "TensorSpec", "channels_kept",
    "compile_model", "key",
]  # fmt: skip

ENGINE = "aot"
# Raise it whenever the generated C may differ for the same network.
ENGINE_VERSION = "10"
SOURCES = (ROOT / "compilers" / "aot", ROOT / "compilers" / "compiled.py", ROOT / "graph")
"""What decides the generated C beside the network: this compiler, and what reads the network for it."""


def key() -> str:
    """Return what stands for this compiler in the key of each product that it has a part in."""
    return f"{ENGINE} {ENGINE_VERSION}, sources {sources_digest(*SOURCES)}"


def compile_model(
    tflite_path: Path,
    out_dir: Path,
    kernels: str = "portable",
    optimize: str = "size",
    stream_input: bool = False,
    *,
    name: str | None = None,
    profile: bool = False,
    trace: bool = False,
) -> Plan:
    """Compile a `.tflite` to C in `out_dir`, and return the plan.

    `optimize` is one of OPTIMIZE. With `stream_input` the network takes its input row by row as it arrives, and the
    input is never whole in memory. Files and C symbols begin with `name` as a C identifier, or with `model`; in errors
    the network has this name, or its file's. With `profile` the C counts each call for its operator; it includes
    `profile.h`. With `trace` it hashes what each operator writes; it includes `trace.h`. The same arguments give the
    same bytes. Raises CompileError, one line naming file, operator and tensor, for a file that is damaged or has what
    can't be compiled, and for a `kernels` or `optimize` that does not exist.
    """
    if kernels not in KERNEL_SETS:
        raise CompileError(f"kernel set {kernels}: unknown; {nearest(kernels, KERNEL_SETS)}")
    if optimize not in OPTIMIZE:
        raise CompileError(f"--optimize {optimize}: unknown; {nearest(optimize, OPTIMIZE)}")
    graph = read(tflite_path, f"{name}.tflite" if name else "")
    naming = Naming(c_identifier("model" if name is None else name), profile, trace)
    plan, files = compile_graph(graph, kernels, optimize, stream_input, naming)
    for file, text in files.items():
        write_atomic(out_dir / file, text)
    return plan


def compile_graph(
    graph: Graph,
    kernels: str = "portable",
    optimize: str = "size",
    stream_input: bool = False,
    naming: Naming = Naming(),  # noqa: B008
) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a network and the generated files by name. Raises CompileError."""
    whole, (graph, kept) = graph, reduced(graph)
    steps, layout = planned(graph, kernels, optimize, stream_input)
    result = _result(graph, steps, layout, kernels, whole.all_macs() - graph.all_macs())
    if stream_input:
        unstreamed = planned(graph, kernels, optimize, stream_input=False)[1]
        result = replace(result, streamed=_streamed(graph, steps, unstreamed.arena_bytes))
    if naming.trace:
        sizes = traced_bytes(graph, steps).items()
        result = replace(result, traced=tuple(TracedTensor(t, size, kept.get(t, ())) for t, size in sizes))
    return result, emit(graph, steps, layout, result, naming)


def planned(graph: Graph, kernels: str, optimize: str, stream_input: bool) -> tuple[tuple[Step, ...], Layout]:
    """Return the steps of a network on a kernel set and their layout, which is proved. Raises CompileError."""
    steps, layout = smallest(graph, lower(graph, kernels, optimize), stream_input, optimize)
    check(graph, steps, layout)
    return steps, layout


def channels_kept(graph: Graph) -> Mapping[int, tuple[int, ...]]:
    """Return the indexes of the last dimension that are computed, for each tensor of which some are not.

    Raises CompileError.
    """
    return reduced(graph).kept


@dataclass(frozen=True)
class Outline:
    """What a compilation will need, in bytes as in Plan, and the operators that run row by row, by index.

    `computed` are the convolutions of blocks that compute something again.
    """

    arena_bytes: int
    weights_bytes: int
    code_bytes: int
    by_rows: tuple[int, ...]
    computed: tuple[Computed, ...]


def outline(graph: Graph, kernels: str, optimize: str, stream_input: bool) -> Outline:
    """Return what `compile_model` will plan; it is not proved, and no C is written. Raises CompileError."""
    graph = reduced(graph).graph
    steps, layout = smallest(graph, lower(graph, kernels, optimize), stream_input, optimize)
    constants = sum(c.bytes for step in steps for part in step.operators() for c in part.constants())
    by_rows = tuple(part.index for step in steps if step.parts for part in step.operators())
    return Outline(layout.arena_bytes, constants, code_bytes(steps), by_rows, computed_pixels(steps))


def smallest(
    graph: Graph, lowered: tuple[Step, ...], stream_input: bool, optimize: str = "size"
) -> tuple[tuple[Step, ...], Layout]:
    """Return the cut into blocks that needs the smallest arena, and its layout.

    If `optimize` is "ram", blocks may compute rows again to keep fewer.
    """
    tried = cuts(graph, lowered, stream_input)
    if optimize == "ram":
        tried += slim(graph, lowered, stream_input)
    layouts = [(cut, plan_layout(graph, cut)) for cut in tried]
    chosen, layout = min(layouts, key=lambda layout: layout[1].arena_bytes)
    return tuple(s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(chosen)), layout


def _streamed(graph: Graph, steps: tuple[Step, ...], whole_arena_bytes: int) -> Streamed:
    step = next(s for s in steps if s.streamed is not None)
    wait = next(awaits(step.rows))
    rows = wait.window.size // wait.line
    return Streamed(rows, wait.line, graph.tensors[wait.tensor].bytes, whole_arena_bytes)


def _result(graph: Graph, steps: tuple[Step, ...], layout: Layout, kernels: str, macs_left_out: int) -> Plan:
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
        macs_again=sum(step.again for step in steps),
        macs_left_out=macs_left_out,
        input_preserved=input_preserved(graph, layout),
        inputs=tuple(tensor_spec(graph.tensors[i], layout) for i in graph.inputs),
        outputs=tuple(tensor_spec(graph.tensors[i], layout) for i in graph.outputs),
        tensors=tuple(tensor_spec(graph.tensors[i], layout) for i in tensors),
        operators=operators,
        peak_operator=peak,
        peak=peak_tensors(graph, steps, layout, operators[peak].index),
        code_bytes=code_bytes(steps),
    )
