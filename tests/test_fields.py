"""The checker of TOML and JSON: each mistake is one line that names source, key, what was expected and what came."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ConfigError, DeviceError
from fields import Fields, Source, load_json, load_toml, shown

BIG = 10**400
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def fields(**values: Any) -> Fields:
    return Fields(values, Source("board.toml"), "mcu")


@pytest.mark.parametrize(
    ("values", "take", "message"),
    [
        ({}, lambda f: f.text("k"), "key mcu.k is missing"),
        ({"k": None}, lambda f: f.text("k"), "key mcu.k: expected 1 to 200 printable characters, got None"),
        ({"k": "a\nb"}, lambda f: f.text("k"), r"key mcu.k: expected 1 to 200 printable characters, got 'a\nb'"),
        ({"k": "x"}, lambda f: f.text("k", pattern=re.compile("y"), expected="y"), "key mcu.k: expected y, got 'x'"),
        ({"k": ["a", 1]}, lambda f: f.texts("k"), "key mcu.k: expected a list of strings, got ['a', 1]"),
        ({"k": "c"}, lambda f: f.choice("k", ("a", "b")), "key mcu.k: expected one of a, b, got 'c'"),
        ({"k": ["a"]}, lambda f: f.choice("k", {"a": 1}), "key mcu.k: expected one of a, got ['a']"),
        ({"k": True}, lambda f: f.integer("k", 0, 9), "key mcu.k: expected an integer from 0 to 9, got True"),
        ({"k": 1.0}, lambda f: f.integer("k", 0, 9), "key mcu.k: expected an integer from 0 to 9, got 1.0"),
        ({"k": 10}, lambda f: f.integer("k", 0, 9), "key mcu.k: expected an integer from 0 to 9, got 10"),
        ({"k": float("nan")}, lambda f: f.number("k"), "key mcu.k: expected a number from 0 to 1e+30, got nan"),
        ({"k": BIG}, lambda f: f.number("k"),
         "key mcu.k: expected a number from 0 to 1e+30, got a number of 1329 bits"),
        ({"k": 1}, lambda f: f.boolean("k"), "key mcu.k: expected true or false, got 1"),
        ({"k": [1, 0]}, lambda f: f.integers("k", 1, 9, most=2),
         "key mcu.k[1]: expected an integer from 1 to 9, got 0"),
        ({"k": [1, 2]}, lambda f: f.integers("k", 1, 9, most=1),
         "key mcu.k: expected a list of 0 to 1 integers, got [1, 2]"),
        ({"k": {"a": -1}}, lambda f: f.counts("k"), f"key mcu.k.a: expected an integer from 0 to {2**63 - 1}, got -1"),
        ({"k": {"a b": 1}}, lambda f: f.counts("k"), "key mcu.k: expected names of letters, digits and _, got 'a b'"),
        ({"k": {"a": 1}}, lambda f: f.counts("k", most=0), "key mcu.k: expected at most 0 integers, got {'a': 1}"),
        ({"k": []}, lambda f: f.table("k"), "key mcu.k: expected a table, got []"),
        ({"k": [{}, 1]}, lambda f: f.tables("k", most=4), "key mcu.k: expected a list of 1 to 4 tables, got [{}, 1]"),
        ({"k": [{}]}, lambda f: f.tables("k", most=4)[0].text("n"), "key mcu.k[0].n is missing"),
        ({"clock": 1}, lambda f: f.allow(["clock_hz"]), "key mcu.clock is not known; did you mean clock_hz?"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_message(values: dict[str, Any], take: Callable[[Fields], object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        take(fields(**values))
    assert str(caught.value) == f"board.toml: {message}"


def test_right_values_are_returned_and_defaults_stand_in_for_what_is_missing() -> None:
    table = fields(text="a", number=3, whole=4, yes=True, sizes=[1, 2], counts={"a": 1}, table={"x": "y"}, list=["a"])
    assert (table.text("text"), table.number("number"), table.integer("whole", 0, 4)) == ("a", 3.0, 4)
    assert table.boolean("yes")
    assert (table.integers("sizes", 1, 2, most=2), table.counts("counts")) == ((1, 2), {"a": 1})
    assert table.table("table").text("x") == "y"
    assert table.texts("list") == ("a",)
    assert table.choice("text", ("a", "b")) == "a"
    assert table.table("other", optional=True) is None
    assert (table.text("other", default="d"), table.boolean("other", default=False)) == ("d", False)
    assert (table.texts("other", default=()), table.number("other", default=0.5)) == ((), 0.5)


def test_the_source_decides_class_words_and_next_step() -> None:
    source = Source("dev: INFO", DeviceError, "flash the firmware again")
    with pytest.raises(DeviceError, match=r"^dev: INFO: key a: expected an object, got 1; flash the firmware again$"):
        load_json(b'{"a": 1}', source).table("a")
    with pytest.raises(DeviceError, match=r"^dev: INFO: not JSON \(.*\), starts b'\\xff\\xfe'; flash"):
        load_json(b"\xff\xfe", source)
    with pytest.raises(DeviceError, match="NaN is not a JSON number"):
        load_json('{"a": NaN}', source)
    with pytest.raises(DeviceError, match=r"not JSON"):
        load_json("[" * 100_000, source)
    with pytest.raises(DeviceError, match=r"expected a JSON object, got \[1\]"):
        load_json("[1]", source)


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    for name, data in (("bad.toml", b"a = "), ("latin1.toml", b'a = "\xb5"')):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError, match=rf"^{name}: not a TOML file \("):
            load_toml(tmp_path / name)
    with pytest.raises(ConfigError, match=r"^none.toml: not a TOML file \(.*No such file"):
        load_toml(tmp_path / "none.toml")


@given(JSON | st.binary(max_size=200) | st.integers(min_value=1 << 200))
def test_any_value_is_shown_in_one_short_ascii_line(value: object) -> None:
    text = shown(value)
    assert len(text) <= 60
    assert text.isascii()
    assert "\n" not in text


@given(JSON)
def test_whatever_comes_is_taken_or_refused_in_one_line(value: object) -> None:
    source = Source("dev", DeviceError)
    takes: list[Callable[[Fields], object]] = [
        lambda f: f.text("k"), lambda f: f.texts("k"), lambda f: f.choice("k", ("a",)), lambda f: f.integer("k", -5, 5),
        lambda f: f.number("k"), lambda f: f.boolean("k"), lambda f: f.integers("k", 0, 5, most=3),
        lambda f: f.counts("k"), lambda f: f.table("k"), lambda f: f.tables("k", most=3), lambda f: f.allow(("a",)),
    ]  # fmt: skip
    for take in takes:
        error = ""
        try:
            take(Fields({"k": value}, source))
        except DeviceError as e:
            error = str(e)
        assert len(error) < 200
        assert error.isprintable()
