"""A link that loses, damages and delays what it carries, to prove that the session repairs it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from deploy.links import Link


@dataclass(frozen=True)
class Faults:
    """How often, from 0 to 1 for each piece of up to `piece` bytes in either direction, something happens to it.

    `byte_error` is how often a bit of a byte flips, from 0 to 1 for each byte.
    """

    drop: float = 0.01
    flip: float = 0.01
    repeat: float = 0.01
    delay: float = 0.01
    cut: float = 0.01
    piece: int = 256
    delay_s: float = 0.02
    byte_error: float = 0.0


class LossyLink:
    """Wraps a link; order is kept, as on any serial line. The same seed and traffic give the same faults."""

    def __init__(self, link: Link, faults: Faults | None = None, seed: int = 1):
        self.link = link
        self.faults = faults or Faults()
        self.counts = dict.fromkeys(("drop", "flip", "repeat", "delay", "cut"), 0)
        self._random = random.Random(seed)
        self._spoils_pieces = any(getattr(self.faults, fault) for fault in self.counts)

    @property
    def name(self) -> str:
        """The wrapped link's name, marked."""
        return f"{self.link.name} (lossy)"

    def open(self) -> None:
        """See Link.open."""
        self.link.open()

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        return self._spoil(self.link.read(timeout_s))

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self.link.write(self._spoil(data))

    def close(self) -> None:
        """See Link.close."""
        self.link.close()

    def _spoil(self, data: bytes) -> bytes:
        size = self.faults.piece
        if self.faults.byte_error:
            data = self._flip_bytes(data)
        if not self._spoils_pieces:
            return data
        return b"".join(self._spoil_piece(data[start : start + size]) for start in range(0, len(data), size))

    def _flip_bytes(self, data: bytes) -> bytes:
        spoiled, rate = bytearray(data), self.faults.byte_error
        at = int(self._random.expovariate(rate))
        while at < len(spoiled):
            spoiled[at] ^= 1 << self._random.randrange(8)
            at += 1 + int(self._random.expovariate(rate))
        return bytes(spoiled)

    def _spoil_piece(self, piece: bytes) -> bytes:
        if self._happens("delay"):
            time.sleep(self.faults.delay_s)
        if self._happens("drop"):
            return b""
        if self._happens("cut"):
            piece = piece[: self._random.randrange(len(piece))]
        if piece and self._happens("flip"):
            spoiled = bytearray(piece)
            spoiled[self._random.randrange(len(piece))] ^= 1 << self._random.randrange(8)
            piece = bytes(spoiled)
        return piece * 2 if self._happens("repeat") else piece

    def _happens(self, fault: str) -> bool:
        happens: bool = self._random.random() < getattr(self.faults, fault)
        self.counts[fault] += happens
        return happens
