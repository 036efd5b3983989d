"""The tables of `inv models` and `inv explain`, laid out for a person."""

from __future__ import annotations

from collections.abc import Sequence

from models import explain
from models.explain import Summary
from models.presets import Preset

# What a narrow terminal does without, by place: a preset says its network, and a filter much of its operator.
PRESETS_DROPPED = (1,)
LAYERS_DROPPED = (7, 1, 2)

Table = tuple[list[tuple[str, str]], list[list[str]]]
"""Columns as (heading, "left" or "right"), and rows."""


def presets_table(presets: Sequence[Summary]) -> Table:
    """Return columns and rows: networks with their totals."""
    names = ("preset", "network", "α", "ρ", "layers", "parameters", "MACs", "int8\nbytes", "peak\nactivations")
    columns = [(name, "left" if i < 2 else "right") for i, name in enumerate(names)]
    rows = [
        [m.name, m.network, f"{m.alpha:g}", str(m.rho)]
        + [f"{n:,}" for n in (m.layers, m.parameters, m.macs, m.int8_bytes, m.peak_activation_bytes)]
        for m in presets
    ]
    return columns, rows


def layers_table(preset: Preset) -> Table:
    """Return columns and rows: one layer in each row, as the papers print them."""
    names = ("layer", "operator", "stride", "filter", "input", "parameters", "MACs", "cost")
    columns = [(name, "left" if i in (0, 1, 3, 4) else "right") for i, name in enumerate(names)]
    rows = [
        [r.layer, r.operator, str(r.stride or ""), r.filter, r.input, _or_blank(r.parameters), _or_blank(r.macs)]
        + [f"{r.cost:.4f}" if r.cost else ""]
        for r in explain.rows(preset)
    ]
    return columns, rows


def layers_title(preset: Preset) -> str:
    """Return what the table of layers is of."""
    total = explain.summarize(preset)
    return f"{total.network}, α {total.alpha:g}, ρ {total.rho}, {preset.classes:,} classes\n"


def layers_totals(preset: Preset) -> str:
    """Return the totals under the table of layers."""
    total = explain.summarize(preset)
    return (
        f"{total.layers} layers ({explain.what_is_counted(preset)})\n{total.parameters:,} parameters, "
        f"{total.macs:,} MACs, {total.int8_bytes:,} bytes of int8 weights and int32 biases, "
        f"{total.peak_activation_bytes:,} bytes of activations at the peak\n"
        "cost: MACs of a depthwise convolution and the pointwise one after it, over those of one standard convolution"
    )


def _or_blank(number: int) -> str:
    return f"{number:,}" if number else ""
