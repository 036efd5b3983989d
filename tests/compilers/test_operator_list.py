"""docs/operators.md against the tables of both engines."""

from __future__ import annotations

import re
from pathlib import Path

from compilers.aot.lower import LOWER
from compilers.aot.operators import SUPPORTED
from compilers.tflm.operators import METHODS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operators.md"


def _section(title: str) -> str:
    return DOCUMENT.read_text().split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_table_has_the_operators_and_versions_of_our_engine() -> None:
    rows = re.findall(r"^\| ([A-Z0-9_]+) +\| (?:1 to )?(\d+) +\| \S", _section("Our engine"), re.M)
    assert {name: int(version) for name, version in rows} == {n: spec.version for n, spec in SUPPORTED.items()}


def test_each_operator_of_the_table_is_lowered() -> None:
    assert set(LOWER) == set(SUPPORTED)


def test_the_rest_of_tflite_micro_s_operators_is_listed() -> None:
    text = _section("TFLite-Micro").split(":\n\n")[1].split("\n\n")[0]
    assert set(re.findall(r"[A-Z0-9_]+", text)) == set(METHODS) - set(SUPPORTED)
    lacking = re.findall(r"^\| ([A-Z0-9_]+) .*; not in TFLite-Micro \|$", _section("Our engine"), re.M)
    assert set(SUPPORTED) - set(METHODS) == set(lacking), "say in its row what TFLite-Micro lacks"
