"""The figures of a report that are compared, and whether two reports may be compared at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from measure.report import Report


@dataclass(frozen=True)
class Figure:
    """A figure of a report: its name in --fail-on, its unit in a table, where it is, and whether less is better.

    `scale` turns it into the unit; `is_fraction` figures change by points, others by a part.
    """

    name: str
    unit: str
    of: Callable[[Report], float | None]
    less_is_better: bool = True
    is_fraction: bool = False


def _memory(name: str) -> Callable[[Report], float | None]:
    return lambda report: report.memory.get(name)


FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("latency", "", lambda report: report.latency.median if report.latency else None),
        Figure(
            "accuracy", "", lambda report: report.accuracy.top1 if report.accuracy else None,
            less_is_better=False, is_fraction=True,
        ),
        Figure(
            "auc", "", lambda report: report.auc.auc if report.auc else None,
            less_is_better=False, is_fraction=True,
        ),
        Figure(
            "exactness", "", lambda report: report.exactness.equal / report.exactness.n if report.exactness else None,
            less_is_better=False, is_fraction=True,
        ),
        Figure("ram", "bytes", _memory("ram")),
        Figure("flash", "bytes", _memory("flash")),
        Figure("arena", "bytes", _memory("arena")),
        Figure("stack", "bytes", _memory("stack_used")),
        Figure("model_file", "bytes", _memory("model_file")),
        Figure("peak_rss", "bytes", _memory("peak_rss")),
    )
}  # fmt: skip
"""By name, in the order of a table."""


def why_incomparable(before: Report, after: Report, *, any_model: bool = False) -> str:
    """Return in a line why two reports can't be compared, "" if they can.

    `any_model` lets the networks differ. Two reports differ in kind if numbers of one do not mean what those of the
    other do: another board, clock, counter, network, data set, or an interrupted run.
    """
    for which, report in (("first", before), ("second", after)):
        if report.provenance.interrupted:
            return f"the {which} is of a run that was interrupted; finish it"
        if report.device and report.device.mismatches:
            return f"the {which} was measured on another board than {report.target.name}"
    pairs = [
        ("measured on", before.target.measured_on, after.target.measured_on),
        ("target", before.target.name, after.target.name),
        ("CPU", before.target.cpu, after.target.cpu),
        ("model", _model(before), "" if any_model else _model(after)),
        ("counter", _counter(before), _counter(after)),
        ("clock", _clock(before), _clock(after)),
        ("data", _data(before), _data(after)),
    ]
    for name, one, other in pairs:
        if one and other and one != other:
            advice = "; --any-model compares different networks" if name == "model" else ""
            return f"{name}: {one} in the first, {other} in the second{advice}"
    return ""


def _model(report: Report) -> str:
    return f"{report.model.name} {report.model.sha256[:12]}"


def _counter(report: Report) -> str:
    return f"{report.latency.unit} of {report.latency.counter}" if report.latency else ""


def _clock(report: Report) -> str:
    if report.clock:
        return f"{report.clock.rate_hz:,} Hz"
    return f"governor {report.linux.governor}" if report.linux and report.linux.governor else ""


def _data(report: Report) -> str:
    """Return which pictures the answers are about; their digest says it, where the report has one."""
    section = report.accuracy or report.auc
    if section is None:
        return ""
    return f"{section.n:,} of {section.dataset}, pictures {(report.provenance.pictures or '')[:12]}"
