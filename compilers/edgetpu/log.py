"""What `edgetpu_compiler` prints and logs, as facts. It has no form for programs: what is not found is absent.

Source: the examples of "Edge TPU Compiler" (coral.ai/docs/edgetpu/compiler) and logs of its versions 2 to 16 in the
issues of google-coral/edgetpu.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

MAPPED = "Mapped to Edge TPU"
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]i)?B")
_VERSION = re.compile(r"Edge TPU Compiler version (\S+)")
_ROW = re.compile(r"([A-Za-z][\w-]*)\s+(\d+)\s+(\S.*)")
_SIZES = {
    "On-chip memory used for caching model parameters": "on_chip_bytes",
    "On-chip memory remaining for caching model parameters": "on_chip_remaining_bytes",
    "Off-chip memory used for streaming uncached model parameters": "off_chip_bytes",
}
_COUNTS = {
    "Number of Edge TPU subgraphs": "subgraphs",
    "Total number of operations": "operators",
    "Number of operations that will run on Edge TPU": "mapped",
    "Number of operations that will run on CPU": "on_cpu",
}


@dataclass(frozen=True)
class Fate:
    """A row of the log's table: `count` operators of one kind and what became of them, in the compiler's words."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True)
class ModelLog:
    """What is said of one model. Sizes in bytes to the three digits or so that are printed; None is not said."""

    model: str
    figures: dict[str, int] = field(default_factory=dict)
    fates: tuple[Fate, ...] = ()

    @property
    def mapped(self) -> int | None:
        """How many operators run on the Edge TPU: as it says, else as its table adds up."""
        if "mapped" in self.figures:
            return self.figures["mapped"]
        return sum(fate.count for fate in self.fates if fate.status == MAPPED) if self.fates else None

    @property
    def operators(self) -> int | None:
        """How many operators the model has."""
        if "operators" in self.figures:
            return self.figures["operators"]
        return sum(fate.count for fate in self.fates) if self.fates else None


def version_of(text: str) -> str:
    """Return the compiler's version from what it prints, "" if it is not said."""
    found = _VERSION.search(text)
    return found[1] if found else ""


def parse(text: str) -> tuple[ModelLog, ...]:
    """Return what is said of each model, in the order in which they were compiled."""
    parts: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        if key in ("Input model", "Input"):
            parts.append((PurePath(value.strip()).name, []))
        elif parts:
            parts[-1][1].append(line.strip())
    return tuple(_model(name, lines) for name, lines in parts)


def _model(name: str, lines: list[str]) -> ModelLog:
    figures: dict[str, int] = {}
    fates: list[Fate] = []
    for line in lines:
        key, colon, value = line.partition(":")
        if colon and key in _SIZES:
            size = bytes_of(value)
            figures |= {_SIZES[key]: size} if size is not None else {}
        elif colon and key in _COUNTS and value.strip().isdigit():
            figures[_COUNTS[key]] = int(value)
        elif row := _ROW.fullmatch(line):
            fates.append(Fate(row[1], int(row[2]), row[3]))
    return ModelLog(name, figures, tuple(fates))


def bytes_of(text: str) -> int | None:
    """Return a size such as `6.91MiB` in bytes, None if it is none."""
    found = _SIZE.fullmatch(text.strip())
    return round(float(found[1]) * _UNITS[f"{found[2] or ''}B"]) if found else None


def last_words(text: str) -> str:
    """Return the lines with which the compiler explained a failure, on one line of at most 300 characters."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip() and not _VERSION.search(line)]
    errors = [line for line in lines if line.lower().startswith(("error", "invalid", "internal", "compilation"))]
    return "; ".join(errors[:3] or lines[-3:])[:300]
