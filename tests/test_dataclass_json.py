"""Dataclasses as JSON and back: every value comes back, and what does not fit is named in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ConfigError
from fields import Source, load_json
from fields.dataclass_json import from_json, to_json

SOURCE = Source("x.json")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    name: str
    size: float | None = None


TYPES = {
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(),
    Literal["us", "instructions"]: st.sampled_from(["us", "instructions"]),
    Color: st.sampled_from(Color),
    Inner: st.builds(Inner, st.text(), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
}


def containers(hint: Any, values: st.SearchStrategy[Any]) -> dict[Any, st.SearchStrategy[Any]]:
    return {
        tuple[hint, ...]: st.lists(values, max_size=4).map(tuple),
        tuple[hint, int]: st.tuples(values, st.integers()),
        Mapping[str, hint]: st.dictionaries(st.text(), values, max_size=4),
        hint | None: st.none() | values,
    }


ALL_TYPES = [*TYPES.items(), *(pair for hint, values in TYPES.items() for pair in containers(hint, values).items())]


@st.composite
def instances(draw: st.DrawFn) -> Any:
    chosen = draw(st.lists(st.sampled_from(ALL_TYPES), max_size=5))
    kind = make_dataclass("Kind", [(f"field{i}", hint) for i, (hint, _) in enumerate(chosen)], frozen=True)
    return kind(*(draw(values) for _, values in chosen))


@given(instances())
def test_a_dataclass_comes_back_from_its_json(value: Any) -> None:
    text = json.dumps(to_json(value), allow_nan=False)
    assert from_json(type(value), load_json(text, SOURCE).values, SOURCE) == value


def json_of(value: object) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(json.dumps(to_json(value)))
    return form


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(instances(), JSON_VALUES, st.data())
def test_any_other_json_is_refused_in_one_line_or_fits(value: Any, other: object, data: st.DataObject) -> None:
    form = json_of(value)
    form[data.draw(st.sampled_from([*form, "more"]))] = other
    try:
        decoded, said = from_json(type(value), form, SOURCE), ""
    except ConfigError as e:
        decoded, said = value, str(e)
    assert not said or said.startswith("x.json: key ")
    assert said.isprintable()
    assert from_json(type(value), to_json(decoded), SOURCE) == decoded


@dataclass(frozen=True)
class Outer:
    count: int
    ratio: float
    unit: Literal["us", "instructions"]
    color: Color
    inner: Inner
    inners: tuple[Inner, ...] = ()
    pair: tuple[int, int] | None = None
    sizes: Mapping[str, int] | None = None


OUTER = Outer(1, 0.5, "us", Color.RED, Inner("a"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": True}, "key count: expected an integer, got True"),
        ({"count": 1.0}, "key count: expected an integer, got 1.0"),
        ({"ratio": "1"}, "key ratio: expected a finite number, got '1'"),
        ({"ratio": False}, "key ratio: expected a finite number, got False"),
        ({"ratio": float("nan")}, "key ratio: expected a finite number, got nan"),
        ({"ratio": 10**400}, "key ratio: expected a finite number, got a number of 1329 bits"),
        ({"unit": "ms"}, "key unit: expected 'us' or 'instructions', got 'ms'"),
        ({"color": "green"}, "key color: expected 'red' or 'blue', got 'green'"),
        ({"inner": []}, r"key inner: expected an object, got \[\]"),
        ({"inner": {}}, "key inner.name is missing"),
        ({"inner": {"name": "a", "sise": 1}}, r"key inner.sise is not known; did you mean size\?"),
        ({"inner": {"name": None}}, "key inner.name: expected a string, got None"),
        ({"inners": [{"name": "a"}, 7]}, r"key inners\[1\]: expected an object, got 7"),
        ({"pair": [1]}, r"key pair: expected a list, got \[1\]"),
        ({"pair": [1, 2, 3]}, r"key pair: expected a list, got \[1, 2, 3\]"),
        ({"sizes": {"a": -1.5}}, "key sizes.a: expected an integer, got -1.5"),
        ({"count": "x" * 1000}, r"got 'x{56}\.\.\.$"),
    ],
)
def test_a_value_that_does_not_fit_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^x.json: .*{message}"):
        from_json(Outer, {**json_of(OUTER), **change}, SOURCE)


def test_a_top_level_that_is_not_an_object_is_named() -> None:
    with pytest.raises(ConfigError, match=r"x.json: key \(top\): expected an object, got \[1\]"):
        from_json(Outer, [1], SOURCE)


def test_a_whole_number_serves_as_a_float() -> None:
    decoded = from_json(Outer, {**json_of(OUTER), "ratio": 2}, SOURCE)
    assert type(decoded.ratio) is float


def test_what_is_none_by_default_is_left_out() -> None:
    assert to_json(OUTER) == {
        "count": 1, "ratio": 0.5, "unit": "us", "color": "red", "inner": {"name": "a"}, "inners": [],
    }  # fmt: skip
