"""WRITEs that came together: one answer, whose map shows what they have stored, is enough for several of them."""

from __future__ import annotations

from deploy.frames import GRANULE, MAP, MOST_TOGETHER, STORED, Frame, first_in_map

LAST = 3
"""So many of the last ones are answered each: nothing behind them says the same."""

Answer = tuple[int, bytes, "int | None"]
"""Sequence number, payload before the map, and how many bytes were repaired; None for a frame without parity."""


class Unanswered:
    """WRITEs with a map that are stored and have no answer yet. The map of each shows those before it."""

    def __init__(self) -> None:
        self._writes: list[Answer] = []
        self._flagged = self._begin = self._end = 0  # of all of them: tensor with flags, and granules
        self._is_full = False

    def add(self, request: Frame, stored: bytes) -> list[Answer]:
        """Add a WRITE, given with its answer's payload before the map; return what is to be answered before it."""
        flagged, offset, size = STORED.unpack(stored)
        begin, end = offset // GRANULE, -(-(offset + size) // GRANULE)
        answers: list[Answer] = []
        first = first_in_map(offset)
        is_shown = flagged == self._flagged and first <= self._begin and self._end <= first + 8 * MAP.size
        if self._is_full or size == 0 or not is_shown:
            answers = self._taken(1)
        if self._writes:
            self._begin, self._end = min(begin, self._begin), max(end, self._end)
        else:
            self._flagged, self._begin, self._end = flagged, begin, end
        self._writes.append((request.seq, stored, request.repaired))
        self._is_full = size == 0 or len(self._writes) == MOST_TOGETHER
        return answers

    def last(self) -> list[Answer]:
        """Return the answers to those that are left when nothing follows."""
        return self._taken(LAST) if self._writes else []

    def _taken(self, count: int) -> list[Answer]:
        writes, self._writes = self._writes, []
        if not writes:
            return []
        counts = [repaired for _, _, repaired in writes if repaired is not None]
        answers: list[Answer] = [(seq, stored, None if repaired is None else 0) for seq, stored, repaired in writes]
        seq, stored, last = answers[-1]
        answers[-1] = (seq, stored, None if last is None else sum(counts))
        return answers[-count:]
