"""Which operators can run row by row together, and what that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.kernel import PairsRow, RingRow, RowForm, ValuesRow, WindowRow
from compilers.aot.operands import At, Scratch
from compilers.aot.steps import Call, Step
from graph.types import Graph

BUFFER_ALIGNMENT = 16
Rows = npt.NDArray[np.int64]


def aligned(size: int) -> int:
    """Return bytes up to where the next buffer may begin."""
    return -(-size // BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT


@dataclass(frozen=True)
class Strips:
    """Layers that run as one, in strips of `columns` columns of their output: what a strip needs is computed again.

    They are a convolution, a depthwise layer, perhaps another 1x1 convolution, with functions of one value behind each,
    and perhaps the sum with the first one's input. `bytes` is what a strip needs, `line` of it the depthwise layer's
    output from `line_at` on, and the kernels' own scratch from `kernel_at` on.
    """

    parts: tuple[Stage, ...]
    columns: int
    bytes: int
    line_at: int
    kernel_at: int


@dataclass(frozen=True)
class Stage:
    """A layer of a block: `step` for the whole tensor, of which each call is turned into one for a row.

    `form` says how the call's kernel computes a row. Shapes are (height, width, channels). `stride`, `extent` and `pad`
    are along the height: output row y reads input rows y * stride - pad up to, not including, that plus extent.
    `residual` is the tensor that a layer of pairs reads besides what flows through the block. With `strips` it stands
    for several layers, `step` is the last of them, and the form is that of a window.
    """

    step: Step
    form: RowForm
    source: int
    source_shape: tuple[int, int, int]
    target_shape: tuple[int, int, int]
    stride: int = 1
    extent: int = 1
    pad: int = 0
    ring_row: int = 0
    ring_left: int = 0
    zero_point: int = 0
    residual: int | None = None
    strips: Strips | None = None

    @property
    def call(self) -> Call:
        """The call to turn into one for a row: in a block, input and output do not overlap."""
        return (self.step.apart or self.step.calls)[0]

    @property
    def line(self) -> int:
        """Bytes of a row of its input."""
        return self.source_shape[1] * self.source_shape[2]

    @property
    def scratch(self) -> int:
        """Bytes that its kernel uses for itself, and that strips take."""
        if self.strips is not None:
            return self.strips.bytes
        uses = isinstance(self.form, WindowRow) and any(isinstance(a, Scratch) for a in self.call.arguments)
        return self.step.scratch if uses else 0

    @property
    def rows(self) -> int:
        """Rows of its input that it keeps if it has no ring: a window, and what its stride passes over."""
        return max(self.extent, self.stride) if isinstance(self.form, WindowRow) else 1

    @property
    def ring_copied(self) -> int:
        """Bytes of a row of its input that go to the ring."""
        return min(self.line, self.ring_row - self.ring_left)

    @property
    def ring(self) -> int:
        """Bytes of the ring that it reads, if it does."""
        return self.extent * self.ring_row if isinstance(self.form, RingRow) else 0


def stage(graph: Graph, step: Step, source: int) -> Stage | None:
    """Return a step as a layer that reads tensor `source` row by row, None if it can't be one."""
    if len(step.calls) != 1 or step.rows or step.more_outputs:
        return None
    call = (step.apart or step.calls)[0]
    shapes = [graph.tensors[t].shape for t in (source, step.output)]
    if call.kernel.row is None or any(len(s) != 4 or s[0] != 1 for s in shapes):
        return None
    shape_in, shape_out = (cast(tuple[int, int, int], s[1:]) for s in shapes)
    layer = Stage(step, call.kernel.row, source, shape_in, shape_out)
    match call.kernel.row:
        case ValuesRow():
            return layer
        case PairsRow():
            return _pairs(graph, layer, call)
        case WindowRow():
            return _windowed(layer, call)
        case RingRow():
            return _ringed(layer, call)


def _windowed(layer: Stage, call: Call) -> Stage:
    """Return a layer with its window along the height."""
    window = cast(Mapping[str, int], call.fields["window"])
    extent = (window["kernel_h"] - 1) * window["dilation_h"] + 1
    return replace(layer, stride=window["stride_h"], extent=extent, pad=window["pad_top"])


def _ringed(layer: Stage, call: Call) -> Stage:
    """Return a layer with its ring. What a row of input has beyond a row of the ring, no window reads."""
    window = cast(Mapping[str, int], call.fields["window"])
    width = (window["out_w"] - 1) * window["stride_w"] + (window["kernel_w"] - 1) * window["dilation_w"] + 1
    zero_point, channels = cast(int, call.fields["input_zero_point"]), window["in_c"]
    return replace(
        _windowed(layer, call),
        ring_row=width * channels,
        ring_left=window["pad_left"] * channels,
        zero_point=zero_point,
    )


