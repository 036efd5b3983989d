"""Proof that a layout loses no byte that is still needed. It knows kernels, and nothing of how the layout was found.

Each step is replayed as events in order: when each byte of its inputs is read for the last time, when each byte of its
output and scratch is written for the first time. A written byte must belong to nobody who still needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.graph import Graph
from compilers.aot.planner import Layout
from compilers.aot.steps import At, Call, Parameters, Scratch, Step
from errors import CompileError

Times = npt.NDArray[np.int64]
Window = Mapping[str, int]


def check(graph: Graph, steps: Sequence[Step], layout: Layout) -> None:
    """Raise CompileError, naming step and tensors, if executing the steps in this layout could give a wrong byte."""
    owner = _Owners(graph, layout)
    needed = _last_reads(graph, steps)
    for tensor in graph.inputs:
        owner.write(tensor, "the input")
    for i, step in enumerate(steps):
        where = f"{graph.source}, step {i} {step.name}"
        for tensor in step.inputs:
            owner.expect_whole(tensor, where)
        owner.place(step.output, where)
        if step.scratch:
            piece = layout.scratch.get(i)
            if piece is None or piece.size < step.scratch:
                raise CompileError(f"{where}: its scratch of {step.scratch} bytes has no place")
            owner.clear(piece.offset, step.scratch, set(step.inputs), where)
            out = layout.tensors[step.output].offset
            if out < piece.offset + step.scratch and piece.offset < out + graph.tensors[step.output].bytes:
                raise CompileError(f"{where}: its scratch lies over its output")
        _check_call_order(graph, step, layout, i, where)
        dying = {t for t in step.inputs if needed[t] == i}
        for other in owner.write(step.output, where) - dying:
            if needed.get(other, -1) > i or other in step.inputs:
                raise CompileError(f"{where}: its output lies over tensor {other}, which is still needed")
    for tensor in graph.outputs:
        owner.expect_whole(tensor, f"{graph.source}, the end")


def _last_reads(graph: Graph, steps: Sequence[Step]) -> dict[int, int]:
    needed = {t: i for i, step in enumerate(steps) for t in step.inputs}
    return needed | dict.fromkeys(graph.outputs, len(steps))


class _Owners:
    """Which tensor's bytes each address of the arena holds; -1 for none, -2 for scratch."""

    def __init__(self, graph: Graph, layout: Layout) -> None:
        self.graph = graph
        self.layout = layout
        self.bytes = np.full(layout.arena_bytes, -1, np.int64)

    def place(self, tensor: int, where: str) -> slice:
        piece = self.layout.tensors.get(tensor)
        size = self.graph.tensors[tensor].bytes
        if piece is None or piece.offset < 0 or piece.size < size or piece.offset + size > self.layout.arena_bytes:
            raise CompileError(f"{where}: tensor {tensor} of {size} bytes has no place in the arena")
        return slice(piece.offset, piece.offset + size)

    def write(self, tensor: int, where: str) -> set[int]:
        """Make a tensor the owner of its place and return who owned it, in part, before."""
        place = self.place(tensor, where)
        before = {int(t) for t in np.unique(self.bytes[place])} - {-1, -2, tensor}
        self.bytes[place] = tensor
        return before

    def expect_whole(self, tensor: int, where: str) -> None:
        if not (self.bytes[self.place(tensor, where)] == tensor).all():
            raise CompileError(f"{where}: tensor {tensor} was overwritten")

    def clear(self, offset: int, size: int, needed: set[int], where: str) -> None:
        if offset < 0 or offset + size > self.layout.arena_bytes:
            raise CompileError(f"{where}: its scratch lies outside the arena")
        if needed & {int(t) for t in np.unique(self.bytes[offset : offset + size])}:
            raise CompileError(f"{where}: its scratch lies over its input")
        self.bytes[offset : offset + size] = -2


