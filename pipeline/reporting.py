"""Reports on the terminal: that of a measurement that has just ended, and the last one of a model on a target."""

from __future__ import annotations

from pathlib import Path

import console
import target as targets
from measure import layout, report_file
from measure.report import Report
from pipeline.task_options import ReportOptions


def show(measured: Report, path: Path, as_json: bool) -> None:
    """Print a report, which is at `path`: as tables, or its JSON."""
    if as_json:
        print(report_file.dumps(measured), end="")
    else:
        console.report(layout.rows(measured), path)


def show_last(chosen: ReportOptions) -> None:
    """Print the last report of a model on a target. Raises ConfigError if there is none."""
    name, engine = chosen.target, chosen.engine
    is_usual = engine is None or (name in targets.names() and targets.load(name).engine == engine)
    path = report_file.last_path(report_file.folder(name, Path(chosen.model).stem + ("" if is_usual else f"-{engine}")))
    last = report_file.read(path)
    if path.name == report_file.COMPLETE and path.with_name(report_file.PARTIAL).exists():
        console.note(f"a later run was interrupted: {path.with_name(report_file.PARTIAL)}; run it again to go on")
    show(last, path, chosen.json)
