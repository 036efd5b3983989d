"""A trace as people see it: a table of layers, and one line that says which is the first that differs."""

from __future__ import annotations

from measure.trace import ABSENT, DIFFERS, EQUAL, Layer, Place, Trace

COLUMNS = [("", "right"), ("operator", "left"), ("tensor", "left"), ("shape", "left"), ("", "left")]
DROPPED = (3, 2)
"""Columns that a narrow terminal can do without: the shape, then the tensor."""
NAME_CHARACTERS = 32
DIMENSIONS = {4: ("", "row", "column", "channel"), 3: ("row", "column", "channel"), 2: ("", "value")}


def rows(trace: Trace) -> list[list[str]]:
    """Return a row for each layer, for COLUMNS."""
    return [
        [str(layer.operator), layer.name, _short(layer.tensor), _shape(layer.shape), _state(layer)]
        for layer in trace.layers
    ]


def summary(trace: Trace) -> str:
    """Return one line: how many layers are equal, and which is the first that differs, with its values and scale."""
    counts = {state: sum(layer.state == state for layer in trace.layers) for state in (EQUAL, DIFFERS, ABSENT)}
    text = f"{counts[EQUAL]} of {counts[EQUAL] + counts[DIFFERS]} layers equal LiteRT's reference kernels"
    if counts[ABSENT]:
        text += f"; {counts[ABSENT]} are not on the device"
    first = trace.first
    if first is None:
        return text
    text += f"; the first that differs is {first.name} {first.operator}, {_short(first.tensor)}"
    if first.first is None:
        return f"{text}: {first.why}" if first.why else text
    return f"{text}, at {_place(first.first.index)}: {_values(first.first, first)}"


def _state(layer: Layer) -> str:
    if layer.state != DIFFERS:
        return f"{layer.state}: {layer.why}" if layer.why else layer.state
    if layer.first is None:
        return f"{DIFFERS}: {layer.why}" if layer.why else DIFFERS
    index = ", ".join(map(str, layer.first.index))
    text = f"{DIFFERS} from [{index}] on: {_number(layer.first.actual)} for {_number(layer.first.expected)}"
    return text if layer.differing is None else f"{text}; {_most(layer)}"


def _most(layer: Layer) -> str:
    if layer.differing == 1:
        return "no other value"
    return f"{layer.differing:,} values, by at most {_number(layer.max_abs_diff)}"


def _values(place: Place, layer: Layer) -> str:
    text = f"{_number(place.actual)} on the device, expected {_number(place.expected)}"
    if not layer.scale:
        return text
    reals = f"{_number(place.actual_real)} for {_number(place.expected_real)}"
    return f"{text} (scale {layer.scale:.6g}, zero point {layer.zero_point}: {reals})"


def _place(index: tuple[int, ...]) -> str:
    names = DIMENSIONS.get(len(index), ())
    named = [f"{name} {i}" for name, i in zip(names, index, strict=False) if name]
    return ", ".join(named) or f"index {', '.join(map(str, index))}"


def _number(value: float | None) -> str:
    return "not a finite number" if value is None else f"{value:.6g}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS else f"...{name[3 - NAME_CHARACTERS :]}"
