"""A request that is on the line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Sent:
    """A request that is on the line.

    Each time that a request is sent has a number. `first` is that of the first time whose answer may still come, `last`
    that of the last time. At the first time there were `ahead` bytes on the line, with this frame, and `position` bytes
    had been sent in all; `at` is when that was. `guesses` counts the times that it was sent again for want of an answer
    alone, -1 once there were copies of it: more than one answer then says nothing.
    """

    number: int
    data: bytes
    with_parity: bool
    ahead: int = 0
    at: float = 0.0
    resend_at: float = 0.0
    tries: int = 1
    first: int = 0
    last: int = 0
    position: int = 0
    guesses: int = 0
