"""Two runs side by side: each figure, its change, and what that means. As JSON: schemas/compare.schema.json."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Literal

from errors import ConfigError
from measure.compare import statistics as tests
from measure.compare.figures import FIGURES, Figure, why_incomparable
from measure.compare.statistics import Difference, Outliers
from measure.report import Report

SCHEMA = 1
Verdict = Literal["better", "worse", "same", "noise", "unknown", "only before", "only after"]
"""`noise` is a difference that chance explains; `unknown` one of times that were not measured in turn."""


@dataclass(frozen=True)
class Samples:
    """Times of two programs that were measured in turn, in pairs, with outliers counted."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    outliers_before: Outliers
    outliers_after: Outliers

    @classmethod
    def of(cls, before: tuple[float, ...], after: tuple[float, ...]) -> Samples:
        """Return the samples with their outliers."""
        return cls(before, after, tests.outliers(before), tests.outliers(after))


@dataclass(frozen=True)
class Change:
    """One figure of two runs. `change` is a part (0.05 is 5 % more), of a fraction the difference in points / 100.

    It is None where a side has no such figure, or the first is 0. `is_exact` figures are counted: any change is real.
    `difference` is that of times.
    """

    figure: str
    unit: str
    before: float | None
    after: float | None
    change: float | None
    verdict: Verdict
    is_exact: bool
    difference: Difference | None = None


@dataclass(frozen=True)
class Compared:
    """Two comparable runs of a model on a target, or of two models. `samples` are of times that were taken in turn."""

    target: str
    model: str
    measured_on: str
    before: str
    after: str
    changes: tuple[Change, ...]
    samples: Samples | None = None

    def of(self, figure: str) -> Change | None:
        """Return the change of a figure, None if neither run has it."""
        return next((change for change in self.changes if change.figure == figure), None)


def compare(
    before: Report, after: Report, names: tuple[str, str], *, any_model: bool = False, samples: Samples | None = None
) -> Compared:
    """Return what changed between two runs, which have the `names`.

    Raises ConfigError if they can't be compared, or have no figure in common.
    """
    if reason := why_incomparable(before, after, any_model=any_model):
        raise ConfigError(f"{names[0]} and {names[1]} can't be compared: {reason}")
    changes = [_change(figure, before, after, samples) for figure in FIGURES.values()]
    present = tuple(change for change in changes if change is not None)
    if not any(change.before is not None and change.after is not None for change in present):
        raise ConfigError(f"{names[0]} and {names[1]} can't be compared: they have no figure in common")
    models = dict.fromkeys((before.model.name, after.model.name))
    return Compared(
        before.target.name, ", then ".join(models), before.target.measured_on, names[0], names[1], present, samples
    )


def _change(figure: Figure, before: Report, after: Report, samples: Samples | None) -> Change | None:
    one, other = figure.of(before), figure.of(after)
    if one is None and other is None:
        return None
    latency = (before.latency or after.latency) if figure.name == "latency" else None
    unit = latency.unit if latency else figure.unit
    is_exact = unit != "us" and figure.name not in ("peak_rss", "stack")
    if one is None or other is None:
        only: Verdict = "only before" if other is None else "only after"
        return Change(figure.name, unit, one, other, None, only, is_exact)
    if figure.is_fraction:
        change: float | None = other - one
    else:
        change = (other - one) / one if one else None
    difference = tests.difference(samples.before, samples.after) if unit == "us" and samples else None
    if difference and samples:
        one, other, change = statistics.median(samples.before), statistics.median(samples.after), difference.ratio
    verdict = _verdict(figure, one, other, unit, difference)
    return Change(figure.name, unit, one, other, change, verdict, is_exact, difference)


def _verdict(figure: Figure, one: float, other: float, unit: str, difference: Difference | None) -> Verdict:
    if unit == "us" and difference is None:
        return "unknown"
    if difference is not None:
        if not difference.is_real:
            return "noise"
        return "worse" if difference.ratio > 0 else "better"
    if one == other:
        return "same"
    if figure.name == "peak_rss":
        return "unknown"  # one run of each, on an operating system
    return "better" if (other < one) == figure.less_is_better else "worse"
