"""How often a line damages what it carries, learned from frames without an answer; how long frames should be on it."""

from __future__ import annotations

import math

MEMORY_BYTES = 1 << 16
"""About so many bytes back the line is remembered."""
SURE_LOSSES = 2
OVERHEAD_BYTES = 40
"""Bytes of a request and its answer beside the input or output in one of them."""
BAD_RATE = 1e-3
SHORT_BYTES = 128
COPIES = 6
UNANSWERED = 0.03


class LineErrors:
    """Losses by bytes sent. The estimate takes each lost frame for one damaged byte in it or in its answer."""

    def __init__(self) -> None:
        self._bytes = 0.0
        self._losses = 0.0

    def sent(self, line_bytes: int) -> None:
        """Record that a frame was sent which takes, with its answer, so many bytes on the line."""
        self._bytes += line_bytes
        if self._bytes > MEMORY_BYTES:
            keep = MEMORY_BYTES / self._bytes
            self._bytes, self._losses = self._bytes * keep, self._losses * keep

    def lost(self) -> None:
        """Record that a frame got no answer."""
        self._losses += 1

    @property
    def rate(self) -> float:
        """Losses for each byte; 0 until there are several."""
        return self._losses / self._bytes if self._losses >= SURE_LOSSES else 0.0

    @property
    def best_length(self) -> int:
        """How many bytes of input or output a frame should carry to lose the least time.

        A byte costs (1 + overhead / length) * (1 + rate * length) on average, which is least at the root below.
        """
        return int(math.sqrt(OVERHEAD_BYTES / self.rate)) if self.rate else 1 << 30

    def copies(self, line_bytes: int) -> int:
        """Return how often to send a frame for which nothing behind it shows its loss: once, more on a bad line."""
        if self.rate < BAD_RATE and line_bytes > SHORT_BYTES:
            return 1
        lost = 1 - (1 - min(self.rate, 0.5)) ** line_bytes
        if not 0 < lost < 1:
            return COPIES if lost else 1
        return max(1, min(COPIES, math.ceil(math.log(UNANSWERED) / math.log(lost))))
