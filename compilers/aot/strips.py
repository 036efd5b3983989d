"""Layers that run in strips: what lies between a convolution and the depthwise layer behind it is never kept.

An inverted bottleneck expands a few channels to many, of which a depthwise layer reads three rows. A ring of them keeps
each row until it is read for the last time. In strips the ring is of the few channels, and for some columns of a row of
output at a time the rows above them are expanded again: three times with a stride of 1, one and a half times with 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from compilers.aot.kernel import PairsRow, RingRow, ValuesRow, WindowRow
from compilers.aot.operands import Address, Argument, At, Constant, Parameters, Row, Scratch
from compilers.aot.sets import portable
from compilers.aot.stages import Stage, Strips, aligned
from compilers.aot.steps import Call, Item, Result

Window = Mapping[str, int]

PIXELS = 4
"""Pixels that the fast kernels compute at once."""
CALL_MACS = 150
"""What a call costs, in multiply-accumulates."""


def whole_groups(pixels: int) -> int:
    """Return pixels rounded up to what the fast kernels compute at once."""
    return -(-pixels // PIXELS) * PIXELS


def window_of(call: Call) -> Window:
    """Return the window of a call that has one."""
    return cast(Window, call.fields["window"])


def with_window(call: Call, **changed: int) -> Parameters:
    """Return a call's parameters with other sizes of its window."""
    parameters = next(a for a in call.arguments if isinstance(a, Parameters))
    return replace(parameters, fields={**parameters.fields, "window": {**window_of(call), **changed}})


def moved(place: Address, by: int) -> Address:
    """Return an address so many bytes behind another."""
    if isinstance(place, Row):
        return replace(place, base=replace(place.base, offset=place.base.offset + by))
    return replace(place, offset=place.offset + by)


@dataclass(frozen=True)
class Tap:
    """One of the rows that the depthwise layer reads, `row` of its ring: the rows of input to compute it from.

    They begin `first` rows behind the first that is there, `rows` of them below `above` rows of padding. Without rows
    it is padding itself.
    """

    row: int
    first: int
    above: int
    rows: int


@dataclass(frozen=True)
class Strip:
    """`columns` of output from `start` on: of the depthwise layer's input `inside` columns from `first` on, padding.

    `left` and `right` count columns of padding.
    """

    start: int
    columns: int
    first: int
    left: int
    inside: int
    right: int

    @property
    def width(self) -> int:
        """Columns that the depthwise layer reads."""
        return self.left + self.inside + self.right


def depthwise_at(parts: Sequence[Stage]) -> int:
    """Return the place of the depthwise layer."""
    return next(i for i, part in enumerate(parts) if isinstance(part.form, RingRow))


def strips_of(parts: Sequence[Stage], columns: int) -> list[Strip]:
    """Return the strips of a row of output, from left to right: none of a width that the kernel does not take."""
    depthwise = parts[depthwise_at(parts)]
    assert isinstance(depthwise.form, RingRow)
    pixels = depthwise.form.pixels(depthwise.call.fields)
    window, width = window_of(depthwise.call), depthwise.source_shape[1]
    extent = (window["kernel_w"] - 1) * window["dilation_w"] + 1
    strips = []
    for start in range(0, window["out_w"], columns):
        count = min(columns, window["out_w"] - start)
        assert count % pixels == 0, f"{depthwise.call.kernel.symbol} leaves out columns of a strip of {count}"
        begin = start * window["stride_w"] - window["pad_left"]
        end = begin + (count - 1) * window["stride_w"] + extent
        first, last = max(begin, 0), min(end, width)
        strips.append(Strip(start, count, first, first - begin, last - first, end - last))
    return strips


def taps_of(layer: Stage, above: int, rows: int) -> list[Tap]:
    """Return the rows that the depthwise layer reads where `rows` of input are there, below `above` of padding."""
    assert layer.strips is not None
    conv, depthwise = layer.strips.parts[0], layer.strips.parts[depthwise_at(layer.strips.parts)]
    # The place of the window's first row in the input; where the window is not cut, any place inside will do.
    top = -above if above else layer.source_shape[0] - rows if rows < layer.extent else 0
    is_cut = bool(above) or rows < layer.extent
    taps = []
    for row in range(0, depthwise.extent, window_of(depthwise.call)["dilation_h"]):
        start = row * conv.stride
        made = (top + start + conv.pad) // conv.stride
        if is_cut and not 0 <= made < conv.target_shape[0]:
            taps.append(Tap(row, 0, 0, 0))
            continue
        begin, end = max(start, above), min(start + conv.extent, above + rows)
        taps.append(Tap(row, begin - above, max(above - start, 0), end - begin))
    return taps


