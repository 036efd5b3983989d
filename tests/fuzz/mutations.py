"""Strategies for values that are nearly right: a kept JSON value with a few places replaced, removed or repeated."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

MOST_CHANGES = 4
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 1 << 31, 1 << 63, -(1 << 63) - 1, 1 << 200, 0.0, -0.5, 1e300, float("inf"),
    float("nan"), "", " ", "x" * 9999, "\x1b[31m", "\0", "a\nb", "\u202e", "\ud800", "../x", "/", "-", "%s", "{}",
    "[red]", "é", "٣", [], [[]], [None], {}, {"": {}}, {"a": {"b": []}},
]  # fmt: skip
ATOMS = st.one_of(
    st.sampled_from(ODD).map(copy.deepcopy), st.integers(), st.floats(), st.text(max_size=20),
    st.lists(st.none() | st.integers(), max_size=3), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)  # fmt: skip


@st.composite
def near(draw: st.DrawFn, kept: Sequence[Any]) -> Any:
    """Draw one of the kept values with up to MOST_CHANGES changes: what is at a place may become that of another."""
    value = copy.deepcopy(draw(st.sampled_from(kept)))
    for _ in range(draw(st.integers(0, MOST_CHANGES))):
        value = _changed(draw, value)
    return value


def _changed(draw: st.DrawFn, value: Any) -> Any:
    places = _places(value)
    if not places:
        return draw(ATOMS)
    owner, key = draw(st.sampled_from(places))
    how = draw(st.integers(0, 4))
    if how == 0:
        del owner[key]
    elif how == 1:
        other, at = draw(st.sampled_from(places))
        owner[key] = copy.deepcopy(other[at]) if _has(other, at) else None
    elif how == 2 and isinstance(owner, dict):
        owner[draw(st.text(max_size=8))] = owner.pop(key)
    elif how == 3 and isinstance(owner[key], str):
        text = owner[key]
        at = draw(st.integers(0, len(text)))
        owner[key] = text[:at] + draw(st.text(max_size=4)) + text[at + draw(st.integers(0, 3)) :]
    else:
        owner[key] = draw(ATOMS)
    return value


def _has(owner: Any, key: Any) -> bool:
    return key in owner if isinstance(owner, dict) else key < len(owner)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return each place in a value as its owner and its key there."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]
