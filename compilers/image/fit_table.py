"""What a network needs on each board, as `inv fit` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from compilers.image.fit import Fit

Fits = Mapping[str, Mapping[str, Fit]]
"""By board, then by --optimize."""


def table(fits: Fits) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: bytes needed and there on each board with each --optimize."""
    names = ("board", "--optimize", "fits", "arena", "RAM needed", "of", "weights", "flash needed", "of")
    columns = [(name, "left" if i < 3 else "right") for i, name in enumerate(names)]
    rows = [
        ["" if i else name, aim, "yes" if f.fits else "no"]
        + [f"{n:,}" for n in (f.arena_bytes, f.ram_needed, f.ram_bytes, f.weights_bytes, f.flash_needed, f.flash_bytes)]
        for name, aims in fits.items()
        for i, (aim, f) in enumerate(aims.items())
    ]
    return columns, rows


def notes(fits: Fits) -> str:
    """Return where the arena's peaks are, and how exact the figures are."""
    peaks = dict.fromkeys(fit.peak for aims in fits.values() for fit in aims.values())
    lines = [f"the arena's peak is {peak}" for peak in peaks]
    lines.append("bytes; the share of the firmware itself is an estimate, the linker's figures are exact")
    return "\n".join(lines)


def as_json(fits: Fits) -> dict[str, dict[str, dict[str, object]]]:
    """Return the figures as JSON types."""
    return {name: {aim: asdict(fit) | {"fits": fit.fits} for aim, fit in aims.items()} for name, aims in fits.items()}