@dataclass
class StripWriter:
    """Writes the rows of layers in strips; `scratch` is where their memory begins.

    Structures that are equal are the same object, so that they are in the C once.
    """

    scratch: int
    known: dict[tuple[int, tuple[int, ...]], Parameters] = field(default_factory=dict)

    def row(self, layer: Stage, above: int, rows: int, source: Address, target: Address) -> Iterator[Item]:
        """Yield what computes a row of output; `source` is the first row of input that is there."""
        strips = layer.strips
        assert strips is not None
        taps = taps_of(layer, above, rows)
        for strip in strips_of(strips.parts, strips.columns):
            yield from self._strip(strips, strip, taps, source, target)
        last = strips.parts[-1]
        if isinstance(last.form, PairsRow):
            yield self._pairs(last, moved(source, (layer.pad - above) * layer.line), target)

    def _strip(
        self, strips: Strips, strip: Strip, taps: Sequence[Tap], source: Address, target: Address
    ) -> Iterator[Item]:
        at = depthwise_at(strips.parts)
        depthwise = strips.parts[at]
        channels = depthwise.source_shape[2]
        pitch = strip.width * channels
        for tap in taps:
            row = Scratch(self.scratch + tap.row * pitch, pitch)
            yield from self._tap(strips, strip, tap, source, row)
        ring = Scratch(self.scratch, depthwise.extent * pitch)
        behind = strips.parts[at + 1 :]
        project = next((i for i, part in enumerate(behind) if isinstance(part.form, WindowRow)), None)
        place = moved(target, strip.start * strips.parts[-1].target_shape[2])
        line: Address = place
        if project is not None:
            line = Scratch(self.scratch + strips.line_at, strip.columns * depthwise.target_shape[2])
        assert isinstance(depthwise.form, RingRow)
        window = self._cut(depthwise, out_w=strip.columns, in_w=strip.width, pad_left=0)
        yield Call(depthwise.form.kernel, (window, ring, 0, line), depthwise.step.index, _part(depthwise, line, strip))
        for i, part in enumerate(behind):
            if isinstance(part.form, WindowRow):
                window = self._cut(part, in_h=1, out_h=1, in_w=strip.columns, out_w=strip.columns)
                arguments = (window, line, place, *self._own(strips, part))
                yield Call(part.call.kernel, arguments, part.step.index, _part(part, place, strip))
            elif isinstance(part.form, ValuesRow):
                here = line if project is not None and i < project else place
                yield _values(part, here, strip.columns, _part(part, here, strip))

    def _tap(self, strips: Strips, strip: Strip, tap: Tap, source: Address, row: Scratch) -> Iterator[Item]:
        """Compute a row of the depthwise layer's input, with padding left and right."""
        at = depthwise_at(strips.parts)
        conv, depthwise = strips.parts[0], strips.parts[at]
        index, channels, zero_point = depthwise.step.index, depthwise.source_shape[2], depthwise.zero_point
        if not tap.rows:
            yield Call(portable.FILL, (row, zero_point, row.size), index)
            return
        left, size = strip.left * channels, strip.inside * channels
        place = Scratch(row.offset + left, size)
        if left:
            yield Call(portable.FILL, (replace(row, size=left), zero_point, left), index)
        first = moved(source, tap.first * conv.line)
        changed = {"in_h": tap.rows, "out_h": 1, "pad_top": tap.above, "out_w": strip.inside}
        window = window_of(conv.call)
        if (window["kernel_w"], window["stride_w"], window["pad_left"]) == (1, 1, 0):
            first = moved(first, strip.first * conv.source_shape[2])
            changed["in_w"] = strip.inside
        else:
            # Columns left of the strip are there: the window begins behind them.
            changed["pad_left"] = window["pad_left"] - strip.first * window["stride_w"]
        arguments = (self._cut(conv, **changed), first, place, *self._own(strips, conv))
        yield Call(conv.call.kernel, arguments, conv.step.index)
        for part in strips.parts[1:at]:
            yield _values(part, place, strip.inside, None)
        if right := strip.right * channels:
            yield Call(portable.FILL, (Scratch(place.offset + size, right), zero_point, right), index)

    def _pairs(self, last: Stage, residual: Address, target: Address) -> Call:
        """Return the sum of a row of output, in place, and the row of the input at the same height."""
        assert isinstance(last.form, PairsRow)
        size = last.line
        operands = {last.source: target, last.residual: residual}
        arguments: list[Argument] = []
        for argument in last.call.arguments:
            match argument:
                case At(tensor):
                    arguments.append(operands.get(tensor, target))
                case Parameters():
                    arguments.append(replace(argument, fields=last.form.resized(argument.fields, size)))
                case _:
                    arguments.append(argument)
        return Call(last.call.kernel, tuple(arguments), last.step.index, Result(last.step.output, target, size))

    def _own(self, strips: Strips, part: Stage) -> tuple[Scratch, ...]:
        return (Scratch(self.scratch + strips.kernel_at, part.scratch),) if part.scratch else ()

    def _cut(self, part: Stage, **changed: int) -> Parameters:
        window = {**window_of(part.call), **changed}
        key = part.step.index, tuple(window.values())
        if key not in self.known:
            self.known[key] = with_window(part.call, **changed)
        return self.known[key]


