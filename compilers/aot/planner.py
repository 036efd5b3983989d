"""The place of each tensor in the arena.

Tensors are placed in groups. In a group, an operator's output overlaps its dying input: it begins as far before the
input as the operator needs. Which inputs are overlapped is searched for: an overlap saves memory where the peak is, but
ties two tensors together, which can cost elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

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


# A tensor, or the scratch of step i as ~i
_Key: TypeAlias = int
# What is placed: its key, bytes and offset from the start of its group
_Piece: TypeAlias = tuple[_Key, int, int]


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
            chosen = set(best.overlapped) ^ set(flipped)
            has_fewer = len(chosen) < len(best.overlapped)
            trial = search.layout(chosen, best.arena_bytes if has_fewer else best.arena_bytes - 1)
            if trial and (trial.arena_bytes, len(trial.overlapped)) < (best.arena_bytes, len(best.overlapped)):
                best = trial
        if best.arena_bytes == before:
            break
    return best


@dataclass(frozen=True, eq=False)
class _Group:
    """Pieces that are placed together, `span` bytes of the arena. `keys` sort it into each order that is tried.

    `held` are the bytes that it keeps from others before the first step and at each step, int64 (steps + 1,).
    """

    pieces: tuple[_Piece, ...]
    span: int
    keys: tuple[tuple[int, int], ...]
    held: npt.NDArray[np.int64]


class _Search:
    """Layouts of one network for given choices of the steps whose output overlaps an input.

    A plan takes a thousand of them, so what does not depend on the choice is computed once.
    """

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self.graph = graph
        self.steps = steps
        self.inputs = whole_inputs(graph, steps)
        self.life = lifetimes(graph, steps)
        self.bytes = {t: graph.tensors[t].bytes for t in self.life}
        self.overlappable = [self._overlappable(i) for i in range(len(steps))]
        self.scratch_apart = [step.without_overlap().scratch for step in steps]
        scratch = {~i: (i, i) for i, step in enumerate(steps) if step.scratch or self.scratch_apart[i]}
        self._life: dict[_Key, tuple[int, int]] = {**self.life, **scratch}
        self._beside = {key: self._alive_with(*life) for key, life in self._life.items()}
        self._groups: dict[tuple[_Piece, ...], _Group] = {}

    def _overlappable(self, i: int) -> int | None:
        """Return the input of step i that dies there and that its output may overlap, preferring the largest."""
        dying = [t for t in self.steps[i].overlap if self.life[t][1] == i]
        return max(dying, key=lambda t: (self.steps[i].overlap[t], self.graph.tensors[t].bytes), default=None)

    def _alive_with(self, first: int, last: int) -> list[_Key]:
        return [key for key, (start, end) in self._life.items() if first <= end and start <= last]

    def candidates(self, layout: Layout) -> list[int]:
        """Return the steps whose overlap may be chosen or undone, those at the fullest moment first."""
        load = [0] * len(self.steps)
        for piece in (*layout.tensors.values(), *layout.scratch.values()):
            for i in range(max(piece.first, 0), min(piece.last, len(load) - 1) + 1):
                load[i] += piece.size
        return sorted((i for i in range(len(load)) if self.overlappable[i] is not None), key=lambda i: (-load[i], i))

    def layout(self, chosen: Iterable[int], limit: int | None = None) -> Layout | None:
        """Place everything, the outputs of chosen steps over their inputs; None if it takes over `limit` bytes.

        Tries several orders.
        """
        groups, overlapped = self.groups(set(chosen))
        if (
            limit is not None and np.sum([group.held for group in groups], axis=0).max() > limit
        ):  # at once, for most choices
            return None
        best: dict[_Key, tuple[int, int]] | None = None
        tried: list[list[_Group]] = []
        for kind in range(len(groups[0].keys)):
            order = sorted(groups, key=lambda group, kind=kind: group.keys[kind])  # type: ignore[misc]
            if order in tried:
                continue
            tried.append(order)
            placed = self._place(order, limit)
            if placed is not None and (best is None or _end(placed) < _end(best)):
                best, limit = placed, _end(placed)
        if best is None:
            return None
        tensors = {key: self._placed(key, *place) for key, place in best.items() if key >= 0}
        scratch = {~key: self._placed(key, *place) for key, place in best.items() if key < 0}
        return Layout(_end(best), tensors, scratch, overlapped)

    def _placed(self, key: _Key, start: int, end: int) -> Placed:
        return Placed(key if key >= 0 else None, start, end - start, *self._life[key])

    def groups(self, chosen: set[int]) -> tuple[list[_Group], dict[int, int]]:
        """Return what is placed together, and the input that each chosen step's output overlaps."""
        pieces: list[list[_Piece]] = [[(tensor, self.bytes[tensor], 0)] for tensor in self.inputs]
        group_of = {tensor: (pieces[i], 0) for i, tensor in enumerate(self.inputs)}
        overlapped: dict[int, int] = {}
        for i, step in enumerate(self.steps):
            source = self.overlappable[i] if i in chosen else None
            if source is None:
                pieces.append([])
                group, delta = pieces[-1], 0
            else:
                overlapped[i] = source
                group, base = group_of[source]
                delta = base + step.overlap[source] // ALIGNMENT * ALIGNMENT
            group.append((step.output, self.bytes[step.output], delta))
            group_of[step.output] = (group, delta)
            for tensor in step.more_outputs:
                pieces.append([(tensor, self.bytes[tensor], 0)])
                group_of[tensor] = (pieces[-1], 0)
            if scratch := self.scratch_apart[i] if source is None else step.scratch:
                pieces.append([(~i, scratch, 0)])
        return [self._group(tuple(group)) for group in pieces], overlapped

    def _group(self, pieces: tuple[_Piece, ...]) -> _Group:
        group = self._groups.get(pieces)
        if group is None:
            low = min(delta for _, _, delta in pieces)
            span = max(delta + size for _, size, delta in pieces) - low
            largest = max(size for _, size, _ in pieces)
            start = self._life[pieces[0][0]][0]
            firsts, lasts = zip(*(self._life[key] for key, _, _ in pieces), strict=True)
            keys = ((-span, start), (-largest, start), (min(firsts) - max(lasts), -span), (start, -span))
            placed = tuple((key, size, delta - low) for key, size, delta in pieces)
            group = _Group(placed, span, keys, self._held(placed))
            self._groups[pieces] = group
        return group

    def _held(self, pieces: tuple[_Piece, ...]) -> npt.NDArray[np.int64]:
        held = np.zeros(len(self.steps) + 1, np.int64)
        for i in range(len(held)):
            alive = [(delta, delta + size) for key, size, delta in pieces if _is_alive(self._life[key], i - 1)]
            top = 0
            for start, end in sorted(alive):
                held[i] += max(end - max(start, top), 0)
                top = max(top, end)
        return held

    def _place(self, groups: Sequence[_Group], limit: int | None) -> dict[_Key, tuple[int, int]] | None:
        """Give each group in turn the lowest aligned offset at which it meets nothing placed.

        Returns the start and end of each piece, or None once they take over `limit` bytes.
        """
        placed: dict[_Key, tuple[int, int]] = {}
        for group in groups:
            # The open intervals of offsets at which a piece of the group would overlap a placed one alive with it
            forbidden = [
                (place[0] - size - delta, place[1] - delta)
                for key, size, delta in group.pieces
                for other in self._beside[key]
                if (place := placed.get(other))
            ]
            base = _lowest(forbidden)
            if limit is not None and base + group.span > limit:
                return None
            placed |= {key: (base + delta, base + delta + size) for key, size, delta in group.pieces}
        return placed


def _is_alive(life: tuple[int, int], step: int) -> bool:
    return life[0] <= step <= life[1]


def _end(placed: dict[_Key, tuple[int, int]]) -> int:
    return max([end for _, end in placed.values()])


def _lowest(forbidden: list[tuple[int, int]]) -> int:
    """Return the lowest aligned offset in none of the open intervals."""
    forbidden.sort()
    offset = 0
    for start, end in forbidden:
        if start < offset < end:
            offset = -(-end // ALIGNMENT) * ALIGNMENT
    return offset
