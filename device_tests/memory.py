"""What a device uses of its memory, which must not grow from inference to inference."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from deploy.info import Stats

RSS_SLACK = 4 << 20
"""By how many bytes a process of Linux may grow: its allocator keeps pages as it likes."""


@dataclass(frozen=True)
class Marks:
    """High-water marks in bytes, None for what the device does not know; a microcontroller has no heap.

    `heap` is the largest resident set of a process of Linux, in which its heap is.
    """

    stack: int | None
    arena: int | None
    heap: int | None

    @classmethod
    def of(cls, stats: Stats) -> Marks:
        """Return the marks in STATS."""
        return cls(stats.stack_used, stats.arena_used, stats.peak_rss)

    def growth(self, later: Marks) -> dict[str, tuple[int, int]]:
        """Return what has grown, by name: bytes before and now."""
        slack = {"heap": RSS_SLACK}
        before, now = asdict(self), asdict(later)
        return {
            name: (before[name], now[name])
            for name in before
            if before[name] is not None and (now[name] is None or now[name] > before[name] + slack.get(name, 0))
        }

    def known(self) -> dict[str, int]:
        """Return the marks that the device knows, by name."""
        return {name: size for name, size in asdict(self).items() if size is not None}
