"""Engines side by side: the same network and pictures, on one target with each engine that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from artifact import write_atomic
from errors import Error
from measure import report
from measure.bench import Bench

HOST_PAIR = (("host-fw", "aot"), ("host-tflm", "tflm"))
FILENAME = "engines.json"
SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One engine's report, and what it answered for the pictures: (n, classes)."""

    report: dict[str, Any]
    outputs: npt.NDArray[Any]

    @property
    def name(self) -> str:
        """What the column is called: engine, and the target where that differs from column to column."""
        return f"{self.report['engine']['name']}, {self.report['engine']['kernels']}"


def pairs(target: str, with_tflm: bool) -> list[tuple[str, str]]:
    """Return (target, engine) of each column: on this host the firmware and TFLite-Micro's interpreter."""
    if target in ("host", *(name for name, _ in HOST_PAIR)):
        return list(HOST_PAIR)
    return [(target, "aot"), *([(target, "tflm")] if with_tflm else [])]


def measure(benches: Sequence[Callable[[], Bench]], command: str) -> list[Entry]:
    """Measure one after the other and return what each gave; each bench is opened when it is its turn.

    Raises Error if one breaks off: half of a comparison is none.
    """
    entries = []
    for open_bench in benches:
        with open_bench() as bench:
            made = bench.report(("latency", "accuracy"), command)
            if bench.interrupted:
                raise Error(f"{bench.target.name}: measured {bench.interrupted}")
            entries.append(Entry(made, bench.device_outputs[0]))
    return entries


def equal_bytes(entries: Sequence[Entry]) -> dict[str, int]:
    """Return for how many of the pictures all engines answered the same bytes."""
    first = entries[0].outputs
    same = np.ones(len(first), bool)
    for entry in entries[1:]:
        same &= (entry.outputs == first).all(axis=1)
    return {"n": len(first), "equal": int(same.sum())}


def write(entries: Sequence[Entry], folder: Path) -> Path:
    """Write all reports and how many outputs are equal into `folder`/engines.json, and return its path."""
    made = {"schema": SCHEMA, "equal_bytes": equal_bytes(entries), "engines": [entry.report for entry in entries]}
    path = folder / FILENAME
    for entry in entries:
        report.check(entry.report)
    write_atomic(path, json.dumps(made, indent=1) + "\n")
    return path


def table(entries: Sequence[Entry]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: a figure in a row, an engine in a column, then the last over the first."""
    reports = [entry.report for entry in entries]
    columns = [("", "left"), *((entry.name, "right") for entry in entries)]
    compared = len(entries) == 2
    rows = []
    for label, figures, digits in _figures(reports):
        if not any(figure is not None for figure in figures):
            continue
        row = [label, *("" if figure is None else f"{figure:,.{digits}f}" for figure in figures)]
        first, last = figures[0], figures[-1]
        rows.append([*row, f"{last / first:.2f} x" if compared and first and last else ""] if compared else row)
    exact = [f"{found['exactness']['equal']:,} of {found['exactness']['n']:,}" for found in reports]
    rows.append(["equal to LiteRT's reference", *exact, *([""] if compared else [])])
    if len(entries) > 1:
        both = equal_bytes(entries)
        rows.append(
            ["equal to each other", f"{both['equal']:,} of {both['n']:,}", *[""] * (len(columns) - 2 + compared)]
        )
    return [*columns, *([("", "right")] if compared else [])], rows


def _figures(reports: Sequence[dict[str, Any]]) -> list[tuple[str, list[float | None], int]]:
    """Return label, a figure for each report (None: not measured), and digits behind the point."""
    latencies = [found.get("latency", {}) for found in reports]
    instructions = [found.get("median") if found.get("unit") == "instructions" else None for found in latencies]
    milliseconds = [found["median"] / 1000 if found.get("unit") == "us" else None for found in latencies]

    def memory(*names: str) -> list[float | None]:
        return [next((f["memory"][n] for n in names if n in f["memory"]), None) for f in reports]

    return [
        ("instructions an inference", instructions, 0),
        ("time an inference, ms", milliseconds, 3),
        ("RAM, bytes", memory("ram"), 0),
        ("  arena, bytes", memory("arena"), 0),
        ("  arena used, bytes", memory("arena_used", "arena"), 0),
        ("  stack used, bytes", memory("stack_used"), 0),
        ("flash, bytes", memory("flash"), 0),
        ("  code, bytes", memory("code"), 0),
        ("  constants, bytes", memory("constants"), 0),
        ("  weights, bytes", memory("weights", "model_file"), 0),
    ]
