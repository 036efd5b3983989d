"""Which operators can run row by row together, and what that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.steps import At, Call, Parameters, Scratch, Step
from graph.types import Graph

BUFFER_ALIGNMENT = 16
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stage:
    """A layer of a block: `step` for the whole tensor, of which each call is turned into one for a row.

    `kind` is "conv", "depthwise", "table" or "add". Shapes are (height, width, channels). `stride`, `extent` and `pad`
    are along the height: output row y reads input rows y * stride - pad up to, not including, that plus extent.
    `residual` is the tensor that an "add" reads besides what flows through the block.
    """

    step: Step
    kind: str
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

    @property
    def call(self) -> Call:
        """The call to turn into one for a row: in a block, input and output lie apart."""
        return (self.step.apart or self.step.calls)[0]

    @property
    def line(self) -> int:
        """Bytes of a row of its input."""
        return self.source_shape[1] * self.source_shape[2]

    @property
    def scratch(self) -> int:
        """Bytes that its kernel uses for itself."""
        uses = self.kind == "conv" and any(isinstance(a, Scratch) for a in self.call.arguments)
        return self.step.scratch if uses else 0

    @property
    def ring(self) -> int:
        """Bytes of the ring that it reads, if it does."""
        return self.extent * self.ring_row if self.kind == "depthwise" else 0


def stage(graph: Graph, step: Step, source: int) -> Stage | None:
    """Return a step as a layer that reads tensor `source` row by row, None if it can't be one."""
    if len(step.calls) != 1 or step.rows:
        return None
    call = (step.apart or step.calls)[0]
    shapes = [graph.tensors[t].shape for t in (source, step.output)]
    if any(len(s) != 4 or s[0] != 1 for s in shapes):
        return None
    shape_in, shape_out = (cast(tuple[int, int, int], s[1:]) for s in shapes)
    found = Stage(step, "", source, shape_in, shape_out)
    parameters = next((a for a in call.arguments if isinstance(a, Parameters)), None)
    if call.function.endswith("_table"):
        return replace(found, kind="table")
    if parameters is None:
        return None
    if "window" not in parameters.fields:
        return _add(graph, found, call, parameters)
    if "pool" in call.function:
        return None
    window = cast(Mapping[str, int], parameters.fields["window"])
    extent = (window["kernel_h"] - 1) * window["dilation_h"] + 1
    if window["stride_h"] > extent:
        return None
    found = replace(found, stride=window["stride_h"], extent=extent, pad=window["pad_top"])
    if "depthwise" not in call.function:
        return replace(found, kind="conv")
    width = (window["out_w"] - 1) * window["stride_w"] + (window["kernel_w"] - 1) * window["dilation_w"] + 1
    if window["in_w"] + window["pad_left"] > width:
        return None
    zero_point, channels = cast(int, parameters.fields["input_zero_point"]), window["in_c"]
    return replace(
        found, kind="depthwise", ring_row=width * channels, ring_left=window["pad_left"] * channels,
        zero_point=zero_point,
    )  # fmt: skip


def _add(graph: Graph, found: Stage, call: Call, parameters: Parameters) -> Stage | None:
    """Return an element-wise layer of two tensors of one shape, one of which is whole."""
    places = [a for a in call.arguments if isinstance(a, At)]
    inputs = [a.tensor for a in places[:-1]]
    if not call.function.endswith("_add") or len(inputs) != 2 or inputs[0] == inputs[1]:
        return None
    if any(graph.tensors[t].shape != graph.tensors[found.step.output].shape for t in inputs):
        return None
    return replace(found, kind="add", residual=next(t for t in inputs if t != found.source))


def flows_into(graph: Graph, first: Step, second: Step, readers: Mapping[int, int]) -> bool:
    """Return whether a step's output goes to the next one only, and can do so row by row."""
    tensor = first.output
    if readers.get(tensor, 0) != 1 or tensor in graph.outputs or tensor not in second.inputs:
        return False
    a = next((s for t in first.inputs if (s := stage(graph, first, t))), None)
    b = stage(graph, second, tensor)
    return a is not None and b is not None and (b.kind != "conv" or (b.stride, b.extent, b.pad) == (1, 1, 0))


def stages(graph: Graph, steps: Sequence[Step]) -> list[Stage] | None:
    """Return the layers of a block of these steps, None if they can't be one."""
    source = _block_source(steps[0])
    found = []
    for step in steps:
        layer = stage(graph, step, source)
        if layer is None:
            return None
        found.append(layer)
        source = step.output
    # Functions of one value run in place anyway; and a convolution would write over what it reads.
    return None if all(layer.kind == "table" for layer in found[1:]) else found


def _block_source(first: Step) -> int:
    # Of the two inputs of an ADD, either.
    return first.inputs[0]


def scratch_bytes(layers: Sequence[Stage], streamed: bool = False) -> int:
    """Return what a block needs besides its output and, if that does not come row by row, its input."""
    return Buffers(layers, streamed).size


def overlap(layers: Sequence[Stage]) -> dict[int, int]:
    """Return how far a block's output may lie over the tensors that it reads (see Step.overlap)."""
    last = layers[-1]
    height, pitch = last.target_shape[0], last.target_shape[1] * last.target_shape[2]
    done = np.arange(1, height)
    unread: dict[int, tuple[Stage, Rows]] = {}
    rows = done
    for layer in reversed(layers):
        if layer.residual is not None:
            unread[layer.residual] = layer, rows
        if layer.kind == "depthwise":
            rows = np.minimum((rows - 1) * layer.stride + layer.extent - layer.pad, layer.source_shape[0])
        elif layer is layers[0] and layer.kind == "conv":
            rows = np.clip(rows * layer.stride - layer.pad, 0, layer.source_shape[0])
    first = layers[0]
    if first.source in unread:
        rows = np.minimum(rows, unread[first.source][1])
    unread[first.source] = first, rows
    found = {}
    for tensor, (layer, next_row) in unread.items():
        size = layer.line if tensor == layer.source else layer.target_shape[1] * layer.target_shape[2]
        margin = next_row * size - done * pitch
        found[tensor] = min(0, int(margin[next_row < layer.source_shape[0]].min(initial=0)))
    return found


class Buffers:
    """Where a block's rings and rows lie in its scratch memory: `offsets` by layer, and `size` bytes in all."""

    def __init__(self, layers: Sequence[Stage], streamed: bool) -> None:
        self.size = 0
        self.offsets: dict[int, int] = {}
        for i, layer in enumerate(layers):
            if layer.kind == "depthwise":
                self.offsets[i] = self._take(layer.ring)
            elif i and layer.kind != "table":
                self.offsets[i] = self._take(layer.line)
        # The rows of the network's input that a row of the first layer reads.
        self.window_bytes = layers[0].extent * layers[0].line if streamed else 0
        self.window = self._take(self.window_bytes)
        self.kernel = self._take(max(layer.scratch for layer in layers))

    def _take(self, size: int) -> int:
        offset = self.size
        self.size += -(-size // BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT
        return offset
