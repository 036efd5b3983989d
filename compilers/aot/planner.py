"""The place of each tensor in the arena.

Tensors are placed in groups. In a group, an operator's output overlaps its dying input: it begins as far before the
input as the operator needs. Which inputs are overlapped is searched for: an overlap saves memory where the peak is, but
ties two tensors together, which can cost elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compilers.aot.steps import Step
from graph.types import Graph

# Addresses that wide loads of any kernel set may need.
ALIGNMENT = 16
# Rounds of the search for overlaps; two or three suffice for networks of 100 operators. In each, the choices at the
# fullest moments are tried the other way, one by one and two by two.
SEARCH_ROUNDS = 6
SEARCH_SINGLES = 32
SEARCH_PAIRS_AMONG = 12


@dataclass(frozen=True)
class Placed:
    """A piece of the arena, alive from step `first` to step `last`, both included; -1 is before the first step.

    `tensor` is None for scratch memory.
    """

    tensor: int | None
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Layout:
    """The places of all computed tensors and of each step's scratch.

    `overlapped` has for a step the input that its output overlaps.
    """

    arena_bytes: int
    tensors: dict[int, Placed]
    scratch: dict[int, Placed]
    overlapped: dict[int, int]


@dataclass(frozen=True)
class _Piece:
    """A piece before it has a place: `delta` is its offset from the start of its group."""

    tensor: int | None
    size: int
    first: int
    last: int
    delta: int = 0


def whole_inputs(graph: Graph, steps: Sequence[Step]) -> list[int]:
    """Return the network's inputs that are in the arena: all but one that arrives row by row."""
    return [t for t in graph.inputs if all(step.streamed != t for step in steps)]


def lifetimes(graph: Graph, steps: Sequence[Step]) -> dict[int, tuple[int, int]]:
    """Return the first and last step at which each computed tensor must keep its bytes.

    Inputs of the network live from -1; outputs, and what nothing reads, to the end of their life as below.
    """
    first = dict.fromkeys(whole_inputs(graph, steps), -1)
    last = dict(first)
    for i, step in enumerate(steps):
        for tensor in step.inputs:
            last[tensor] = i
        for tensor in step.outputs:
            first[tensor] = last[tensor] = i
    last |= dict.fromkeys(graph.outputs, len(steps))
    return {tensor: (first[tensor], last[tensor]) for tensor in first}


def plan(graph: Graph, steps: Sequence[Step]) -> Layout:
    """Return the smallest layout found. The same graph gives the same layout."""
    search = _Search(graph, steps)
    moves_nothing = {i for i, step in enumerate(steps) if not step.calls and not step.rows}
    best = search.layout(moves_nothing)
    assert best is not None
    best = _improved(search, best)
    # Where many steps are equally full, undoing one or two from all helps where choosing one or two does not.
    everywhere = search.layout(range(len(steps)), best.arena_bytes)
    if everywhere is not None and everywhere.arena_bytes < best.arena_bytes:
        best = _improved(search, everywhere)
    return best


def _improved(search: _Search, best: Layout) -> Layout:
    """Return the best layout found by trying other overlaps at the fullest moments."""
    for _ in range(SEARCH_ROUNDS):
        before = best.arena_bytes
        fullest = search.candidates(best)[:SEARCH_SINGLES]
        pairs = itertools.combinations(fullest[:SEARCH_PAIRS_AMONG], 2)
        for flipped in itertools.chain(((i,) for i in fullest), pairs):
            trial = search.layout(set(best.overlapped) ^ set(flipped), best.arena_bytes)
            if trial and (trial.arena_bytes, len(trial.overlapped)) < (best.arena_bytes, len(best.overlapped)):
                best = trial
        if best.arena_bytes == before:
            break
    return best


