"""The figures of a model on a unit over its runs, as charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from measure.history import database
from measure.history.entry import Entry
from measure.page import charts
from measure.page.html import Trend
from measure.page.runs import Run

SHOWN = 100
"""The newest runs of a chart."""


def of(path: Path, runs: Sequence[Run]) -> Trend:
    """Return charts of the runs in a history that mean the same as those of a page. Raises HistoryError."""
    return {run.anchor: _charts(run, database.of_unit(path, run.unit, run.report.model.name, SHOWN)) for run in runs}


def _charts(run: Run, entries: Sequence[Entry]) -> list[tuple[str, Markup]]:
    """Return the latency over time, and accuracy, RAM and flash where they have changed."""
    report, accuracy = run.report, run.report.accuracy
    same = [
        one
        for one in entries
        if (one.target, one.kind, one.cpu) == (report.target.name, report.target.measured_on, report.target.cpu)
        and one.engine == report.engine.name
        and one.warning is None
    ]
    unit = report.latency.unit if report.latency else None
    latency = [(one.created, one.latency) for one in same if one.latency is not None and one.latency_unit == unit]
    found = []
    if len(latency) > 1:
        found.append((f"median latency, {len(latency)} runs", charts.line(latency, lambda x: _amount(x, unit or ""))))
    data = (accuracy.dataset, accuracy.n) if accuracy else None
    top1 = [
        (one.created, one.accuracy) for one in same if one.accuracy is not None and (one.dataset, one.pictures) == data
    ]
    if data and _has_changed(top1):
        found.append((f"top-1 over {data[1]:,} pictures of {data[0]}", charts.line(top1, lambda x: f"{100 * x:.2f} %")))
    for name in ("RAM", "flash"):
        sizes = [(one.created, float(size)) for one in same if (size := getattr(one, name.lower())) is not None]
        if _has_changed(sizes):
            found.append((f"{name}, bytes", charts.line(sizes, lambda x: f"{x:,.0f}")))
    return found


def _has_changed(values: Sequence[tuple[str, float]]) -> bool:
    return len({value for _, value in values}) > 1


def _amount(value: float, unit: str) -> str:
    return f"{value / 1000:,.3f} ms" if unit == "us" else f"{value:,.0f} {unit}"
