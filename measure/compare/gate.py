"""The gate: limits such as `latency>3%,accuracy>0.5pt,ram>0` that fail a comparison. What is missing fails too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from errors import ConfigError, nearest
from measure.compare.comparison import Change, Compared
from measure.compare.figures import FIGURES

_LIMIT = re.compile(r"([a-z_]+)>([0-9]{1,12}(?:\.[0-9]{1,6})?)(%|pt|)", re.ASCII)
EXPECTED = "limits such as latency>3%,accuracy>0.5pt,ram>0"


@dataclass(frozen=True)
class Limit:
    """By how much a figure may be worse: `amount` in percent (`%`), points (`pt`) or the figure's own unit (``)."""

    figure: str
    amount: float
    unit: str

    @property
    def text(self) -> str:
        """The limit as it is typed."""
        return f"{self.figure}>{self.amount:g}{self.unit}"


@dataclass(frozen=True)
class Outcome:
    """A limit applied to a comparison; `failure` says why it fails, "" if it does not."""

    compared: Compared
    limit: Limit
    failure: str


def read_limits(text: str) -> tuple[Limit, ...]:
    """Return the limits of a text. Raises ValueError with what was expected."""
    limits = []
    for part in text.split(","):
        match = _LIMIT.fullmatch(part.strip())
        if not match:
            raise ValueError(EXPECTED)
        name, amount, unit = match.groups()
        if name not in FIGURES:
            raise ValueError(f"{EXPECTED}; {name} is not a figure, {nearest(name, FIGURES)}")
        is_fraction = FIGURES[name].is_fraction
        if unit == ("%" if is_fraction else "pt"):
            raise ValueError(f"{EXPECTED}; {name} changes by {'points, pt' if is_fraction else 'percent, %'}")
        limits.append(Limit(name, float(amount), unit or ("pt" if is_fraction else "")))
    return tuple(limits)


def apply(limits: Sequence[Limit], compared: Sequence[Compared]) -> list[Outcome]:
    """Return what each limit says of each comparison.

    Raises ConfigError for a figure that no comparison has, and for times that were not measured in turn: they can't
    tell a slower program from a busier machine.
    """
    for limit in limits:
        changes = [change for one in compared if (change := one.of(limit.figure))]
        if not changes:
            raise ConfigError(f"--fail-on {limit.text}: no run has {limit.figure}; measure it, or leave it out")
        if any(change.verdict == "unknown" for change in changes):
            raise ConfigError(
                f"--fail-on {limit.text}: two separate runs can't tell a change from noise; compare two models, which "
                "are then measured in turn, or take a target that counts"
            )
    return [Outcome(one, limit, _failure(limit, one.of(limit.figure))) for one in compared for limit in limits]


def _failure(limit: Limit, change: Change | None) -> str:
    if change is None:
        return ""  # another target or model of the same comparison has it
    if change.verdict == "only before":
        return f"{limit.figure} is missing in the second run"
    if change.verdict != "worse" or change.before is None or change.after is None:
        return ""
    worse = abs(change.after - change.before)
    if limit.unit == "pt":
        amount = 100 * worse
    elif limit.unit == "%":
        amount = 100 * abs(change.change) if change.change is not None else float("inf")
    else:
        amount = worse
    if round(amount, 9) <= limit.amount:
        return ""
    return f"{limit.figure} is worse by {amount:,.4g}{limit.unit or ' ' + change.unit}, the limit is {limit.text}"
