"""The history of runs: each run adds its report, which no fault of the history costs; listing and merging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import console
from artifact import no_such_file
from errors import ConfigError, Error
from fields.dataclass_json import to_json
from measure import report_file
from measure.report import Report
from pipeline.task_options import HistoryOptions

if TYPE_CHECKING:
    from measure.history.entry import Entry, Kept
    from measure.page.html import Trend
    from measure.page.runs import Run

T = TypeVar("T")
SCHEMA = 1
COLUMNS = (
    ("time (UTC)", "left"), ("model", "left"), ("target", "left"), ("kind", "left"), ("engine", "left"),
    ("latency", "right"), ("accuracy", "right"), ("RAM", "right"), ("flash", "right"), ("", "left"),
)  # fmt: skip
DROPPED = (4, 8, 7, 9, 3)
"""Columns that a narrow terminal leaves out, the first of them first."""


def record(report: Report, unit: str) -> None:
    """Add the report of a run on a unit. What goes wrong is a note: the report itself is written already."""
    try:
        from measure.history import database, entry

        kept, path = entry.of(report, unit), database.default_path()
        _with_new_file(path, lambda: database.add(path, [kept]))
    except (Error, ImportError) as e:
        console.note(f"this run is not in the history: {e}; later ./inv history --merge {report_file.root()} adds it")


def trends(runs: Sequence[Run]) -> Trend | None:
    """Return charts over time of the runs of a page, None with a note if the history can't be read."""
    try:
        from measure.history import database, trend

        return trend.of(database.default_path(), runs)
    except (Error, ImportError) as e:
        console.note(f"the page has no charts over time: {e}")
        return None


def run(chosen: HistoryOptions) -> None:
    """Print the runs that are meant, or take those of another file."""
    if chosen.merge is not None:
        _merge(chosen.merge, chosen)
    else:
        _show(chosen)


def _show(chosen: HistoryOptions) -> None:
    from measure.history import database
    from measure.history.database import DamagedError, Query

    path = database.default_path()
    try:
        model = Path(chosen.model).stem if chosen.model else ""
        entries, count = database.find(path, Query(model, chosen.target, chosen.since, chosen.limit))
    except DamagedError as e:
        raise DamagedError(
            f"{e}; the next run renames it and begins another, and ./inv history --merge {report_file.root()} adds the "
            "reports that are there"
        ) from e
    if chosen.json:
        console.print_json({"schema": SCHEMA, "count": count, "runs": [to_json(one) for one in entries]})
        return
    if not entries:
        is_chosen = chosen.model or chosen.target or chosen.since
        console.say(f"{path}: no {'such run' if is_chosen else 'runs yet'}; ./inv deploy adds one")
        return
    console.table("", COLUMNS, [_row(one) for one in entries], red=("measured on", "the board"), drop=DROPPED)
    shown = f"{len(entries):,} of {count:,} runs; --limit 0 shows all" if count > len(entries) else _runs(count)
    console.plain(shown)


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def _row(one: Entry) -> list[str]:
    latency = accuracy = ""
    if one.latency is not None:
        is_time = one.latency_unit == "us"
        latency = f"{one.latency / 1000:,.3f} ms" if is_time else f"{one.latency:,.0f} {one.latency_unit}"
    if one.accuracy is not None:
        accuracy = f"{100 * one.accuracy:.2f} %"
    elif one.auc is not None:
        accuracy = f"AUC {one.auc:.4f}"
    sizes = ["" if size is None else f"{size:,}" for size in (one.ram, one.flash)]
    time = one.created.removesuffix("Z").replace("T", " ")
    engine = f"{one.engine} {one.engine_version}"
    cells = [time, one.model, one.unit, one.kind, engine, latency, accuracy, *sizes, one.warning or ""]
    return [" ".join(cell.split()) for cell in cells]


def _merge(other: Path, chosen: HistoryOptions) -> None:
    """Add the runs of another history, or reports. Raises ConfigError if there is no such file."""
    from measure.history import database

    if chosen.model or chosen.target or chosen.since:
        raise ConfigError("--merge: takes all runs of a file; leave --model, --target and --since out")
    if not other.exists():
        raise ConfigError(f"--merge {other}: {no_such_file(other)}")
    path = database.default_path()
    _with_new_file(path, lambda: database.add(path, []))
    if other.is_dir() or other.suffix == ".json":
        runs, unreadable = _reports(other)
        added = database.add(path, runs)
        done, why = database.Merged(added, len(runs) - added, len(unreadable)), unreadable
    else:
        done, why = database.merge(path, other), []
    if done.unreadable:
        first = f"; the first: {why[0]}" if why else ""
        console.note(f"left out: {done.unreadable:,} runs of {other}, whose reports can't be read{first}")
    if chosen.json:
        console.print_json({"schema": SCHEMA, "merged": to_json(done)})
    else:
        console.say(f"{path}: {_runs(done.added)} added, {done.known:,} were there")


def _reports(other: Path) -> tuple[list[Kept], list[str]]:
    """Return the complete reports of a folder or file, and for each that can't be read why.

    Raises ConfigError if the file is not a report.
    """
    from measure.history import entry

    paths = sorted(other.rglob(report_file.COMPLETE)) if other.is_dir() else [other]
    runs, unreadable = [], []
    for path in paths:
        try:
            report = report_file.read(path)
        except Error as e:
            if path == other:
                raise
            unreadable.append(str(e))
            continue
        runs.append(entry.of(report, path.resolve().parent.parent.name))
    return runs, unreadable


def _with_new_file(path: Path, action: Callable[[], T]) -> T:
    """Do something with the history at a path; a damaged one is renamed before, once, which a note says."""
    from measure.history import database

    before = database.identity(path)
    try:
        return action()
    except database.DamagedError as e:
        aside = database.set_aside(path, before)
        if aside is not None:
            console.note(f"{e}; it is {aside.name} now, and another history begins")
        return action()