def _pairs(graph: Graph, layer: Stage, call: Call) -> Stage | None:
    """Return an element-wise layer of two tensors of one shape, one of which is whole."""
    places = [a for a in call.arguments if isinstance(a, At)]
    inputs = [a.tensor for a in places[:-1]]
    if len(inputs) != 2 or inputs[0] == inputs[1]:
        return None
    if any(graph.tensors[t].shape != graph.tensors[layer.step.output].shape for t in inputs):
        return None
    return replace(layer, residual=next(t for t in inputs if t != layer.source))


def flows_into(graph: Graph, first: Step, second: Step, readers: Mapping[int, int]) -> bool:
    """Return whether a step's output goes to the next one only, and can do so row by row."""
    tensor = first.output
    if readers.get(tensor, 0) != 1 or tensor in graph.outputs or tensor not in second.inputs:
        return False
    return any(stage(graph, first, t) for t in first.inputs) and stage(graph, second, tensor) is not None


def stages(graph: Graph, steps: Sequence[Step]) -> list[Stage] | None:
    """Return the layers of a block of these steps, None if they can't be one."""
    source = _block_source(steps[0])
    layers = []
    for step in steps:
        layer = stage(graph, step, source)
        if layer is None:
            return None
        layers.append(layer)
        source = step.output
    # Functions of one value run in place without a block, and in one a convolution would write over what it reads.
    return None if all(isinstance(layer.form, ValuesRow) for layer in layers[1:]) else layers


def _block_source(first: Step) -> int:
    # Of the two inputs of an ADD, either.
    return first.inputs[0]


def scratch_bytes(layers: Sequence[Stage], streamed: bool = False) -> int:
    """Return what a block needs besides its output and, if that does not come row by row, its input."""
    return Buffers(layers, streamed).size


def overlap(layers: Sequence[Stage]) -> dict[int, int]:
    """Return how far a block's output may overlap the tensors that it reads (see Step.overlap)."""
    last = layers[-1]
    height, pitch = last.target_shape[0], last.target_shape[1] * last.target_shape[2]
    # Strips write a part of a row while others still read the rows for it.
    in_strips = len(layers) == 1
    done = np.arange(1, height + in_strips)
    unread: dict[int, tuple[Stage, Rows]] = {}
    rows = done
    for layer in reversed(layers):
        if layer.residual is not None:
            unread[layer.residual] = layer, rows
        if isinstance(layer.form, RingRow) or (isinstance(layer.form, WindowRow) and layer is not layers[0]):
            rows = np.minimum((rows - 1) * layer.stride + layer.extent - layer.pad, layer.source_shape[0])
        elif isinstance(layer.form, WindowRow):
            rows = np.clip((rows - in_strips) * layer.stride - layer.pad, 0, layer.source_shape[0])
    first = layers[0]
    if first.source in unread:
        rows = np.minimum(rows, unread[first.source][1])
    unread[first.source] = first, rows
    overlaps = {}
    for tensor, (layer, next_row) in unread.items():
        size = layer.line if tensor == layer.source else layer.target_shape[1] * layer.target_shape[2]
        margin = next_row * size - done * pitch
        overlaps[tensor] = min(0, int(margin[next_row < layer.source_shape[0]].min(initial=0)))
    return overlaps


class Buffers:
    """The places of a block's rings and rows in its scratch memory: `offsets` by layer, and `size` bytes in all."""

    def __init__(self, layers: Sequence[Stage], streamed: bool) -> None:
        self.layers = layers
        self.size = 0
        self.offsets: dict[int, int] = {}
        # Rows of input of layers whose ring takes less than a row.
        self.lines: dict[int, int] = {}
        for i, layer in enumerate(layers):
            if isinstance(layer.form, RingRow):
                self.offsets[i] = self._take(layer.ring)
                if i and layer.ring_copied < layer.line:
                    self.lines[i] = self._take(layer.line)
            elif i and not isinstance(layer.form, ValuesRow):
                self.offsets[i] = self._take(layer.rows * layer.line)
        # The rows of the network's input that a row of the first layer reads.
        self.window_bytes = layers[0].extent * layers[0].line if streamed else 0
        self.window = self._take(self.window_bytes)
        self.kernel = self._take(max(layer.scratch for layer in layers))

    def areas(self) -> tuple[tuple[str, int], ...]:
        """Return the parts of the scratch memory: name in C and offset."""
        kinds = {
            i: "RING" if layer.ring else "LINE" if layer.rows == 1 else "ROWS" for i, layer in enumerate(self.layers)
        }
        areas = [(f"STEP{self.layers[i].step.index:02}_{kinds[i]}", at) for i, at in self.offsets.items()]
        areas += [(f"STEP{self.layers[i].step.index:02}_LINE", at) for i, at in self.lines.items()]
        first, last = self.layers[0].step.index, self.layers[-1].step.index
        if self.window_bytes:
            areas.append((f"STEP{first:02}_WINDOW", self.window))
        if self.kernel < self.size:
            areas.append((f"STEPS{first:02}_TO_{last:02}_SCRATCH", self.kernel))
        return tuple(areas)

    def _take(self, size: int) -> int:
        offset = self.size
        self.size += aligned(size)
        return offset
