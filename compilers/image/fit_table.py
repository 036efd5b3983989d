"""What a network needs on each board, as `inv fit` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from compilers.image.fit import Fit

Fits = Mapping[str, Mapping[str, Fit]]
"""By board, then by --optimize."""


HEADINGS = (
    "board",
    "--optimize",
    "fits",
    "RAM\nneeded",
    "RAM\nthere",
    "flash\nneeded",
    "flash\nthere",
    "arena",
    "weights",
)
DROPPED = (8, 7, 6, 4)
"""Columns that a narrow terminal does without, the least needed first."""
SHORT = ("RAM", "flash", "no")


def table(fits: Fits) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: bytes needed and there on each board, for each --optimize that makes a difference."""
    columns = [(name, "left" if i < 3 else "right") for i, name in enumerate(HEADINGS)]
    rows = []
    for name, aims in fits.items():
        for i, (fit, same) in enumerate(_distinct(aims)):
            sizes = (
                fit.ram_needed, fit.ram_bytes, fit.flash_needed, fit.flash_bytes, fit.arena_bytes, fit.weights_bytes
            )  # fmt: skip
            optimize = "any" if len(same) == len(aims) > 1 else ", ".join(same)
            rows.append(["" if i else name, optimize, verdict(fit), *(f"{size:,}" for size in sizes)])
    return columns, rows


def verdict(fit: Fit) -> str:
    """Return `yes`, or what is short by how many bytes."""
    over = (("RAM", fit.ram_needed - fit.ram_bytes), ("flash", fit.flash_needed - fit.flash_bytes))
    return " and ".join(f"{what} short by {size:,}" for what, size in over if size > 0) or "yes"


def _distinct(aims: Mapping[str, Fit]) -> list[tuple[Fit, list[str]]]:
    """Return each different fit of a board with the names of its --optimize, in their order."""
    found: dict[Fit, list[str]] = {}
    for aim, fit in aims.items():
        found.setdefault(fit, []).append(aim)
    return list(found.items())


def notes(fits: Fits) -> str:
    """Return where the arena's peaks are, and how exact the figures are."""
    peaks = dict.fromkeys(fit.peak for aims in fits.values() for fit in aims.values())
    lines = [f"the arena's peak is {peak}" for peak in peaks]
    lines.append("bytes; the share of the firmware itself is an estimate, the linker's figures are exact")
    return "\n".join(lines)


def as_json(fits: Fits) -> dict[str, dict[str, dict[str, object]]]:
    """Return the figures as JSON types."""
    return {name: {aim: asdict(fit) | {"fits": fit.fits} for aim, fit in aims.items()} for name, aims in fits.items()}
