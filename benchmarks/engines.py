"""Engines side by side: the same network and pictures, on one target with each engine that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from artifact import write_atomic
from calibration.evaluate import Values
from errors import Error, Stopped
from fields.dataclass_json import to_json
from graph.reader import read
from measure import bench, modeled, report_file
from measure.modeled import CoreCycles
from measure.report import Report
from measure.setup import Setup, prepare_pictures

HOST_PAIR = (("host-fw", "aot"), ("host-tflm", "tflm"))
FILENAME = "engines.json"
SCHEMA = 3


@dataclass(frozen=True, eq=False)
class Entry:
    """One engine's report, its outputs for the pictures, (n, classes), and its modeled cycles on each core if any."""

    report: Report
    outputs: Values
    modeled: tuple[CoreCycles, ...] = ()

    @property
    def name(self) -> str:
        """The heading of its column."""
        return f"{self.report.engine.name}, {self.report.engine.kernels}"


@dataclass(frozen=True)
class EqualBytes:
    """For how many of `n` pictures all engines answered the same bytes."""

    n: int
    equal: int


@dataclass(frozen=True)
class Comparison:
    """What engines.json holds: the report of each engine, how many outputs are equal, and each one's modeled cycles."""

    schema: int
    equal_bytes: EqualBytes
    engines: tuple[Report, ...]
    modeled: tuple[tuple[CoreCycles, ...], ...]


def pairs(target: str, with_tflm: bool) -> list[tuple[str, str]]:
    """Return (target, engine) of each column: on this host the firmware and TFLite-Micro's interpreter."""
    if target in ("host", *(name for name, _ in HOST_PAIR)):
        return list(HOST_PAIR)
    return [(target, "aot"), *([(target, "tflm")] if with_tflm else [])]


def measure(setups: Sequence[Callable[[], Setup]], command: str) -> list[Entry]:
    """Measure one after the other and return the report and outputs of each; a setup is built when it is its turn.

    Raises Error if one is interrupted: the comparison needs all.
    """
    entries = []
    for build_setup in setups:
        setup = build_setup()
        result = bench.measure(setup, ("latency", "accuracy"), command)
        outputs = result.measurement.outputs
        assert outputs is not None
        if outputs.interrupted:
            kind = Stopped if outputs.is_stopped else Error
            raise kind(f"{setup.target.name}: measured {outputs.interrupted}; run the same command again to go on")
        result.measurement.forget()
        entries.append(Entry(result.report, outputs.raw, _modeled(setup)))
    return entries


def _modeled(setup: Setup) -> tuple[CoreCycles, ...]:
    if not modeled.cores_of(setup.target):
        return ()
    first = prepare_pictures(replace(setup, settings=replace(setup.settings, images=1))).first
    return modeled.by_layer(setup.compiled, setup.target, first, read(setup.int8.path))


def equal_bytes(entries: Sequence[Entry]) -> EqualBytes:
    """Return for how many of the pictures all engines answered the same bytes."""
    first = entries[0].outputs
    same = np.ones(len(first), bool)
    for entry in entries[1:]:
        same &= (entry.outputs == first).all(axis=1)
    return EqualBytes(len(first), int(same.sum()))


def write(entries: Sequence[Entry], folder: Path) -> Path:
    """Write all reports and how many outputs are equal into `folder`/engines.json, and return its path."""
    for entry in entries:
        report_file.check(entry.report)
    comparison = Comparison(
        SCHEMA,
        equal_bytes(entries),
        tuple(entry.report for entry in entries),
        tuple(entry.modeled for entry in entries),
    )
    path = folder / FILENAME
    write_atomic(path, json.dumps(to_json(comparison), indent=1, allow_nan=False) + "\n")
    return path


def table(entries: Sequence[Entry]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: a figure in a row, an engine in a column, then the last over the first."""
    reports = [entry.report for entry in entries]
    columns = [("", "left"), *((entry.name, "right") for entry in entries)]
    is_compared = len(entries) == 2
    rows = []
    for label, figures, digits in [*_figures(reports), *_cycles(entries)]:
        if all(figure is None for figure in figures):
            continue
        row = [label, *("" if figure is None else f"{figure:,.{digits}f}" for figure in figures)]
        first, last = figures[0], figures[-1]
        rows.append([*row, f"{last / first:.2f} x" if is_compared and first and last else ""] if is_compared else row)
    exact = [f"{one.exactness.equal:,} of {one.exactness.n:,}" if one.exactness else "" for one in reports]
    rows.append(["equal to LiteRT's reference", *exact, *([""] if is_compared else [])])
    if len(entries) > 1:
        both = equal_bytes(entries)
        rows.append(["equal to each other", f"{both.equal:,} of {both.n:,}", *[""] * (len(columns) - 2 + is_compared)])
    return [*columns, *([("", "right")] if is_compared else [])], rows


def _cycles(entries: Sequence[Entry]) -> list[tuple[str, list[float | None], int]]:
    """Return the modeled cycles on each core."""
    cores = [one.core for one in entries[0].modeled]
    return [
        (f"modeled cycles, {core}", [_at(entry.modeled, place) for entry in entries], 0)
        for place, core in enumerate(cores)
    ]


def _at(sections: Sequence[CoreCycles], place: int) -> float | None:
    return sections[place].cycles if place < len(sections) else None


def layers(entries: Sequence[Entry]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows of modeled cycles: an operator in a row, then kernels, an engine in a column.

    There are none where an engine has no model.
    """
    if not all(entry.modeled for entry in entries):
        return [], []
    columns = [("layer or kernel", "left"), ("MACs", "right"), *((entry.name, "right") for entry in entries)]
    cores = [entry.modeled[0] for entry in entries]
    rows = []
    for one in cores[-1].layers:
        found = [next((layer for layer in core.layers if layer.operator == one.operator), None) for core in cores]
        label = f"{one.operator} {one.name}, {'x'.join(map(str, one.shape))}"
        rows.append([label, f"{one.macs:,}", *("" if layer is None else f"{layer.cycles:,}" for layer in found)])
    for place, core in enumerate(cores):
        for kernel in core.kernels:
            if kernel.cycles >= core.cycles / 100:
                rows.append([kernel.name, "", *(f"{kernel.cycles:,}" if i == place else "" for i in range(len(cores)))])
    return columns, rows


def _figures(reports: Sequence[Report]) -> list[tuple[str, list[float | None], int]]:
    """Return label, a figure for each report (None: not measured), and digits behind the point."""

    def median(unit: str, scale: float) -> list[float | None]:
        latencies = [one.latency for one in reports]
        return [latency.median / scale if latency and latency.unit == unit else None for latency in latencies]

    def memory(*names: str) -> list[float | None]:
        return [next((one.memory[name] for name in names if name in one.memory), None) for one in reports]

    return [
        ("instructions an inference", median("instructions", 1), 0),
        ("time an inference, ms", median("us", 1000), 3),
        ("RAM, bytes", memory("ram"), 0),
        ("  arena, bytes", memory("arena"), 0),
        ("  arena used, bytes", memory("arena_used", "arena"), 0),
        ("  stack used, bytes", memory("stack_used"), 0),
        ("flash, bytes", memory("flash"), 0),
        ("  code, bytes", memory("code"), 0),
        ("  constants, bytes", memory("constants"), 0),
        ("  weights, bytes", memory("weights", "model_file"), 0),
    ]
