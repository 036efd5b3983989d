"""Reads the output and log of `edgetpu_compiler`, which are meant for people: what they do not say is absent.

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
class LogRow:
    """A row of the log's table: `count` operators of one kind, and their status in the compiler's words."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True)
class ModelLog:
    """The log of one model. Sizes are in bytes, precise to the three digits or so that are printed."""

    model: str
    figures: dict[str, int] = field(default_factory=dict)
    rows: tuple[LogRow, ...] = ()

    @property
    def mapped(self) -> int | None:
        """How many operators run on the Edge TPU: as stated, else the sum of the table, None without either."""
        if "mapped" in self.figures:
            return self.figures["mapped"]
        return sum(row.count for row in self.rows if row.status == MAPPED) if self.rows else None

    @property
    def operators(self) -> int | None:
        """How many operators the model has, None where the log does not say."""
        if "operators" in self.figures:
            return self.figures["operators"]
        return sum(row.count for row in self.rows) if self.rows else None


def version_of(text: str) -> str:
    """Return the compiler's version from its output, "" if it is not there."""
    match = _VERSION.search(text)
    return match[1] if match else ""


def parse(text: str) -> tuple[ModelLog, ...]:
    """Return the log of each model, in the order in which they were compiled."""
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
    rows: list[LogRow] = []
    for line in lines:
        key, colon, value = line.partition(":")
        if colon and key in _SIZES:
            size = bytes_of(value)
            figures |= {_SIZES[key]: size} if size is not None else {}
        elif colon and key in _COUNTS and value.strip().isdigit():
            figures[_COUNTS[key]] = int(value)
        elif row := _ROW.fullmatch(line):
            rows.append(LogRow(row[1], int(row[2]), row[3]))
    return ModelLog(name, figures, tuple(rows))


def bytes_of(text: str) -> int | None:
    """Return a size such as `6.91MiB` in bytes, None if the text is not a size."""
    match = _SIZE.fullmatch(text.strip())
    return round(float(match[1]) * _UNITS[f"{match[2] or ''}B"]) if match else None


def explanation(text: str) -> str:
    """Return the lines with which the compiler explains a failure, as one line of at most 300 characters."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip() and not _VERSION.search(line)]
    errors = [line for line in lines if line.lower().startswith(("error", "invalid", "internal", "compilation"))]
    return "; ".join(errors[:3] or lines[-3:])[:300]