def _check_call_order(graph: Graph, step: Step, layout: Layout, i: int, where: str) -> None:
    """Check that no call writes a byte of output or scratch over a byte of input that is read later."""
    time = 0
    reads: list[tuple[int, Times]] = []
    writes: list[tuple[int, Times]] = []
    for call in step.calls:
        call_reads, call_writes, scratch, duration = _events(graph, step, call)
        for at, when in call_reads:
            reads.append((layout.tensors[at.tensor].offset + at.offset, when + time))
        for at, when in call_writes:
            writes.append((layout.tensors[at.tensor].offset + at.offset, when + time))
        if scratch:
            writes.append((layout.scratch[i].offset if i in layout.scratch else 0, np.full(scratch, time, np.int64)))
        time += duration
    _check_covered(graph, step, layout, writes, where)
    for read_at, read in reads:
        for write_at, write in writes:
            start, end = max(read_at, write_at), min(read_at + len(read), write_at + len(write))
            if start < end and (write[start - write_at : end - write_at] < read[start - read_at : end - read_at]).any():
                raise CompileError(f"{where}: it writes over a byte of its input before reading it")


def _check_covered(graph: Graph, step: Step, layout: Layout, writes: list[tuple[int, Times]], where: str) -> None:
    """Check that the calls write all of the output, or that there are none and the bytes are already there."""
    out = layout.tensors[step.output]
    size = graph.tensors[step.output].bytes
    if not step.calls:
        if layout.tensors[step.inputs[0]].offset != out.offset:
            raise CompileError(f"{where}: nothing moves its bytes from {step.inputs[0]} to {step.output}")
        return
    written = np.zeros(size, bool)
    for at, when in writes:
        low, high = max(at - out.offset, 0), min(at + len(when) - out.offset, size)
        if low < high:
            inside = when[low + out.offset - at : high + out.offset - at]
            written[low:high] |= inside != _NEVER
    if not written.all():
        raise CompileError(f"{where}: it leaves bytes of its output unwritten")


_NEVER = np.iinfo(np.int64).max
_Found = tuple[list[tuple[At, Times]], list[tuple[At, Times]], int, int]


def _events(graph: Graph, step: Step, call: Call) -> _Found:
    """Return (last read time of each input byte, first write time of each output byte, scratch bytes, duration)."""
    addresses = [a for a in call.arguments if isinstance(a, At)]
    scratch = step.scratch if any(isinstance(a, Scratch) for a in call.arguments) else 0
    *sources, target = addresses
    parameters = next((a.fields for a in call.arguments if isinstance(a, Parameters)), {})
    if call.function == "kernel_place":
        rows, size, pitch = (int(cast(int, a)) for a in call.arguments[-3:])
        written = np.full((rows, pitch), _NEVER, np.int64)
        written[:, :size] = 0
        # Copied piece by piece, which is not safe over itself: reads count as after the writes.
        places = [(s, np.ones(rows * size, np.int64)) for s in sources]
        return places, [(target, written.reshape(-1)[: (rows - 1) * pitch + size])], scratch, 2
    read, write = _MODELS.get(call.function, _whole)(parameters, graph.tensors[step.output].bytes)
    found = []
    for source in sources:
        size = graph.tensors[source.tensor].bytes
        times = read if len(read) == size else np.full(size, write.max(initial=0), np.int64)
        found.append((source, times))
    return found, [(target, write)], scratch, int(write.max(initial=0)) + 1


def _whole(parameters: Mapping[str, object], size: int) -> tuple[Times, Times]:
    """Model a kernel that may read all of its input until its last write: no overlap at all."""
    return np.zeros(0, np.int64), np.arange(size)


def _elementwise(parameters: Mapping[str, object], size: int) -> tuple[Times, Times]:
    """Element i is read, then written. Inputs of another size count as read until the end."""
    return np.arange(size), np.arange(size)


def _mean(parameters: Mapping[str, object], size: int) -> tuple[Times, Times]:
    outer, reduced, inner = (cast(int, parameters[k]) for k in ("outer", "reduced", "inner"))
    index = np.arange(outer * inner).reshape(outer, 1, inner)
    return np.broadcast_to(index, (outer, reduced, inner)).reshape(-1), np.arange(outer * inner)


