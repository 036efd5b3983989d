"""Blocks of operators that run row by row, so that the tensors between them are never whole.

A row of the block's output is computed at a time. What a depthwise layer reads is kept in a ring of as many rows as its
kernel is high; between other layers lies one row. No row is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.graph import Graph
from compilers.aot.steps import (
    Argument,
    At,
    Await,
    Call,
    Constant,
    Item,
    Linear,
    Loop,
    Parameters,
    Row,
    Scratch,
    Step,
    Switch,
)

BUFFER_ALIGNMENT = 16
Rows = npt.NDArray[np.int64]
Address = At | Scratch | Row


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
    return _Buffers(layers, streamed).size


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


class _Buffers:
    """Where a block's rings and rows lie in its scratch memory."""

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


def block(graph: Graph, steps: Sequence[Step], streamed: bool = False) -> Step:
    """Return the block of consecutive steps, each of which `flows_into` the next.

    If `streamed`, the first reads the network's input, which then is nowhere whole.
    """
    layers = stages(graph, steps)
    assert layers is not None
    builder = _Builder(layers, streamed)
    inside = {step.output for step in steps}
    if streamed:
        inside.add(layers[0].source)
    inputs = dict.fromkeys(t for step in steps for t in step.inputs if t not in inside)
    return Step(
        steps[0].index, "BLOCK", tuple(inputs), steps[-1].output, (),
        macs=sum(step.macs for step in steps), scratch=builder.buffers.size,
        overlap={t: margin for t, margin in overlap(layers).items() if t not in inside}, parts=tuple(steps),
        rows=builder.program(), streamed=layers[0].source if streamed else None,
    )  # fmt: skip


