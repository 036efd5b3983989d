"""What the history keeps of a run: a row of figures, beside the whole report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from errors import Error
from fields import Source, load_json
from fields.dataclass_json import from_json, to_json
from measure.report import Report, check_schema

OTHER_BOARD = "measured on another board"
LARGEST = (1 << 63) - 1


class HistoryError(Error):
    """The history can't be read or written; no run depends on it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A run. `digest` is the sha256 of its unit and report, the same on every machine; `created` is ISO 8601 in UTC.

    `unit` is the folder of its target, which is the name of --unit where one was given. `latency` is the median in
    `latency_unit`; `accuracy` is top-1 as a fraction of `pictures` of `dataset`; RAM and flash are in bytes, those of
    the process and the model's file on a Linux board. `warning` says why the figures are not the target's.
    """

    digest: str
    created: str
    unit: str
    model: str
    model_sha256: str
    target: str
    kind: str
    cpu: str
    engine: str
    engine_version: str
    kernels: str
    tools: Mapping[str, str] = field(default_factory=dict)
    firmware: str | None = None
    latency: float | None = None
    latency_unit: str | None = None
    accuracy: float | None = None
    auc: float | None = None
    pictures: int | None = None
    dataset: str | None = None
    ram: int | None = None
    flash: int | None = None
    warning: str | None = None


@dataclass(frozen=True)
class Kept:
    """An entry and the text of its report."""

    entry: Entry
    report: str


def of(report: Report, unit: str) -> Kept:
    """Return what is kept of a report on a unit."""
    form = to_json(report := _as_read(report))
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), allow_nan=False)
    digest = hashlib.sha256(json.dumps([unit, form], sort_keys=True).encode()).hexdigest()
    latency, accuracy, auc, memory = report.latency, report.accuracy, report.auc, report.memory
    entry = Entry(
        digest=digest,
        created=report.provenance.created,
        unit=unit,
        model=report.model.name,
        model_sha256=report.model.sha256,
        target=report.target.name,
        kind=report.target.measured_on,
        cpu=report.target.cpu,
        engine=report.engine.name,
        engine_version=report.engine.version,
        kernels=report.engine.kernels,
        tools=report.provenance.tools,
        firmware=report.provenance.firmware,
        latency=latency.median if latency else None,
        latency_unit=latency.unit if latency else None,
        accuracy=accuracy.top1 if accuracy else None,
        auc=auc.auc if auc else None,
        pictures=accuracy.n if accuracy else auc.n if auc else None,
        dataset=accuracy.dataset if accuracy else auc.dataset if auc else None,
        ram=memory.get("ram", memory.get("peak_rss")),
        flash=memory.get("flash", memory.get("model_file")),
        warning=_warning(report),
    )
    return Kept(entry, text)


def read(text: str, unit: str, source: Source) -> Kept:
    """Return what is kept of the text of a report. Raises the source's error if it is not a report of this schema."""
    values = load_json(text, source).values
    check_schema(values, source)
    kept = of(from_json(Report, values, source), unit)
    for name in ("ram", "flash", "pictures"):
        if (getattr(kept.entry, name) or 0) > LARGEST:  # SQLite has no larger integers
            raise source.wrong_value(name, f"at most {LARGEST}", getattr(kept.entry, name))
    return kept


def of_columns(columns: Mapping[str, object], source: Source) -> Entry:
    """Return the entry of a row of the database. Raises the source's error if it is not one."""
    values = {name: value for name, value in columns.items() if value is not None}
    values["tools"] = load_json(str(values.get("tools", "{}")), source).values
    return from_json(Entry, values, source)


def columns_of(entry: Entry) -> dict[str, str | int | float | None]:
    """Return the row of an entry, as SQLite takes it."""
    row: dict[str, str | int | float | None] = {}
    for name in Entry.__dataclass_fields__:
        value = getattr(entry, name)
        if name == "tools":
            value = json.dumps(dict(value), sort_keys=True)
        # Half a surrogate pair can't be UTF-8.
        row[name] = value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
    return row


def _as_read(report: Report) -> Report:
    """Return a report as it is read from its file, where 1000 may have become 1000.0: its digest must be the same."""
    return from_json(Report, json.loads(json.dumps(to_json(report))), Source("report", HistoryError))


def _warning(report: Report) -> str | None:
    if report.device and report.device.mismatches:
        return OTHER_BOARD
    if report.linux and report.linux.slowed_down:
        return "the board was slowed down"
    return None