def _pixel(parameters: Mapping[str, object], size: int) -> tuple[Times, Times]:
    """All is read, then written."""
    return np.zeros(cast(int, parameters["in_c"]), np.int64), np.zeros(size, np.int64)


def _softmax(parameters: Mapping[str, object], size: int) -> tuple[Times, Times]:
    return np.arange(size), np.arange(size)


def _taps(window: Window, along: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return (out, kernel) input coordinates along "h" or "w", and which of them are inside the input."""
    out, kernel = window[f"out_{along}"], window[f"kernel_{along}"]
    origin = np.arange(out) * window[f"stride_{along}"] - window["pad_top" if along == "h" else "pad_left"]
    at = origin[:, None] + np.arange(kernel) * window[f"dilation_{along}"]
    return at, (at >= 0) & (at < window[f"in_{along}"])


def _pixels_at_once(count: int) -> Callable[[Mapping[str, object], int], tuple[Times, Times]]:
    return lambda parameters, size: _conv(parameters, count)


def _conv(parameters: Mapping[str, object], count: int) -> tuple[Times, Times]:
    """Pixels k * count and the next count - 1 are read at time k, group by group, and written at time k."""
    window = cast(Window, parameters["window"])
    grouped = cast(int, parameters.get("groups", 1)) > 1
    read = np.full((window["in_h"], window["in_w"]), -1, np.int64)
    pixel = np.arange(window["out_h"] * window["out_w"]).reshape(window["out_h"], window["out_w"])
    (ys, y_in), (xs, x_in) = _taps(window, "h"), _taps(window, "w")
    for ky in range(ys.shape[1]):
        for kx in range(xs.shape[1]):
            rows, columns = ys[y_in[:, ky], ky], xs[x_in[:, kx], kx]
            area = np.ix_(rows, columns)
            read[area] = np.maximum(read[area], pixel[np.ix_(y_in[:, ky], x_in[:, kx])])
    write = np.repeat(pixel.reshape(-1) // count, window["out_c"])
    # With groups, a pixel's first outputs are written before its last inputs are read.
    last = np.repeat(read.reshape(-1) // count + int(grouped), window["in_c"])
    return last, write


def _depthwise(parameters: Mapping[str, object], size: int) -> tuple[Times, Times]:
    """Input rows are copied up to the last that output row y reads; then row y is written. Others are never read."""
    window = cast(Window, parameters["window"])
    ys, _ = _taps(window, "h")
    # When input row r is copied: at the first y whose last tap is at or after r.
    time = np.searchsorted(ys[:, -1], np.arange(window["in_h"]), side="left")
    rows = np.arange(window["in_h"])
    inside = (time < window["out_h"]) & (rows >= ys[np.minimum(time, window["out_h"] - 1), 0])
    time = np.where(inside, time, -1)
    read = np.repeat(time, window["in_w"] * window["in_c"])
    return read, np.repeat(np.arange(window["out_h"]), window["out_w"] * window["out_c"])


_MODELS: dict[str, Callable[[Mapping[str, object], int], tuple[Times, Times]]] = {
    "kernel_conv": _pixels_at_once(2),
    "kernel_depthwise": _depthwise,
    "kernel_dsp_conv": _pixels_at_once(4),
    "kernel_dsp_conv_rgb": _pixels_at_once(4),
    "kernel_dsp_pointwise": _pixels_at_once(4),
    "kernel_dsp_pixel": _pixel,
    "kernel_dsp_depthwise": _depthwise,
    "kernel_dsp_depthwise_wide": _depthwise,
    "kernel_mean": _mean,
    "kernel_softmax": _softmax,
    "kernel_add": _elementwise,
    "kernel_mul": _elementwise,
    "kernel_table": _elementwise,
    "kernel_dsp_mean": _mean,
    "kernel_dsp_add": _elementwise,
    "kernel_dsp_mul": _elementwise,
    "kernel_dsp_table": _elementwise,
}
