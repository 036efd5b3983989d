"""What a part of the fuzzing came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How many inputs were tried in how long; `finding` says what was found, "" for nothing."""

    inputs: int
    seconds: float
    finding: str = ""
