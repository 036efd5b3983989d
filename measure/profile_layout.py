"""A profile as people see it: a table that drops columns where a terminal is narrow, and one line for the whole."""

from __future__ import annotations

from dataclasses import dataclass

from console.text import end_of
from measure.modeled import CoreCycles
from measure.profile import MODELED, LayerProfile, Profile, ProfileUnit

WIDE, MIDDLE = 140, 96
"""Columns of a terminal from which on there is room for all, and for MACs."""


@dataclass(frozen=True)
class Table:
    """Columns as (heading, "left" or "right"), and rows of text."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]


def table(profile: Profile, width: int) -> Table:
    """Return a row for each layer, for a terminal of `width` columns."""
    unit: ProfileUnit = profile.unit
    columns = [("", "right"), ("operator", "left")]
    columns += [("tensor", "left")] if width >= WIDE else []
    columns += [("shape", "left")]
    columns += [("MACs", "right")] if width >= MIDDLE else []
    columns += [(unit, "right"), ("share", "right")]
    columns += [(per_mac_heading(unit), "right")] if width >= MIDDLE else []
    columns += [("modeled cycles", "right")] if _has_cycles(profile, width) else []
    rows = tuple(_row(layer, profile, width) for layer in profile.layers)
    return Table(tuple(columns), rows)


def _row(layer: LayerProfile, profile: Profile, width: int) -> tuple[str, ...]:
    cells = ["" if layer.operator is None else str(layer.operator), layer.name]
    cells += [end_of(layer.tensor)] if width >= WIDE else []
    cells += [shape_text(layer)]
    cells += [f"{layer.macs:,}" if layer.macs else ""] if width >= MIDDLE else []
    cells += [amount_text(layer.amount, profile.unit), f"{100 * layer.share:.1f} %"]
    cells += [per_mac_text(layer, profile.unit)] if width >= MIDDLE else []
    if _has_cycles(profile, width):
        assert profile.modeled
        found = (f"{one.cycles:,}" for one in profile.modeled[0].layers if one.operator == layer.operator)
        cells += [next(found, "")]
    return tuple(cells)


def shape_text(layer: LayerProfile) -> str:
    """Return the shape of what an operator writes, "" for what is not an operator of the network."""
    return "x".join(map(str, layer.shape)) or ("" if layer.operator is None else "scalar")


def _has_cycles(profile: Profile, width: int) -> bool:
    """Whether modeled cycles have a column of their own."""
    return bool(profile.modeled) and profile.unit != MODELED and width >= MIDDLE


def kernels(core: CoreCycles) -> Table:
    """Return the functions of the engine that take a thousandth of the modeled cycles or more, a row each."""
    rows = tuple(
        (kernel.name, f"{kernel.instructions:,}", f"{kernel.cycles:,}", f"{100 * kernel.cycles / core.cycles:.1f} %")
        for kernel in core.kernels
        if kernel.cycles >= core.cycles / 1000
    )
    columns = (("kernel", "left"), ("instructions", "right"), ("modeled cycles", "right"), ("share", "right"))
    return Table(columns, rows)


def amount_text(amount: float, unit: ProfileUnit) -> str:
    """Return an amount without its unit: counts as whole numbers, times to a tenth of a microsecond."""
    return f"{amount:,.1f}" if unit == "us" else f"{round(amount):,}"


def per_mac_heading(unit: ProfileUnit) -> str:
    """Return what the amount per MAC is headed: times have a unit of their own."""
    return "ns per MAC" if unit == "us" else "per MAC"


def per_mac_text(layer: LayerProfile, unit: ProfileUnit) -> str:
    """Return the amount per MAC of an operator, a time in nanoseconds; "" for one that has no MACs."""
    if layer.per_mac is None:
        return ""
    return f"{1000 * layer.per_mac if unit == 'us' else layer.per_mac:.3g}"


def summary(profile: Profile) -> str:
    """Return one line: the layers together, and a whole inference without counting."""
    parts = amount_text(profile.sum, profile.unit), amount_text(profile.whole, profile.unit)
    share = 100 * profile.sum / profile.whole
    what = "all layers" if profile.ordinary is None else "the runtime's own nodes and the rest"
    text = f"{what} {parts[0]}, a whole inference {parts[1]} {profile.unit} ({share:.2f} %)"
    if profile.unit == MODELED:
        return text
    how = {"emulated": "emulated", "host": "on this host", "hardware": "on hardware"}[profile.measured_on]
    how += f", which is another board ({'; '.join(profile.mismatch)})" if profile.mismatch else ""
    text += f"; {profile.counter}, {how}"
    if profile.ordinary is not None:
        text += f", the mean of the quieter half of {profile.runs} runs"
        return f"{text}; without the profiler {amount_text(profile.ordinary, profile.unit)} {profile.unit}"
    text += f", the mean of the quieter quarter of {profile.runs} runs" if profile.runs > 1 else ""
    if profile.is_consistent:
        return text
    if profile.unit == "us":
        counting = profile.counting or 0.0
        if abs(profile.sum - profile.whole) <= counting:
            return f"{text}; over 1 % apart, by less than reading the counter takes ({counting:.2g} us)"
        return f"{text}; over 1 % apart: other programs take time from it, run it again"
    return f"{text}; the rest takes in the input's rows, and is between the layers"