def _values(part: Stage, place: Address, columns: int, result: Result | None) -> Call:
    """Return the call of a function of one value, in place."""
    table = part.call.arguments[0]
    assert isinstance(table, Constant)
    return Call(part.call.kernel, (table, place, place, columns * part.target_shape[2]), part.step.index, result)


def _part(part: Stage, place: Address, strip: Strip) -> Result:
    return Result(part.step.output, place, strip.columns * part.target_shape[2])


def joined(parts: Sequence[Stage], columns: int) -> Stage:
    """Return a layer that stands for all these, in strips of so many columns."""
    at = depthwise_at(parts)
    conv, depthwise, last = parts[0], parts[at], parts[-1]
    ring = max(depthwise.extent * strip.width for strip in strips_of(parts, columns)) * depthwise.source_shape[2]
    has_project = any(isinstance(part.form, WindowRow) for part in parts[at + 1 :])
    line_at = aligned(ring)
    kernel_at = line_at + aligned(columns * depthwise.target_shape[2] if has_project else 0)
    size = kernel_at + max(part.scratch for part in parts)
    return Stage(
        last.step, WindowRow(), conv.source, conv.source_shape, last.target_shape,
        stride=conv.stride * depthwise.stride,
        extent=(depthwise.extent - 1) * conv.stride + conv.extent,
        pad=depthwise.pad * conv.stride + conv.pad,
        strips=Strips(tuple(parts), columns, size, line_at, kernel_at),
    )  # fmt: skip


def again(layer: Stage) -> tuple[int, int]:
    """Return what strips compute more often than once: multiply-accumulates, and what they cost (see CALL_MACS)."""
    assert layer.strips is not None
    conv = layer.strips.parts[0]
    strips = strips_of(layer.strips.parts, layer.strips.columns)
    each = conv.step.macs // (conv.target_shape[0] * conv.target_shape[1])
    pixels = sum(strip.inside for strip in strips)
    rounded = sum(whole_groups(strip.inside) for strip in strips)
    height, rows, calls = layer.source_shape[0], 0, 0
    for y in range(layer.target_shape[0]):
        top = y * layer.stride - layer.pad
        there = min(top + layer.extent, height) - max(top, 0)
        rows += sum(tap.rows > 0 for tap in taps_of(layer, max(-top, 0), there))
        calls += len(strips) * 2
    whole = conv.target_shape[0] * conv.target_shape[1]
    macs = (rows * pixels - whole) * each
    return max(macs, 0), max((rows * rounded - whole) * each + (calls + rows * len(strips)) * CALL_MACS, 1)
