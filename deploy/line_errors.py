"""How often a line damages what it carries, learned from its traffic; what frames are best on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deploy import parity

MEMORY_BYTES = 1 << 16
"""About so many bytes back the line is remembered."""
SURE_LOSSES = 2
OVERHEAD_BYTES = 40
"""Bytes of a request and its answer beside the input or output in one of them."""
EXPOSED_BYTES = 4
"""Bytes of a frame that parity does not repair: the zeros around it, and those by which COBS marks where zeros were."""
GRANULE = 64
LONGEST_WITH_PARITY = 192
"""Bytes of input or output in a frame with parity, in granules."""
BAD_RATE = 1e-3
SHORT_BYTES = 128
COPIES = 6
SAME_RATE = 0.05
UNANSWERED = 0.03


@dataclass(frozen=True)
class Frames:
    """How to cut inputs and outputs into frames: `length` bytes of them in each, and whether with parity.

    `cost` is how many bytes must be sent for each, on average.
    """

    length: int
    with_parity: bool
    cost: float


NO_LIMIT = Frames(1 << 30, False, 1.0)


class LineErrors:
    """Damaged bytes by bytes sent. A frame that is lost counts as one of them in it or in its answer."""

    def __init__(self) -> None:
        self._bytes = 0.0
        self._errors = 0.0
        self._best: dict[bool, tuple[float, Frames]] = {}

    def sent(self, line_bytes: int) -> None:
        """Record that a frame was sent which takes, with its answer, so many bytes on the line."""
        self._bytes += line_bytes
        if self._bytes > MEMORY_BYTES:
            keep = MEMORY_BYTES / self._bytes
            self._bytes, self._errors = self._bytes * keep, self._errors * keep

    def lost(self) -> None:
        """Record that a frame got no answer."""
        self._errors += 1

    def not_lost(self) -> None:
        """Record that a frame that counts as lost was not."""
        self._errors = max(0.0, self._errors - 1)

    def repaired(self, count: int) -> None:
        """Record that so many bytes of a frame were damaged, and repaired."""
        self._errors += count

    @property
    def rate(self) -> float:
        """Errors for each byte, up to a half; 0 until there are several."""
        return min(0.5, self._errors / self._bytes) if self._errors >= SURE_LOSSES else 0.0

    def best(self, *, can_repair: bool) -> Frames:
        """Return what loses the least time, for the rate as it was within a twentieth."""
        rate = self.rate
        if not rate:
            return NO_LIMIT
        known_rate, known = self._best.get(can_repair, (0.0, NO_LIMIT))
        if abs(rate - known_rate) > SAME_RATE * rate:
            known = self._best_at(rate, can_repair)
            self._best[can_repair] = rate, known
        return known

    def _best_at(self, rate: float, can_repair: bool) -> Frames:
        # A byte costs (1 + overhead / length) / (1 - rate) ** length: that is least at about the root below.
        length = max(1, int(math.sqrt(OVERHEAD_BYTES / rate)))
        choices = [Frames(length, False, self._cost(length, False))]
        if can_repair:
            lengths = range(GRANULE, LONGEST_WITH_PARITY + 1, GRANULE)
            choices += [Frames(length, True, self._cost(length, True)) for length in lengths]
        return min(choices, key=lambda choice: choice.cost)

    def _cost(self, length: int, with_parity: bool) -> float:
        line_bytes = length + OVERHEAD_BYTES + (parity.BYTES if with_parity else 0)
        arrive = 1 - self.loss(line_bytes, with_parity=with_parity)
        return line_bytes / length / arrive if arrive > 0 else math.inf

    def loss(self, line_bytes: int, *, with_parity: bool = False) -> float:
        """Return how likely it is that so many bytes do not arrive, from 0 to 1."""
        good = 1 - self.rate
        if not with_parity:
            return 1 - good**line_bytes
        mean = self.rate * line_bytes
        few = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(parity.REPAIRS + 1))
        return 1 - few * good**EXPOSED_BYTES

    def copies(self, line_bytes: int, *, with_parity: bool = False) -> int:
        """Return how often to send a frame for which nothing behind it shows its loss: once, more on a bad line."""
        if self.rate < BAD_RATE and line_bytes > SHORT_BYTES:
            return 1
        lost = self.loss(line_bytes, with_parity=with_parity)
        if not 0 < lost < 1:
            return COPIES if lost else 1
        return max(1, min(COPIES, math.ceil(math.log(UNANSWERED) / math.log(lost))))
