"""Files of reports: report.json, its Markdown beside it, and where they are."""

from __future__ import annotations

import json
from pathlib import Path

from artifact import REPORTS_DIR, SCHEMAS_DIR, write_atomic
from errors import ConfigError, Error, nearest
from fields import Source, load_json, shown, shown_key
from fields.dataclass_json import from_json, to_json
from measure.layout import markdown
from measure.report import Report, check_schema

COMPLETE, PARTIAL = "report.json", "report.partial.json"
SCHEMA_PATH = SCHEMAS_DIR / "report.schema.json"
SOURCE = Source("report.json", Error)


def folder(target: str, model: str) -> Path:
    """Return where the report of a model on a target is.

    Raises ConfigError if one of the names leads out of the folder of reports.
    """
    for name in (target, model):
        if not name.isprintable() or name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ConfigError(f"{shown(name)}: expected the name of a folder, such as rpi4, without / and not ..")
    return REPORTS_DIR / target / model


def root() -> Path:
    """Return the folder of all reports."""
    return REPORTS_DIR


def check(report: Report, source: Source = SOURCE) -> None:
    """Raise the source's error naming the first key whose value can't be right."""
    import jsonschema

    form = to_json(report)
    from_json(Report, form, source)
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))
    for problem in validator.iter_errors(form):
        reason = "an emulator has no such figure" if problem.validator == "not" else problem.message
        raise source.wrong(f"key {'.'.join(shown_key(str(key)) for key in problem.path) or '(top)'}: {reason}")
    exact = report.exactness
    if exact and exact.equal > exact.n:  # a schema can't say this
        raise source.wrong(f"key exactness.equal: {exact.equal} of {exact.n} is too many")


def dumps(report: Report) -> str:
    """Return the text of report.json."""
    return json.dumps(to_json(report), indent=1, allow_nan=False) + "\n"


def loads(text: bytes | str, source: Source) -> Report:
    """Return the report in a JSON text, checked. Raises the source's error if it is not a report of schema 2."""
    values = load_json(text, source).values
    check_schema(values, source)
    report = from_json(Report, values, source)
    check(report, source)
    return report


def write(report: Report, home: Path) -> Path:
    """Check the report and write it, as JSON and as Markdown. Returns the path of the JSON.

    That of an interrupted run is report.partial.json, beside the last complete one; a complete one removes it.
    """
    check(report)
    path, partial = home / COMPLETE, home / PARTIAL
    if report.provenance.interrupted:
        path = partial
    write_atomic(path.with_suffix(".md"), markdown(report))
    write_atomic(path, dumps(report))
    if path != partial:
        for old in (partial, partial.with_suffix(".md")):
            old.unlink(missing_ok=True)
    return path


def last_path(home: Path) -> Path:
    """Return the path of the complete report in a folder, or of the partial one where there is no other."""
    path, partial = home / COMPLETE, home / PARTIAL
    return partial if partial.is_file() and not path.is_file() else path


def read(path: Path) -> Report:
    """Return a report from disk, checked. Raises ConfigError if it is missing or not a report."""
    if not path.is_file():
        raise ConfigError(f"{path}: no report yet{_others(path)}; `inv deploy` writes it")
    return loads(path.read_bytes(), Source(str(path), next_step="expected a report.json of `inv deploy`"))


def _others(path: Path) -> str:
    """Return the names of the reports that are there, of `<target>/<model>/report.json`."""
    root = path.parents[2]
    there = [f"{other.parent.parent.name}/{other.parent.name}" for other in root.glob("*/*/report.json")]
    return f"; {nearest(f'{path.parent.parent.name}/{path.parent.name}', there)}" if there else ""
