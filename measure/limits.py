"""RAM and flash of a board beside what a run took of them."""

from __future__ import annotations

import target as targets
from target import Target

UNLIMITED = ("linux", "host")
"""Families of programs for Linux boards and for this machine, which have no RAM or flash of their own."""


def of(name: str) -> tuple[int | None, int | None]:
    """Return RAM and flash in bytes of the target of that name, if it is a microcontroller that this checkout knows."""
    return of_board(targets.load(name)) if name in targets.names() else (None, None)


def of_board(board: Target) -> tuple[int | None, int | None]:
    """Return RAM and flash of a board in bytes, None where it has no such limit or only its SDK knows it."""
    mcu = board.mcu
    return (mcu.ram_bytes, mcu.flash_bytes) if mcu and mcu.family not in UNLIMITED else (None, None)


def text(used: int, limit: int | None) -> str:
    """Return bytes, of how many where the board has a limit."""
    return f"{used:,} of {limit:,} bytes" if limit else f"{used:,} bytes"