class _Builder:
    """Writes a block's program, from the last layer back to the first."""

    def __init__(self, layers: Sequence[Stage], streamed: bool) -> None:
        self.layers = layers
        self.streamed = streamed
        self.buffers = _Buffers(layers, streamed)

    def program(self) -> tuple[Item, ...]:
        cleared = [self._clear(i) for i, layer in enumerate(self.layers) if layer.kind == "depthwise"]
        last = self.layers[-1]
        height, pitch = last.target_shape[0], last.target_shape[1] * last.target_shape[2]
        y = Linear(f"y{last.step.index}")
        body = self.row(len(self.layers) - 1, y, Row(At(last.step.output), y, pitch))
        return (*cleared, Loop(y.variable, 0, height, tuple(body)))

    def _clear(self, i: int) -> Call:
        """Fill a ring, for the padding at its sides and top."""
        layer = self.layers[i]
        ring = Scratch(self.buffers.offsets[i], layer.ring)
        return Call("kernel_fill", (ring, layer.zero_point, layer.ring), layer.step.index)

    def row(self, i: int, y: Linear, target: Address) -> list[Item]:
        """Return what computes row y of a layer's output."""
        layer = self.layers[i]
        make = {"conv": self._conv, "depthwise": self._depthwise, "table": self._table, "add": self._add}
        return list(make[layer.kind](i, layer, y, target))

    def _conv(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        line: Address
        if i:
            line = Scratch(self.buffers.offsets[i], layer.line)
            yield from self.row(i - 1, y, line)
            yield self._conv_call(layer, self._window(layer, 0, 1), line, target)
            return
        # Above the first row and below the last the window is cut off.
        height = layer.source_shape[0]
        cases: list[tuple[int | None, tuple[Item, ...]]] = []
        tops = np.arange(layer.target_shape[0]) * layer.stride - layer.pad
        seen: list[tuple[int, int]] = [
            (max(-top, 0), min(top + layer.extent, height) - max(top, 0)) for top in tops.tolist()
        ]
        for row, (above, rows) in enumerate(seen):
            if row and seen[row - 1] == (above, rows):
                continue
            until = next((k for k in range(row, len(seen)) if seen[k] != (above, rows)), None)
            top = y.times(layer.stride).plus(above - layer.pad)
            parameters = self._window(layer, above, rows)
            if self.streamed:
                cases.append((until, tuple(self._streamed(layer, parameters, top, above, rows, target))))
            else:
                source = Row(At(layer.source), top, layer.line)
                cases.append((until, (self._conv_call(layer, parameters, source, target),)))
        if len(cases) == 1:
            yield from cases[0][1]
        else:
            yield Switch(y, tuple(cases))

    def _streamed(
        self, layer: Stage, parameters: Parameters, top: Linear, above: int, rows: int, target: Address
    ) -> Iterator[Item]:
        """Wait for the window's rows; after the row of output keep those that the next window has, too."""
        window = Scratch(self.buffers.window, self.buffers.window_bytes)
        yield Await(layer.source, f"in{layer.step.index}", top.plus(rows), top, window, layer.line)
        yield self._conv_call(layer, parameters, window, target)
        passed = max(layer.stride - above, 0)
        for kept in range(rows - passed if passed else 0):
            source, place = (Scratch(window.offset + row * layer.line, layer.line) for row in (kept + passed, kept))
            yield Call("kernel_copy", (source, place, layer.line), layer.step.index)

    def _window(self, layer: Stage, above: int, rows: int) -> Parameters:
        """Return a layer's parameters for one row of output, `rows` of input and `above` of padding."""
        parameters = next(a for a in layer.call.arguments if isinstance(a, Parameters))
        window = cast(Mapping[str, int], parameters.fields["window"])
        cut = {**window, "in_h": rows, "out_h": 1, "pad_top": above}
        return replace(parameters, fields={**parameters.fields, "window": cut})

    def _conv_call(self, layer: Stage, parameters: Parameters, source: Address, target: Address) -> Call:
        own = (Scratch(self.buffers.kernel, layer.scratch),) if layer.scratch else ()
        return Call(layer.call.function, (parameters, source, target, *own), layer.step.index)

    def _depthwise(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        ring = Scratch(self.buffers.offsets[i], layer.ring)
        height = layer.source_shape[0]
        # Rows of the ring are counted from the first of padding; the padding on top is there from the start.
        r = Linear(f"r{layer.step.index}")
        inside = replace(ring, offset=ring.offset + layer.ring_left)
        place = Row(inside, r, layer.ring_row, layer.extent)
        input_row = r.plus(-layer.pad)
        make: list[Item]
        if i:
            make = self.row(i - 1, input_row, place)
        else:
            source = Row(At(layer.source), input_row, layer.line)
            make = [Call("kernel_copy", (source, place, layer.line), layer.step.index)]
        whole = Row(ring, r, layer.ring_row, layer.extent)
        below = Call("kernel_fill", (whole, layer.zero_point, layer.ring_row), layer.step.index)
        if (layer.target_shape[0] - 1) * layer.stride + layer.extent > layer.pad + height:
            make = [Switch(r, ((layer.pad + height, tuple(make)), (None, (below,))))]
        yield Loop(r.variable, layer.pad, y.times(layer.stride).plus(layer.extent), tuple(make))
        yield Call(f"{layer.call.function}_row", (layer.call.arguments[0], ring, y, target), layer.step.index)

    def _table(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        table, size = layer.call.arguments[0], layer.target_shape[1] * layer.target_shape[2]
        assert isinstance(table, Constant)
        source = target if i else Row(At(layer.source), y, layer.line)
        if i:
            yield from self.row(i - 1, y, target)
        yield Call(layer.call.function, (table, source, target, size), layer.step.index)

    def _add(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        source: Address = Row(At(layer.source), y, layer.line)
        if i:
            source = Scratch(self.buffers.offsets[i], layer.line)
            yield from self.row(i - 1, y, source)
        assert layer.residual is not None
        operands = {layer.source: source, layer.residual: Row(At(layer.residual), y, layer.line)}
        arguments: list[Argument] = []
        for argument in layer.call.arguments:
            match argument:
                case At(tensor) if tensor in operands:
                    arguments.append(operands[tensor])
                case At():
                    arguments.append(target)
                case Parameters() if "shape" in argument.fields:
                    flat = {"dims": (1, 1, 1, layer.line), "step1": (0, 0, 0, 1), "step2": (0, 0, 0, 1)}
                    arguments.append(replace(argument, fields={**argument.fields, "shape": flat}))
                case Parameters():
                    arguments.append(replace(argument, fields={**argument.fields, "size": layer.line}))
                case _:
                    arguments.append(argument)
        yield Call(layer.call.function, tuple(arguments), layer.step.index)
