"""What a compilation gives: the plan, in numbers and names, without the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from compilers.aot.planner import Layout, Placed
from compilers.aot.steps import Call, Step
from compilers.aot.strips import whole_groups
from compilers.compiled import CompiledModel
from graph.types import Graph, Tensor

# Measured on Arm's emulated cores: a layer's structure and what reads it, and a call with its arguments.
PARAMETERS_BYTES = 80
CALL_BYTES = 20


@dataclass(frozen=True)
class TensorSpec:
    """A tensor and its place: `offset` and `bytes` in the arena, alive from step `first` to step `last`, inclusive.

    `scale` is 0 where it is float32.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class OperatorSpec:
    """An operator: schema name, name of the tensor it makes, that tensor's shape, MACs, bytes of constants and scratch.

    `live_bytes` are those of all tensors and scratch that are needed while it runs; bytes that its output shares with
    its dying input count once. `overlaps_input` says that they share some. `block` is the index of the first operator
    of those that run row by row together, whose scratch, live bytes and overlap are the block's; None for an operator
    that runs alone.
    """

    index: int
    name: str
    tensor: str
    shape: tuple[int, ...]
    macs: int
    constant_bytes: int
    scratch_bytes: int
    live_bytes: int
    overlaps_input: bool
    block: int | None = None


@dataclass(frozen=True)
class Streamed:
    """An input that is taken row by row as it arrives: `rows` of `row_bytes` are kept of its `input_bytes`.

    `whole_arena_bytes` is what the arena would be with the input whole.
    """

    rows: int
    row_bytes: int
    input_bytes: int
    whole_arena_bytes: int


@dataclass(frozen=True)
class TracedTensor:
    """A tensor of the `.tflite` by its index there, of which the device computes and hashes the first `bytes`.

    `channels` are the indexes of the last dimension that it has on the device, in order; none: all.
    """

    tensor: int
    bytes: int
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A compiled network.

    `arena_bytes` holds all activations, inputs and outputs included; `weights_bytes` all constants in flash. `macs` are
    those that an inference takes, each counted once; `macs_again` are computed a second time or more often to save RAM,
    and `macs_left_out` not at all, since they have no effect (`leave_out`). Tensors that are never whole are not among
    `tensors`. `peak_operator` is one of those that need the most, by its place in `operators`; `peak` names the tensors
    alive then, the largest first. `traced` are those of a build with hashes.
    """

    source: str
    model_sha256: str
    engine: str
    engine_version: str
    kernels: str
    arena_bytes: int
    weights_bytes: int
    macs: int
    macs_again: int
    input_preserved: bool
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    tensors: tuple[TensorSpec, ...]
    operators: tuple[OperatorSpec, ...]
    peak_operator: int
    peak: tuple[str, ...]
    streamed: Streamed | None = None
    traced: tuple[TracedTensor, ...] = ()
    code_bytes: int = 0
    """About what the calls and the parameters of layers take of flash beside the constants, as `code_bytes` says."""
    macs_left_out: int = 0

    def compiled(self, name: str, folder: Path) -> CompiledModel:
        """Return what a firmware build needs to know; the generated C is in `folder`."""
        return CompiledModel(
            name,
            folder,
            self.model_sha256,
            self.arena_bytes,
            self.weights_bytes,
            sum(tensor.bytes for tensor in self.inputs),
            self.inputs[0].shape,
            self.inputs[0].dtype,
            self.streamed is not None,
            bool(self.traced),
        )


def code_bytes(steps: Sequence[Step]) -> int:
    """Return about how many bytes of flash the generated calls and the layers' parameters take."""
    return sum(
        PARAMETERS_BYTES * len(step.parameters()) + CALL_BYTES * sum(1 for _ in step.written()) for step in steps
    )


@dataclass(frozen=True)
class Computed:
    """How many pixels a convolution computes, also with each call's rounded up to whole groups; by its operator."""

    operator: int
    pixels: int
    rounded: int


def computed_pixels(steps: Sequence[Step]) -> tuple[Computed, ...]:
    """Return how many pixels convolutions compute, of steps that compute something again."""
    counts: dict[int, tuple[int, int]] = {}
    for step in steps:
        names = {part.index: part.name for part in step.operators()}
        for call in step.execution() if step.again else ():
            if isinstance(call, Call) and call.operator is not None and names[call.operator] == "CONV_2D":
                window = cast(Mapping[str, int], call.fields.get("window", {"out_w": 0}))
                pixels, rounded = counts.get(call.operator, (0, 0))
                width = window["out_w"]
                counts[call.operator] = pixels + width, rounded + whole_groups(width)
    return tuple(Computed(operator, *pixels) for operator, pixels in counts.items())


def tensor_spec(tensor: Tensor, layout: Layout) -> TensorSpec:
    """Return a computed tensor with its place; one that arrives row by row has the offset -1."""
    piece = layout.tensors.get(tensor.index, Placed(tensor.index, -1, 0, -1, -1))
    scale, zero_point = (0.0, 0) if tensor.dtype == "float32" else (float(tensor.quant.scale), tensor.quant.zero_point)
    return TensorSpec(
        tensor.short_name, tensor.shape, tensor.dtype, scale, zero_point,
        piece.offset, tensor.bytes, piece.first, piece.last,
    )  # fmt: skip


def operator_specs(graph: Graph, steps: Sequence[Step], layout: Layout) -> tuple[OperatorSpec, ...]:
    """Return each operator with what it costs."""
    return tuple(
        OperatorSpec(
            part.index, part.name, graph.tensors[part.output].short_name, graph.tensors[part.output].shape, part.macs,
            sum(c.bytes for c in part.constants()), step.scratch, _live_bytes(layout, i), i in layout.overlapped,
            step.index if step.parts else None,
        )
        for i, step in enumerate(steps)
        for part in step.operators()
    )  # fmt: skip


def peak_tensors(graph: Graph, steps: Sequence[Step], layout: Layout, operator: int) -> tuple[str, ...]:
    """Return the names of the tensors alive while an operator runs, the largest first."""
    step = next(i for i, s in enumerate(steps) if any(part.index == operator for part in s.operators()))
    alive = [p for p in layout.tensors.values() if p.first <= step <= p.last]
    return tuple(graph.tensors[p.tensor or 0].short_name for p in sorted(alive, key=lambda p: (-p.size, p.first)))


def input_preserved(graph: Graph, layout: Layout) -> bool:
    """Return whether the network's inputs are still whole after it has run."""
    if any(i not in layout.tensors for i in graph.inputs):
        return False
    inputs = [layout.tensors[i] for i in graph.inputs]
    others = [p for t, p in layout.tensors.items() if t not in graph.inputs] + list(layout.scratch.values())
    return not any(i.offset < o.offset + o.size and o.offset < i.offset + i.size for i in inputs for o in others)


def _live_bytes(layout: Layout, step: int) -> int:
    """Return how many bytes of the arena belong to something that is alive at a step."""
    alive = [p for p in (*layout.tensors.values(), *layout.scratch.values()) if p.first <= step <= p.last]
    total, end = 0, 0
    for piece in sorted(alive, key=lambda p: p.offset):
        total += max(piece.offset + piece.size - max(end, piece.offset), 0)
        end = max(end, piece.offset + piece.size)
    return total
