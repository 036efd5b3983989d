"""What `inv calibrate` prints of int8 beside float: top-1 of both, what each step gained, and what costs most."""

from __future__ import annotations

import math

import console
from calibration.comparison import Comparison, Improvement
from calibration.convert import Int8Facts

Z = 1.96
"""Standard deviations of a 95 % interval."""
SHOWN_TENSORS = 3
NONE = "-"


def show(facts: Int8Facts) -> None:
    """Print the tables of an int8 network that was compared with its float form."""
    if facts.check is None:
        return
    improvement = facts.improvement
    console.table("", *_forms(facts.check, improvement))
    if improvement is None:
        return
    if improvement.refusal:
        console.note(f"plain conversion used: {improvement.refusal}")
    if improvement.steps:
        console.table(f"on {improvement.pictures:,} held-out training pictures", *_steps(improvement))
        console.table("tensors that cost most alone", *_tensors(improvement))


def interval(fraction: float, count: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a fraction of `count` (Wilson's)."""
    center = (fraction + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * math.sqrt(fraction * (1 - fraction) / count + Z * Z / (4 * count * count))
    return max(0.0, center - half), min(1.0, center + half)


def _forms(check: Comparison, improvement: Improvement | None) -> tuple[list[tuple[str, str]], list[list[str]]]:
    columns = [(f"{check.n:,} test pictures", "left"), ("top-1, %", "right"), ("95 % interval", "right")]
    columns += [("as float, %", "right"), ("KL, 1e-3 nats", "right")]
    rows = [["float", *_top1(check.float_top1, check.n), NONE, NONE]]
    plain = improvement.plain if improvement is not None and improvement.plain is not None else check
    forms = [("int8, plain", plain)]
    if improvement is not None and not improvement.refusal:
        forms.append(("int8, improved", check))
    for name, one in forms:
        rows.append([name, *_top1(one.int8_top1, one.n), f"{100 * one.agreement:.2f}", _thousandths(one.divergence)])
    return columns, rows


def _top1(fraction: float | None, count: int) -> list[str]:
    if fraction is None:
        return [NONE, NONE]
    low, high = interval(fraction, count)
    return [f"{100 * fraction:.2f}", f"{100 * low:.1f} to {100 * high:.1f}"]


def _thousandths(value: float | None) -> str:
    return NONE if value is None else f"{1000 * value:.3f}"


def _steps(improvement: Improvement) -> tuple[list[tuple[str, str]], list[list[str]]]:
    columns = [("step", "left"), ("distance, 1e-3", "right"), ("as float, %", "right"), ("", "left")]
    rows = [
        [
            step.name, _thousandths(step.distance), NONE if step.agreement is None else f"{100 * step.agreement:.2f}",
            "" if step.is_kept else "not used: no gain",
        ]
        for step in improvement.steps
    ]  # fmt: skip
    return columns, rows


def _tensors(improvement: Improvement) -> tuple[list[tuple[str, str]], list[list[str]]]:
    columns = [("tensor", "left"), ("distance, 1e-3", "right")]
    return columns, [[one.name, _thousandths(one.cost)] for one in improvement.tensors[:SHOWN_TENSORS]]
