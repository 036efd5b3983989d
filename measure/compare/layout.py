"""A comparison as a table and lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from measure.compare.comparison import Change, Compared, Verdict
from measure.compare.figures import FIGURES

COLUMNS = [
    ("", "left"), ("before", "right"), ("after", "right"), ("change", "right"), ("", "left"),
]  # fmt: skip
BAD = ("worse", "only before")
"""Verdicts that a table shows in red."""
SUMMARY: tuple[Verdict, ...] = ("better", "worse", "same", "noise", "unknown", "only before", "only after")
_WORDS = {
    "unknown": "unknown: two separate runs",
    "noise": "no more than noise",
}


def rows(compared: Compared) -> list[list[str]]:
    """Return the rows of a table: figure, both values, the change and what it means."""
    return [
        [_label(change), amount(change, change.before), amount(change, change.after), percent(change), verdict(change)]
        for change in compared.changes
    ]


def heading(compared: Compared) -> str:
    """Return what was compared, in a line."""
    return f"{compared.model} on {compared.target} ({compared.measured_on}): {compared.before}, then {compared.after}"


def notes(compared: Compared) -> str:
    """Return how times were compared, and their outliers; "" where all is counted."""
    change = compared.of("latency")
    if change is None or change.difference is None or compared.samples is None:
        return ""
    found, samples = change.difference, compared.samples
    counts = [
        f"{side.count} of {found.pairs} {name} ({side.high_severe + side.low_severe} severe)"
        for name, side in (("before", samples.outliers_before), ("after", samples.outliers_after))
    ]
    return (
        f"latency: {100 * found.low:+.2f} to {100 * found.high:+.2f} % with 99 % confidence, p {found.p:.2g} "
        f"(signed ranks of {found.pairs} pairs measured in turn); outliers: {', '.join(counts)}"
    )


def change_text(change: Change) -> str:
    """Return a change in a line."""
    parts = [amount(change, change.before), amount(change, change.after), percent(change), verdict(change)]
    return f"{_label(change)}: {parts[0]}, then {parts[1]}, {parts[2]}, {parts[3]}"


def amount(change: Change, value: float | None) -> str:
    """Return a value of a figure in its unit; "-" for none."""
    if value is None:
        return "-"
    if FIGURES[change.figure].is_fraction:
        return f"{value:.4f}" if change.figure == "auc" else f"{100 * value:.2f} %"
    if change.unit == "us":
        return f"{value / 1000:,.3f} ms"
    return f"{value:,.0f}"


def percent(change: Change) -> str:
    """Return by how much a figure changed; "-" where that is not known."""
    if change.change is None:
        return "-"
    if change.verdict == "same":
        return "0"
    if change.figure == "auc":
        return f"{change.change:+.4f}"
    return f"{100 * change.change:+.2f} {'pt' if FIGURES[change.figure].is_fraction else '%'}"


def verdict(change: Change) -> str:
    """Return what a change means, in words."""
    return _WORDS.get(change.verdict, change.verdict)


def summary(compared: Sequence[Compared]) -> str:
    """Return how many figures are better and worse, in a line."""
    counts = Counter(change.verdict for one in compared for change in one.changes)
    return ", ".join(f"{counts[name]} {name}" for name in SUMMARY if counts[name])


def _label(change: Change) -> str:
    is_count = change.figure == "latency" and change.unit != "us"
    return change.unit if is_count else change.figure.replace("_", " ")
