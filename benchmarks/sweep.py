"""Which network for a board: candidates by family, α and ρ, why each is refused, the front, and the best of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

SCHEMA = 1
ABOUT = "~"
"""What marks an estimate."""
PLOT_COLUMNS, PLOT_LINES = 60, 14


@dataclass(frozen=True)
class Measured:
    """A finalist on the device: `cost` in the unit of the sweep, RAM and flash in bytes as the linker placed them."""

    target: str
    cost: float
    ram_bytes: int | None
    flash_bytes: int | None


@dataclass(frozen=True)
class Candidate:
    """One network on a board. RAM and flash in bytes: the plan's own are exact, the firmware's share is an estimate.

    `cost` is predicted, in the unit of the sweep, and `latency_ms` the same as time where that was measured;
    `modeled_ms` are an emulator's cycles at the board's clock. `accuracy` is the float top-1 of a checkpoint, as a
    fraction. `refused` says why it can't be taken, "" if it can. RAM and flash are `estimated` where an SDK links.
    """

    preset: str
    family: str
    alpha: float
    rho: int
    parameters: int
    macs: int
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    arena_bytes: int | None = None
    weights_bytes: int | None = None
    cost: float | None = None
    latency_ms: float | None = None
    accuracy: float | None = None
    refused: str = ""
    on_front: bool = False
    measured: Measured | None = None
    modeled_ms: float | None = None
    estimated: bool = False

    @property
    def score(self) -> tuple[float, float]:
        """What is better the larger it is: the accuracy where it is known, else the work that a network does."""
        return (self.accuracy or 0.0, float(self.macs))


@dataclass(frozen=True)
class Limits:
    """What a network may take and must reach: bytes, milliseconds, counts, a fraction; None is free."""

    ram_bytes: int | None = None
    flash_bytes: int | None = None
    latency_ms: float | None = None
    count: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Sweep:
    """What a sweep found; `unit` is that of costs, counted on `counted_on`. `best` is a preset, "" if all are refused.

    `why` says by what it is the best.
    """

    schema: int
    target: str
    counted_on: str
    unit: str
    optimize: str
    streamed_input: bool
    limits: Limits
    best: str
    why: str
    candidates: tuple[Candidate, ...]


def judged(candidate: Candidate, limits: Limits, unit: str) -> Candidate:
    """Return a candidate with the reasons why the limits refuse it."""
    reasons = [
        _over("RAM", candidate.ram_bytes, limits.ram_bytes, "bytes", candidate.estimated),
        _over("flash", candidate.flash_bytes, limits.flash_bytes, "bytes", candidate.estimated),
        _over("latency", candidate.latency_ms, limits.latency_ms, "ms"),
        _over("modeled latency", candidate.modeled_ms, limits.latency_ms, "ms"),
        _over("cost", candidate.cost, limits.count, unit),
    ]
    if limits.accuracy is not None and not candidate.refused:
        if candidate.accuracy is None:
            reasons.append(f"accuracy not known: ./inv train {candidate.preset}, or --train")
        elif candidate.accuracy < limits.accuracy:
            reasons.append(f"accuracy {100 * candidate.accuracy:.2f} %, below {100 * limits.accuracy:.2f} %")
    return replace(candidate, refused="; ".join(reason for reason in (candidate.refused, *reasons) if reason))


def _over(what: str, value: float | None, limit: float | None, unit: str, is_estimate: bool = False) -> str:
    if value is None or limit is None or value <= limit:
        return ""
    over = value - limit
    about = ABOUT if is_estimate else ""
    return f"{what} over by {over:,.1f} {unit}" if unit == "ms" else f"{what} over by {about}{round(over):,} {unit}"


def with_front(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates, those marked that no other beats in RAM, cost and score at once."""
    taken = [candidate for candidate in candidates if not candidate.refused]
    return tuple(
        replace(one, on_front=not one.refused and not any(_beats(other, one) for other in taken)) for one in candidates
    )


