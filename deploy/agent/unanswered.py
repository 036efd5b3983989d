"""WRITEs that came together: one answer, whose map shows what they have stored, is enough for several of them."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.frames import GRANULE, MAP_GRANULES, MOST_TOGETHER, first_in_map

LAST = 3
"""So many of the last ones are answered each: nothing behind them says the same."""

Stored = tuple[int, int, int]
"""A WRITE's tensor with its flags, the offset, and how many bytes of the input it stored."""
Answer = tuple[int, Stored, "int | None"]
"""Sequence number, what is stored, and how many bytes were repaired; None for a frame without parity."""


class Unanswered:
    """WRITEs with a map that are stored and have no answer yet. The map of each shows those before it."""

    def __init__(self) -> None:
        self._writes: list[Answer] = []
        self._flagged = self._begin = self._end = 0  # of all of them: tensor with flags, and granules
        self._is_full = False

    def add(self, answers: Sequence[Answer]) -> list[Answer]:
        """Add the answers that WRITEs would have; return those that are to be given, each before what follows it."""
        due: list[Answer] = []
        for answer in answers:
            flagged, offset, size = answer[1]
            begin, end = offset // GRANULE, -(-(offset + size) // GRANULE)
            if self._writes:
                first = first_in_map(offset)
                is_shown = first <= self._begin and self._end <= first + MAP_GRANULES
                if self._is_full or not size or not is_shown or flagged != self._flagged:
                    due += self._taken(1)
            if not self._writes:
                self._flagged, self._begin, self._end = flagged, begin, end
            else:
                if begin < self._begin:
                    self._begin = begin
                if end > self._end:
                    self._end = end
            self._writes.append(answer)
            self._is_full = not size or len(self._writes) == MOST_TOGETHER
        return due

    def last(self) -> list[Answer]:
        """Return the answers to those that are left when nothing follows."""
        return self._taken(LAST) if self._writes else []

    def _taken(self, count: int) -> list[Answer]:
        writes, self._writes = self._writes, []
        repairs = [repaired for _, _, repaired in writes if repaired]
        answers = writes[-count:]
        if repairs:
            answers = [(seq, stored, repaired and 0) for seq, stored, repaired in answers]
            seq, stored, last = answers[-1]
            answers[-1] = (seq, stored, None if last is None else sum(repairs))
        return answers