class _Search:
    """Layouts of one network for given choices of the steps whose output overlaps an input."""

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self.graph = graph
        self.steps = steps
        self.life = lifetimes(graph, steps)

    def overlappable(self, i: int) -> int | None:
        """Return the input of step i that dies there and that its output may overlap, preferring the largest."""
        dying = [t for t in self.steps[i].overlap if self.life[t][1] == i]
        return max(dying, key=lambda t: (self.steps[i].overlap[t], self.graph.tensors[t].bytes), default=None)

    def candidates(self, layout: Layout) -> list[int]:
        """Return the steps whose overlap may be chosen or undone, those at the fullest moment first."""
        load = [0] * len(self.steps)
        for piece in (*layout.tensors.values(), *layout.scratch.values()):
            for i in range(max(piece.first, 0), min(piece.last, len(load) - 1) + 1):
                load[i] += piece.size
        return sorted((i for i in range(len(load)) if self.overlappable(i) is not None), key=lambda i: (-load[i], i))

    def layout(self, chosen: Iterable[int], limit: int | None = None) -> Layout | None:
        """Place everything, the outputs of chosen steps over their inputs; None if it takes over `limit` bytes.

        Tries several orders.
        """
        groups, overlapped = self.groups(set(chosen))
        orders = (
            lambda g: (-_span(g), g[0].first),
            lambda g: (-max(p.size for p in g), g[0].first),
            lambda g: (-max(p.last for p in g) + min(p.first for p in g), -_span(g)),
            lambda g: (g[0].first, -_span(g)),
        )
        best: list[Placed] = []
        for order in orders:
            placed = _place(sorted(groups, key=order), limit)
            if placed and (not best or _end(placed) < _end(best)):
                best, limit = placed, _end(placed)
        if not best:
            return None
        tensors = {p.tensor: p for p in best if p.tensor is not None}
        scratch = {p.first: p for p in best if p.tensor is None}
        return Layout(_end(best), tensors, scratch, overlapped)

    def groups(self, chosen: set[int]) -> tuple[list[list[_Piece]], dict[int, int]]:
        """Return the groups of pieces, and the input that each chosen step's output overlaps."""
        group_of: dict[int, tuple[list[_Piece], int]] = {}
        groups: list[list[_Piece]] = []
        overlapped: dict[int, int] = {}
        for tensor in whole_inputs(self.graph, self.steps):
            groups.append([self.piece(tensor, 0)])
            group_of[tensor] = (groups[-1], 0)
        for i, step in enumerate(self.steps):
            source = self.overlappable(i) if i in chosen else None
            if source is None:
                groups.append([])
                group, delta = groups[-1], 0
            else:
                overlapped[i] = source
                group, base = group_of[source]
                delta = base + step.overlap[source] // ALIGNMENT * ALIGNMENT
            group.append(self.piece(step.output, delta))
            group_of[step.output] = (group, delta)
            for tensor in step.more_outputs:
                groups.append([self.piece(tensor, 0)])
                group_of[tensor] = (groups[-1], 0)
            scratch = (step if source is not None else step.without_overlap()).scratch
            if scratch:
                groups.append([_Piece(None, scratch, i, i)])
        return groups, overlapped

    def piece(self, tensor: int, delta: int) -> _Piece:
        return _Piece(tensor, self.graph.tensors[tensor].bytes, *self.life[tensor], delta)


def _span(group: list[_Piece]) -> int:
    return max(p.delta + p.size for p in group) - min(p.delta for p in group)


def _end(placed: Iterable[Placed]) -> int:
    return max(p.offset + p.size for p in placed)


def _place(groups: list[list[_Piece]], limit: int | None) -> list[Placed]:
    """Give each group in turn the lowest aligned offset at which it meets nothing placed.

    Returns nothing once it takes over `limit` bytes.
    """
    placed: list[Placed] = []
    for group in groups:
        low = min(p.delta for p in group)
        base = _lowest(_forbidden(group, placed, low))
        if limit is not None and base + _span(group) > limit:
            return []
        placed += [Placed(p.tensor, base + p.delta - low, p.size, p.first, p.last) for p in group]
    return placed


def _forbidden(group: list[_Piece], placed: list[Placed], low: int) -> list[tuple[int, int]]:
    """Return the open intervals of offsets at which a piece of the group would overlap a placed one alive with it."""
    intervals = []
    for piece in group:
        delta = piece.delta - low
        for other in placed:
            if piece.first <= other.last and other.first <= piece.last:
                intervals.append((other.offset - piece.size - delta, other.offset + other.size - delta))
    return sorted(intervals)


def _lowest(forbidden: list[tuple[int, int]]) -> int:
    offset = 0
    for start, end in forbidden:
        if start < offset < end:
            offset = -(-end // ALIGNMENT) * ALIGNMENT
    return offset