def _beats(one: Candidate, other: Candidate) -> bool:
    pairs = [
        (-(one.ram_bytes or 0), -(other.ram_bytes or 0)),
        (-(one.cost or math.inf), -(other.cost or math.inf)),
        (one.accuracy or -1.0, other.accuracy or -1.0),
        (one.macs, other.macs),
    ]
    if one.accuracy is not None and other.accuracy is not None:
        pairs.pop()  # the work is a stand-in for the accuracy
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def best(candidates: Sequence[Candidate]) -> tuple[str, str]:
    """Return the preset to take and by what it is the best; both empty if all are refused."""
    taken = [candidate for candidate in candidates if not candidate.refused]
    if not taken:
        return "", ""
    known = [candidate for candidate in taken if candidate.accuracy is not None]
    if known:
        chosen = max(known, key=lambda one: (one.accuracy, -(one.cost or 0)))
        larger = sum(1 for one in taken if one.accuracy is None and one.macs > chosen.macs)
        text = f"the highest known accuracy within the limits, {100 * (chosen.accuracy or 0):.2f} %"
        return chosen.preset, text + (f"; {larger} larger ones fit that have no checkpoint yet" if larger else "")
    chosen = max(taken, key=lambda one: (one.macs, -(one.cost or 0)))
    return chosen.preset, "the most work within the limits; no accuracy is known, so train it and its neighbors"


def table(sweep: Sweep) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: those that are taken first, by cost, then why each other is refused."""
    is_modeled = any(one.modeled_ms is not None for one in sweep.candidates)
    time = "modeled ms" if is_modeled else "ms"
    names = ("preset", "MACs", "RAM", "flash", sweep.unit, time, "top-1", "measured", "")
    columns = [(name, "left" if i in (0, 8) else "right") for i, name in enumerate(names)]
    ordered = sorted(sweep.candidates, key=lambda one: (bool(one.refused), one.cost or math.inf, one.macs))
    return columns, [_row(one, sweep.best) for one in ordered]


DROPPED = (1, 3, 7, 5)
"""Columns that a narrow terminal does without, the least needed first."""


def _row(one: Candidate, chosen: str) -> list[str]:
    note = one.refused or ("best" if one.preset == chosen else "front" if one.on_front else "")
    about = ABOUT if one.estimated else ""
    sizes = [f"{about}{size:,}" if size is not None else "" for size in (one.ram_bytes, one.flash_bytes)]
    cost = "" if one.cost is None else f"{round(one.cost):,}"
    time = one.latency_ms if one.modeled_ms is None else one.modeled_ms
    latency = "" if time is None else f"{time:,.1f}"
    top1 = "" if one.accuracy is None else f"{100 * one.accuracy:.2f} %"
    measured = f"{round(one.measured.cost):,} ({deviation(one):+.1f} %)" if one.measured else ""
    return [one.preset, f"{one.macs:,}", *sizes, cost, latency, top1, measured, note]


def deviation(one: Candidate) -> float:
    """Return by how many percent the predicted cost of a measured candidate is over what was measured."""
    assert one.measured is not None
    return 100 * ((one.cost or 0) / one.measured.cost - 1)


def plot(sweep: Sweep) -> str:
    """Return RAM against cost as lines of text: B the best, o on the front, a dot for others that are taken."""
    taken = [one for one in sweep.candidates if not one.refused and one.cost and one.ram_bytes]
    if len(taken) < 2:
        return ""
    costs = [math.log(one.cost or 1) for one in taken]
    sizes = [float(one.ram_bytes or 0) for one in taken]
    grid = [[" "] * PLOT_COLUMNS for _ in range(PLOT_LINES)]
    marks = ["B" if one.preset == sweep.best else "o" if one.on_front else "." for one in taken]
    for mark in ".oB":
        for cost, size, own in zip(costs, sizes, marks, strict=True):
            if own == mark:
                grid[PLOT_LINES - 1 - _place(size, sizes, PLOT_LINES)][_place(cost, costs, PLOT_COLUMNS)] = mark
    low, high = (min(one.cost or 0 for one in taken), max(one.cost or 0 for one in taken))
    lines = [f"{'RAM, ' if not i else ''}{max(sizes):,.0f}" if not i else "" for i in range(PLOT_LINES)]
    lines[-1] = f"{min(sizes):,.0f}"
    width = max(len(line) for line in lines)
    shown = [f"{line:>{width}} |{''.join(row)}".rstrip() for line, row in zip(lines, grid, strict=True)]
    axis = f"{round(low):,}"
    end = f"{round(high):,} {sweep.unit}"
    below = " " * (width + 2) + axis + end.rjust(PLOT_COLUMNS - len(axis))
    return "\n".join([*shown, " " * width + " +" + "-" * PLOT_COLUMNS, below, "B best, o front, . others that fit"])


def _place(value: float, values: Sequence[float], count: int) -> int:
    low, high = min(values), max(values)
    return round((value - low) / (high - low) * (count - 1)) if high > low else 0
