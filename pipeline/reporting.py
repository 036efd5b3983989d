"""Reports on the terminal: that of a measurement that has just ended, and the last one of a model on a target."""

from __future__ import annotations

from pathlib import Path

import console
import target as targets
from artifact import write_atomic
from errors import ConfigError
from measure import layout, report_file
from measure.report import Report
from pipeline import history, preflight
from pipeline.request import AUTO
from pipeline.task_options import ReportOptions


def show(measured: Report, path: Path, as_json: bool) -> None:
    """Print a report, which is at `path`: as tables, or its JSON."""
    if as_json:
        print(report_file.dumps(measured), end="")
    else:
        console.report(layout.rows(measured), path)


def run(chosen: ReportOptions) -> None:
    """Write the files that are named, or print the last report of a model on a target."""
    if chosen.html or chosen.markdown or chosen.csv:
        write_pages(chosen)
        return
    if chosen.runs:
        raise ConfigError("--runs: belongs to --html, --markdown or --csv, which name the file to write")
    show_last(chosen)


def write_pages(chosen: ReportOptions) -> None:
    """Write runs as a page, as Markdown and as CSV, and print each path. Raises ConfigError if there are none."""
    from measure.page import html, runs, table

    if chosen.json:
        raise ConfigError("--json: prints one report; leave it out with --html, --markdown and --csv, which name files")
    words = list(chosen.runs)
    if not words:
        is_one = {"model", "target", "engine"} & chosen.typed.keys()
        words = [str(_last_path(chosen))] if is_one else [str(report_file.root())]
        if is_one:
            report_file.read(Path(words[0]))
    for flag, path in (("--html", chosen.html), ("--markdown", chosen.markdown), ("--csv", chosen.csv)):
        if path:
            preflight.check_output(flag, path)
    found, problems = runs.read(words)
    for problem in problems:
        console.note(f"left out: {problem}")
    if chosen.html:
        write_atomic(chosen.html, html.render(found, problems, history.trends(found)))
    if chosen.markdown:
        write_atomic(chosen.markdown, table.as_markdown(found))
    if chosen.csv:
        write_atomic(chosen.csv, table.as_csv(found))
    for path in filter(None, (chosen.html, chosen.markdown, chosen.csv)):
        console.say(str(path))


def show_last(chosen: ReportOptions) -> None:
    """Print the last report of a model on a target. Raises ConfigError if there is none."""
    path = _last_path(chosen)
    last = report_file.read(path)
    if path.name == report_file.COMPLETE and path.with_name(report_file.PARTIAL).exists():
        console.note(f"a later run was interrupted: {path.with_name(report_file.PARTIAL)}; run it again to go on")
    show(last, path, chosen.json)


def _last_path(chosen: ReportOptions) -> Path:
    """Return the path of the report of a model on a target with an engine; with `auto` that of the newest."""
    name, model = chosen.target, Path(chosen.model).stem
    usual = targets.load(name).engine if name in targets.names() else ""
    engines = targets.ENGINES if chosen.engine == AUTO else (chosen.engine or usual,)
    suffixes = ["" if engine in ("", usual) else f"-{engine}" for engine in engines]
    paths = [report_file.last_path(report_file.folder(name, model + suffix)) for suffix in suffixes]
    there = sorted((path for path in paths if path.is_file()), key=lambda path: path.stat().st_mtime)
    if there or chosen.engine != AUTO:
        return (there or paths)[-1]
    return report_file.folder(name, model) / report_file.COMPLETE
