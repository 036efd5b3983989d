"""Proof that a layout loses no byte that is still needed. It depends on kernels only, not on how the layout was chosen.

The network is executed twice on shadow values (see `shadow`): once with each tensor apart and whole, which says what
each tensor should hold, and once in the arena, call by call, row by row where blocks run so. Before a step, its inputs
in the arena must hold what they should; after it, its output must. Within a call, no byte may be written before it was
read.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from compilers.aot.operands import At, Scratch
from compilers.aot.planner import Layout, whole_inputs
from compilers.aot.shadow import NEVER, Access, Shadow, mix
from compilers.aot.steps import Call, Receive, Step
from errors import CompileError
from graph.types import Graph


def check(graph: Graph, steps: Sequence[Step], layout: Layout) -> None:
    """Raise CompileError, naming step and tensors, if executing the steps in this layout could give a wrong byte."""
    expected = _each_apart(graph, steps)
    arena = _Arena(graph, layout)
    for tensor in whole_inputs(graph, steps):
        arena.put(tensor, expected[tensor], "the input")
    for i, step in enumerate(steps):
        where = f"{graph.source}, step {i} {step.name}"
        for tensor in step.inputs:
            arena.expect(tensor, expected[tensor], where)
        for tensor in step.outputs:
            arena.part(tensor, where)
        _check_scratch(graph, step, layout, i, where)
        arena.run(step, i, where, expected)
        for tensor in step.outputs:
            if not (arena.part(tensor, where) == expected[tensor]).all():
                raise CompileError(f"{where}: it leaves wrong bytes in its output, tensor {tensor}")
    for tensor in graph.outputs:
        arena.expect(tensor, expected[tensor], f"{graph.source}, the end")


def _each_apart(graph: Graph, steps: Sequence[Step]) -> dict[int, Shadow]:
    """Return what each tensor should hold: all operators, one after the other, on tensors of their own."""
    held = {t: mix(np.arange(graph.tensors[t].bytes) + (t << 32)) for t in graph.inputs}
    for step in itertools.chain.from_iterable(step.operators() for step in steps):
        out = {tensor: np.zeros(graph.tensors[tensor].bytes, np.uint64) for tensor in step.outputs}
        if not step.calls:
            out[step.output][:] = held[step.inputs[0]]
        for call in step.calls:
            done = call.access()
            shadows = [_tensor(held, place, len(times)) for place, times in done.reads]
            (place, times), values = done.write, done.compute(*shadows)
            assert isinstance(place, At)
            part = out[place.tensor][place.offset : place.offset + len(times)]
            part[times != NEVER] = values[times != NEVER]
        held |= out
    return held


def _tensor(held: dict[int, Shadow], place: At | Scratch, size: int) -> Shadow:
    assert isinstance(place, At)
    return held[place.tensor][place.offset : place.offset + size]


def _check_scratch(graph: Graph, step: Step, layout: Layout, i: int, where: str) -> None:
    """Check that a step's scratch has a place, and that it overlaps nothing that the step reads or writes."""
    if not step.scratch:
        return
    place = layout.scratch.get(i)
    if place is None or place.size < step.scratch:
        raise CompileError(f"{where}: its scratch of {step.scratch} bytes has no place")
    if place.offset < 0 or place.offset + step.scratch > layout.arena_bytes:
        raise CompileError(f"{where}: its scratch is outside the arena")
    for what, tensor in (*(("output", t) for t in step.outputs), *(("input", t) for t in step.inputs)):
        start = layout.tensors[tensor].offset
        if start < place.offset + step.scratch and place.offset < start + graph.tensors[tensor].bytes:
            raise CompileError(f"{where}: its scratch overlaps its {what}")


class _Arena:
    """The arena's shadow values, and the step that wrote each last."""

    def __init__(self, graph: Graph, layout: Layout) -> None:
        self.graph = graph
        self.layout = layout
        # Nothing that any tensor holds.
        self.values: Shadow = mix(np.arange(layout.arena_bytes) + (1 << 60))
        self.writer = np.full(layout.arena_bytes, -1, np.int64)

    def part(self, tensor: int, where: str) -> Shadow:
        piece = self.layout.tensors.get(tensor)
        size = self.graph.tensors[tensor].bytes
        if piece is None or piece.offset < 0 or piece.size < size or piece.offset + size > self.layout.arena_bytes:
            raise CompileError(f"{where}: tensor {tensor} of {size} bytes has no place in the arena")
        return self.values[piece.offset : piece.offset + size]

    def put(self, tensor: int, values: Shadow, where: str) -> None:
        self.part(tensor, where)[:] = values

    def expect(self, tensor: int, values: Shadow, where: str) -> None:
        wrong = np.flatnonzero(self.part(tensor, where) != values)
        if len(wrong):
            culprit = int(self.writer[self.layout.tensors[tensor].offset + wrong[0]])
            raise CompileError(f"{where}: tensor {tensor} was overwritten by step {culprit}")

    def run(self, step: Step, i: int, where: str, wire: dict[int, Shadow]) -> None:
        """Execute a step's calls."""
        stays = not step.calls and not step.rows
        if stays and self.layout.tensors[step.inputs[0]].offset != self.layout.tensors[step.output].offset:
            raise CompileError(f"{where}: nothing moves its bytes from {step.inputs[0]} to {step.output}")
        for call in step.execution():
            if isinstance(call, Receive):
                self._receive(call, i, where, wire)
            else:
                self._call(call.access(), call, step, i, where)

    def _receive(self, row: Receive, i: int, where: str, wire: dict[int, Shadow]) -> None:
        """Put a row of an input that arrives where it goes."""
        start = self._address(row.place, i)
        if start < 0 or start + row.size > len(self.values):
            raise CompileError(f"{where}: a row of its input goes outside the arena")
        self._write(start, wire[row.source.tensor][row.source.offset : row.source.offset + row.size], i)

    def _call(self, done: Access, call: Call, step: Step, i: int, where: str) -> None:
        reads = [(self._address(place, i), times) for place, times in done.reads]
        target, written = self._address(done.write[0], i), done.write[1]
        regions = [(start, len(times)) for start, times in reads] + [(target, len(written))]
        own = done.scratch
        if own is not None:
            regions.append((self._address(own, i), own.size or step.scratch))
        if any(start < 0 or start + size > len(self.values) for start, size in regions):
            raise CompileError(f"{where}: {call.kernel.symbol} goes outside the arena")
        for start, times in reads:
            low, high = max(start, target), min(start + len(times), target + len(written))
            if low < high and (written[low - target : high - target] < times[low - start : high - start]).any():
                raise CompileError(f"{where}: it writes over a byte of its input before reading it")
        values = done.compute(*(self.values[start : start + len(times)] for start, times in reads))
        if own is not None:
            start, size = regions.pop()
            if any(start < at + length and at < start + size for at, length in regions):
                raise CompileError(f"{where}: {call.kernel.symbol}'s scratch overlaps what it reads or writes")
            self._write(start, mix(np.arange(size) + (2 << 60)), i)
        now = written != NEVER
        self._write(target + np.flatnonzero(now), values[now], i)

    def _write(self, where: int | np.ndarray[tuple[int], np.dtype[np.int64]], values: Shadow, i: int) -> None:
        at = where + np.arange(len(values)) if isinstance(where, int) else where
        self.values[at] = values
        self.writer[at] = i

    def _address(self, place: At | Scratch, i: int) -> int:
        base = self.layout.tensors[place.tensor].offset if isinstance(place, At) else self.layout.scratch[i].offset
        return base + place.offset
