"""Blocks of operators that run row by row, so that the tensors between them are never whole in memory.

A row of the block's output is computed at a time. What a depthwise layer reads is kept in a ring of as many rows as its
kernel is high; between other layers there is one row. No row is computed twice, but in strips (see `strips`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from compilers.aot.kernel import Kernel, PairsRow, RingRow, ValuesRow, WindowRow
from compilers.aot.operands import Address, Argument, At, Constant, Fields, Linear, Parameters, Row, Scratch
from compilers.aot.sets import portable
from compilers.aot.stages import Buffers, Stage, overlap, stages
from compilers.aot.steps import Await, Call, Item, Loop, Result, Step, Switch
from compilers.aot.strips import StripWriter, again, with_window
from graph.types import Graph


def block(graph: Graph, steps: Sequence[Step], streamed: bool = False, layers: Sequence[Stage] | None = None) -> Step:
    """Return the block of consecutive steps, each of which `flows_into` the next.

    If `streamed`, the first reads the network's input, which then is never whole in memory. `layers` are the stages of
    these steps if some run in strips.
    """
    layers = layers or stages(graph, steps)
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
        rows=builder.program(), streamed=layers[0].source if streamed else None, areas=builder.buffers.areas(),
        again=sum(again(layer)[0] for layer in layers if layer.strips),
    )  # fmt: skip


class _Builder:
    """Writes a block's program, from the last layer back to the first."""

    def __init__(self, layers: Sequence[Stage], streamed: bool) -> None:
        self.layers = layers
        self.streamed = streamed
        self.buffers = Buffers(layers, streamed)
        self.strips = StripWriter(self.buffers.kernel)

    def program(self) -> tuple[Item, ...]:
        cleared = [self._clear(i) for i, layer in enumerate(self.layers) if isinstance(layer.form, RingRow)]
        last = self.layers[-1]
        height, pitch = last.target_shape[0], last.target_shape[1] * last.target_shape[2]
        y = Linear(f"y{last.step.index}")
        body = self.row(len(self.layers) - 1, y, Row(At(last.step.output), y, pitch))
        return (*cleared, Loop(y.variable, 0, height, tuple(body)))

    def _clear(self, i: int) -> Call:
        """Fill a ring, for the padding at its sides and top."""
        layer = self.layers[i]
        ring = Scratch(self.buffers.offsets[i], layer.ring)
        return Call(portable.FILL, (ring, layer.zero_point, layer.ring), layer.step.index)

    def row(self, i: int, y: Linear, target: Address) -> list[Item]:
        """Return what computes row y of a layer's output."""
        layer = self.layers[i]
        match layer.form:
            case WindowRow():
                return list(self._window_row(i, layer, y, target))
            case RingRow(kernel):
                return list(self._ring_row(i, layer, kernel, y, target))
            case ValuesRow():
                return list(self._values_row(i, layer, y, target))
            case PairsRow(resized):
                return list(self._pairs_row(i, layer, resized, y, target))

    def _window_row(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        if not i:
            yield from self._cut(layer, y, lambda *cut: self._first_window(layer, y, target, *cut))
        elif (layer.stride, layer.extent, layer.pad) == (1, 1, 0):
            line = Scratch(self.buffers.offsets[i], layer.line)
            yield from self.row(i - 1, y, line)
            yield from self._conv_call(layer, 0, 1, line, target)
        else:
            yield from self._inner_window(i, layer, y, target)

    def _cut(self, layer: Stage, y: Linear, body: Callable[[int, int], Iterator[Item]]) -> Iterator[Item]:
        """Yield `body` for each number of rows above the input and inside of it that windows have."""
        # Above the first row and below the last the window is cut off.
        height = layer.source_shape[0]
        cases: list[tuple[int | None, tuple[Item, ...]]] = []
        tops = np.arange(layer.target_shape[0]) * layer.stride - layer.pad
        seen: list[tuple[int, int]] = [
            (max(-top, 0), min(top + layer.extent, height) - max(top, 0)) for top in tops.tolist()
        ]
        for row, cut in enumerate(seen):
            if row and seen[row - 1] == cut:
                continue
            until = next((k for k in range(row, len(seen)) if seen[k] != cut), None)
            cases.append((until, tuple(body(*cut))))
        if len(cases) == 1:
            yield from cases[0][1]
        else:
            yield Switch(y, tuple(cases))

    def _first_window(self, layer: Stage, y: Linear, target: Address, above: int, rows: int) -> Iterator[Item]:
        """Read the window's rows where the block's input has them."""
        top = y.times(layer.stride).plus(above - layer.pad)
        if self.streamed:
            yield from self._streamed(layer, top, above, rows, target)
        else:
            yield from self._conv_call(layer, above, rows, Row(At(layer.source), top, layer.line), target)

    def _inner_window(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        """Compute the rows of a window one below the other; after the row of output keep those that the next one has.

        The last row of the window is always in the last place.
        """
        kept, r = Scratch(self.buffers.offsets[i], layer.rows * layer.line), Linear(f"r{layer.step.index}")
        place = Row(kept, r.before_end().plus(layer.rows), layer.line)
        end = y.times(layer.stride).plus(layer.extent - layer.pad)
        compute: tuple[Item, ...] = tuple(self.row(i - 1, r, place))
        height = layer.source_shape[0]
        if (layer.target_shape[0] - 1) * layer.stride + layer.extent > layer.pad + height:
            compute = (Switch(r, ((height, compute),)),)
        yield Loop(r.variable, 0, end, compute, layer.step.index)

        def multiply(above: int, rows: int) -> Iterator[Item]:
            first = replace(kept, offset=kept.offset + (layer.rows - layer.extent + above) * layer.line)
            yield from self._conv_call(layer, above, rows, first, target)

        yield from self._cut(layer, y, multiply)
        for row in range(0, layer.extent - layer.stride, layer.stride):
            size = min(layer.stride, layer.extent - layer.stride - row) * layer.line
            source, to = (Scratch(kept.offset + at * layer.line, size) for at in (row + layer.stride, row))
            yield Call(portable.COPY, (source, to, size), layer.step.index)

    def _streamed(self, layer: Stage, top: Linear, above: int, rows: int, target: Address) -> Iterator[Item]:
        """Wait for the window's rows; after the row of output keep those that the next window has, too."""
        window = Scratch(self.buffers.window, self.buffers.window_bytes)
        yield Await(layer.source, f"in{layer.step.index}", top.plus(rows), top, window, layer.line)
        yield from self._conv_call(layer, above, rows, window, target)
        passed = max(layer.stride - above, 0)
        for kept in range(rows - passed if passed else 0):
            source, place = (Scratch(window.offset + row * layer.line, layer.line) for row in (kept + passed, kept))
            yield Call(portable.COPY, (source, place, layer.line), layer.step.index)

    def _conv_call(self, layer: Stage, above: int, rows: int, source: Address, target: Address) -> Iterator[Item]:
        """Compute a row of output from `rows` rows of input below `above` rows of padding."""
        if layer.strips is not None:
            yield from self.strips.row(layer, above, rows, source, target)
            return
        parameters = with_window(layer.call, in_h=rows, out_h=1, pad_top=above)
        own = (Scratch(self.buffers.kernel, layer.scratch),) if layer.scratch else ()
        yield Call(layer.call.kernel, (parameters, source, target, *own), layer.step.index, _row(layer, target))

    def _ring_row(self, i: int, layer: Stage, kernel: Kernel, y: Linear, target: Address) -> Iterator[Item]:
        ring = Scratch(self.buffers.offsets[i], layer.ring)
        height = layer.source_shape[0]
        # Rows of the ring are counted from the first of padding; the padding on top is there from the start.
        r = Linear(f"r{layer.step.index}")
        inside = replace(ring, offset=ring.offset + layer.ring_left)
        place = Row(inside, r, layer.ring_row, layer.extent)
        input_row = r.plus(-layer.pad)
        make: list[Item] = []
        source: Address = Row(At(layer.source), input_row, layer.line)
        if i in self.buffers.lines:
            source = Scratch(self.buffers.lines[i], layer.line)
            make = self.row(i - 1, input_row, source)
        if i and i not in self.buffers.lines:
            make = self.row(i - 1, input_row, place)
        else:
            make.append(Call(portable.COPY, (source, place, layer.ring_copied), layer.step.index))
        whole = Row(ring, r, layer.ring_row, layer.extent)
        below = Call(portable.FILL, (whole, layer.zero_point, layer.ring_row), layer.step.index)
        if (layer.target_shape[0] - 1) * layer.stride + layer.extent > layer.pad + height:
            make = [Switch(r, ((layer.pad + height, tuple(make)), (None, (below,))))]
        yield Loop(r.variable, layer.pad, y.times(layer.stride).plus(layer.extent), tuple(make), layer.step.index)
        yield Call(kernel, (layer.call.arguments[0], ring, y, target), layer.step.index, _row(layer, target))

    def _values_row(self, i: int, layer: Stage, y: Linear, target: Address) -> Iterator[Item]:
        table, size = layer.call.arguments[0], layer.target_shape[1] * layer.target_shape[2]
        assert isinstance(table, Constant)
        source = target if i else Row(At(layer.source), y, layer.line)
        if i:
            yield from self.row(i - 1, y, target)
        yield Call(layer.call.kernel, (table, source, target, size), layer.step.index, _row(layer, target))

    def _pairs_row(
        self, i: int, layer: Stage, resized: Callable[[Fields, int], Fields], y: Linear, target: Address
    ) -> Iterator[Item]:
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
                case Parameters():
                    arguments.append(replace(argument, fields=resized(argument.fields, layer.line)))
                case _:
                    arguments.append(argument)
        yield Call(layer.call.kernel, tuple(arguments), layer.step.index, _row(layer, target))


def _row(layer: Stage, target: Address) -> Result:
    """Return the row of a layer's output that is complete at `target`."""
    return Result(layer.step.output, target, layer.target_shape[1] * layer.target_shape[2])
