"""Which operators run row by row together.

The operators are cut into blocks. What a block needs is known before anything is placed: the tensors alive across it,
its inputs and output, its line buffers. Dynamic programming finds the cut: first the least peak, then the fewest
operators in blocks that reach it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compilers.aot.kernel import WindowRow
from compilers.aot.planner import ALIGNMENT, lifetimes
from compilers.aot.rows import block
from compilers.aot.stages import Stage, flows_into, overlap, scratch_bytes, stages
from compilers.aot.steps import Step
from graph.types import Graph

# Operators in a block at most.
BLOCK_LIMIT = 16


@dataclass(frozen=True)
class _Cut:
    """The best cut of the first operators: its cost, and where its last block begins."""

    cost: tuple[int, int]
    start: int


def cuts(graph: Graph, steps: Sequence[Step], streamed: bool = False) -> list[tuple[Step, ...]]:
    """Return cuts worth placing, each as the steps to run: single operators and blocks.

    If `streamed`, the first block takes the network's input row by row as it arrives. Raises CompileError if the start
    of the network does not allow that.
    """
    needs = Needs(graph, steps, streamed)
    if streamed and not any(needs.of(0, j) for j in range(2, len(steps) + 1) if all(needs.joined[: j - 1])):
        graph.fail("its input can't be taken row by row: that needs one input, read by a convolution and nothing else")
    least = _best(needs, len(steps), lambda so_far, need, count: (max(so_far[0], need), 0))
    peak = _peak(needs, least)
    # Blocks that do not lower the peak cost code: as few operators in blocks as reach it. Or all blocks that need less.
    few = _best(needs, len(steps), lambda so_far, need, count: (so_far[0] + (need > peak), so_far[1] + count - 1))
    slim = _best(needs, len(steps), lambda so_far, need, count: (so_far[0] + need * count, so_far[1] + count - 1))
    whole = [] if streamed else [[(i, i + 1) for i in range(len(steps))]]
    chosen: list[list[tuple[int, int]]] = []
    for cut in (*whole, few, least, slim):
        if cut not in chosen:
            chosen.append(cut)
    return [_apply(graph, steps, cut, streamed) for cut in chosen]


def _apply(graph: Graph, steps: Sequence[Step], cut: Sequence[tuple[int, int]], streamed: bool) -> tuple[Step, ...]:
    return tuple(steps[i] if j == i + 1 else block(graph, steps[i:j], streamed and i == 0) for i, j in cut)


class Needs:
    """Bytes alive while operators i to j, j not included, run as one block; None where they can't."""

    def __init__(self, graph: Graph, steps: Sequence[Step], streamed: bool) -> None:
        self.graph = graph
        self.steps = steps
        self.streamed = streamed
        self.life = lifetimes(graph, steps)
        if streamed:
            self.life = {t: span for t, span in self.life.items() if t not in graph.inputs}
        self.readers = readers = dict[int, int]()
        for step in steps:
            for tensor in step.inputs:
                readers[tensor] = readers.get(tensor, 0) + 1
        self.joined = [flows_into(graph, a, b, readers) for a, b in itertools.pairwise(steps)]
        self.known: dict[tuple[int, int], int | None] = {}

    def of(self, i: int, j: int) -> int | None:
        """Return the bytes that are needed, each computed once."""
        if (i, j) not in self.known:
            self.known[i, j] = self._measure(i, j)
        return self.known[i, j]

    def _measure(self, i: int, j: int) -> int | None:
        if self.streamed and i == 0:
            return self._measure_streamed(j)
        if j == i + 1:
            step = self.steps[i]
            apart = self.alive(i, j, {}) + step.without_overlap().scratch
            return min(apart, self.alive(i, j, step.overlap) + step.scratch)
        layers = stages(self.graph, self.steps[i:j])
        if layers is None:
            return None
        return self.alive(i, j, overlap(layers)) + scratch_bytes(layers)

    def _measure_streamed(self, j: int) -> int | None:
        layers = stages(self.graph, self.steps[:j]) if j > 1 else None
        if layers is None or not self.may_stream(layers):
            return None
        return self.alive(0, j, {}) + scratch_bytes(layers, streamed=True)

    def may_stream(self, layers: Sequence[Stage]) -> bool:
        """Return whether a block of these layers can take the network's input row by row as it arrives."""
        if not isinstance(layers[0].form, WindowRow) or self.graph.inputs != (layers[0].source,):
            return False
        # Rows that a stride passes over have no place to arrive at.
        return self.readers[layers[0].source] == 1 and layers[0].stride <= layers[0].extent

    def alive(self, i: int, j: int, overlaps: Mapping[int, int]) -> int:
        """Return bytes of the tensors that are whole in the block, the output over the input where that is best."""
        outputs = self.steps[j - 1].outputs
        sizes = {t: self.graph.tensors[t].bytes for t, (first, last) in self.life.items() if first < i <= last}
        out = sum(self.graph.tensors[t].bytes for t in outputs)
        saved = 0
        for tensor, margin in overlaps.items():
            if tensor in self.life and self.life[tensor][1] < j:
                begin = margin // ALIGNMENT * ALIGNMENT
                both = max(sizes[tensor], begin + out) - begin
                saved = max(saved, sizes[tensor] + out - both)
        return sum(sizes.values()) + out - saved


def _best(
    needs: Needs, count: int, add: Callable[[tuple[int, int], int, int], tuple[int, int]]
) -> list[tuple[int, int]]:
    best: list[_Cut | None] = [_Cut((0, 0), 0)]
    for j in range(1, count + 1):
        candidates: list[_Cut] = []
        for i in range(j - 1, max(-1, j - 1 - BLOCK_LIMIT), -1):
            if i < j - 1 and not needs.joined[i]:
                break
            need, before = needs.of(i, j), best[i]
            if need is not None and before is not None:
                candidates.append(_Cut(add(before.cost, need, j - i), i))
        best.append(min(candidates, key=lambda c: (c.cost, -c.start), default=None))
    cut: list[tuple[int, int]] = []
    while count:
        last = best[count]
        assert last is not None
        cut.append((last.start, count))
        count = last.start
    return cut[::-1]


def _peak(needs: Needs, cut: Sequence[tuple[int, int]]) -> int:
    return max(needs.of(i, j) or 0 for i, j in cut)
