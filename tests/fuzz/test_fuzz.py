"""The fuzzing itself: what it tries is near to kept inputs and differs, and it says what it finds."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, find, settings

from tests.fuzz import __main__ as command
from tests.fuzz import python_parts
from tests.fuzz.mutations import near
from tests.fuzz.outcome import Outcome
from tests.fuzz.python_parts import Part
from tests.fuzz.toml_text import toml_of

KEPT = {"name": "board", "ports": [{"id": 7}], "rate": 1.5}


def test_each_part_is_tried_and_its_kept_inputs_are_right(tmp_path: Path) -> None:
    parts = python_parts.parts(tmp_path)
    assert list(parts) == list(python_parts.RUNNERS)
    for name in ("reports", "bench files", "helper replies"):
        assert parts[name].kept
        for value in parts[name].kept:
            parts[name].check(value)
    assert len(parts["boards"].kept) > 80


@pytest.mark.parametrize(
    "is_so",
    [
        lambda value: isinstance(value, dict) and "ports" not in value,
        lambda value: isinstance(value, dict) and value.get("ports") == [],
        lambda value: isinstance(value, dict) and isinstance(value.get("rate"), str),
    ],
)
def test_places_are_changed(is_so: Any) -> None:
    how = settings(max_examples=5000, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    find(near([KEPT]), is_so, settings=how)
    assert KEPT == {"name": "board", "ports": [{"id": 7}], "rate": 1.5}


def test_a_finding_is_said_and_its_input_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict) and "rate" not in value:
            raise KeyError("rate")

    monkeypatch.setattr(python_parts, "parts", lambda folder: {"reports": Part([KEPT], check)})
    outcome = python_parts.run("reports", 60.0, 1)
    assert outcome.finding.startswith("FINDING: KeyError: 'rate' ")
    assert "\n" not in outcome.finding
    assert outcome.inputs > 0


def test_the_exit_code_says_that_there_was_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = {"reports": Outcome(12345, 60.2), "boards": Outcome(3, 1.0, "FINDING: x")}
    for name, outcome in outcomes.items():
        monkeypatch.setitem(python_parts.RUNNERS, name, lambda seconds, seed, outcome=outcome: outcome)
    monkeypatch.setattr("sys.argv", ["fuzz", "--part", "reports"])
    assert command.main() == 0
    monkeypatch.setattr("sys.argv", ["fuzz", "--part", "reports", "boards"])
    assert command.main() == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "reports: 12,345 inputs in 60 s, no finding",
        "boards: 3 inputs in 1 s, FINDING: x",
    ]


def test_toml_is_what_it_is_of() -> None:
    value = {"a b": [1, True, 'x\x1b"\n\x7f'], "t": {"u": {"v": [{}]}}, "f": 1e300}
    assert tomllib.loads(toml_of(value)) == value
    assert json.loads(json.dumps(value)) == value
