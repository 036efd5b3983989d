"""WRITEs that came together: one answer, whose map shows what they have stored, is enough for several of them."""

from __future__ import annotations

from deploy.frames import GRANULE, MAP, MAP_BEFORE, MOST_TOGETHER, STORED, Frame

LAST = 3
"""So many of the last ones are answered each: nothing behind them says the same."""

Answer = tuple[int, bytes, "int | None"]
"""Sequence number, payload before the map, and how many bytes were repaired; None for a frame without parity."""


class Unanswered:
    """WRITEs with a map that are stored and have no answer yet. The map of each shows those before it."""

    def __init__(self) -> None:
        self._writes: list[tuple[int, bytes, int | None, int, int, int]] = []

    def add(self, request: Frame, stored: bytes) -> list[Answer]:
        """Add a WRITE, given with its answer's payload before the map; return what is to be answered before it."""
        flagged, offset, size = STORED.unpack(stored)
        begin, end = offset // GRANULE, -(-(offset + size) // GRANULE)
        first = max(0, begin - MAP_BEFORE)
        answers: list[Answer] = []
        if size == 0 or len(self._writes) == MOST_TOGETHER or not self._are_in(flagged, first, first + 8 * MAP.size):
            answers = self._taken(1)
        self._writes.append((request.seq, stored, request.repaired, flagged, begin, end))
        return answers

    def last(self) -> list[Answer]:
        """Return the answers to those that are left when nothing follows."""
        return self._taken(LAST)

    def _are_in(self, flagged: int, first: int, stop: int) -> bool:
        return all(
            other == flagged and begin >= first and begin < end <= stop for *_, other, begin, end in self._writes
        )

    def _taken(self, count: int) -> list[Answer]:
        writes, self._writes = self._writes, []
        if not writes:
            return []
        counts = [repaired for _, _, repaired, *_ in writes if repaired is not None]
        answers: list[Answer] = [(seq, stored, None if repaired is None else 0) for seq, stored, repaired, *_ in writes]
        seq, stored, last = answers[-1]
        answers[-1] = (seq, stored, None if last is None else sum(counts))
        return answers[-count:]
