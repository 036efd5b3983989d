"""What `inv calibrate` prints of accuracy: intervals, both conversions, steps and the costliest tensors."""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from calibration.comparison import Comparison, Improvement, StepScore, TensorCost
from calibration.convert import Int8Facts
from pipeline import accuracy_tables
from pipeline.accuracy_tables import interval


@dataclasses.dataclass(frozen=True)
class Facts:
    """The part of Int8Facts that is printed."""

    check: Comparison | None
    improvement: Improvement | None = None


CHECK = Comparison(1000, "four", 0.995, 0.92, 0.919, 0.0004)
PLAIN = Comparison(1000, "four", 0.688, 0.92, 0.667, 0.9)
STEPS = (StepScore("plain conversion", 0.9, 0.7), StepScore("least squared error", 0.0005, 0.99, is_kept=False))
TENSORS = tuple(TensorCost(name, cost) for name, cost in (("conv:pre", 3e-3), ("a", 2e-3), ("b", 1e-3), ("c", 1e-9)))


def printed(facts: Facts, capsys: pytest.CaptureFixture[str]) -> str:
    accuracy_tables.show(cast("Int8Facts", facts))
    return capsys.readouterr().out


def test_interval_is_wilson_s() -> None:
    assert interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert interval(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert interval(0.0, 10)[0] == 0


def test_both_conversions_the_steps_and_the_costliest_tensors(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(Facts(CHECK, Improvement("", 200, STEPS, TENSORS, PLAIN)), capsys)
    rows = [line.split() for line in text.splitlines()]
    assert ["float", "92.00", "90.2", "to", "93.5", "-", "-"] in rows
    assert ["int8,", "plain", "66.70", "63.7", "to", "69.6", "68.80", "900.000"] in rows
    assert ["int8,", "improved", "91.90", "90.0", "to", "93.4", "99.50", "0.400"] in rows
    assert ["least", "squared", "error", "0.500", "99.00", "not", "used:", "no", "gain"] in rows
    assert ["conv:pre", "3.000"] in rows
    assert not any(row[:1] == ["c"] for row in rows), "three tensors are enough"


def test_a_network_that_is_not_known_says_so_and_has_the_plain_row(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy_tables.show(cast("Int8Facts", Facts(CHECK, Improvement("layer 'odd' is LSTM", plain=CHECK))))
    captured = capsys.readouterr()
    assert "plain conversion used: layer 'odd' is LSTM" in captured.out + captured.err
    assert "improved" not in captured.out


def test_a_plain_conversion_and_outputs_that_are_not_classes(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(Facts(Comparison(60, "four", 0.97)), capsys)
    assert ["int8,", "plain", "-", "-", "97.00", "-"] in [line.split() for line in text.splitlines()]
    assert printed(Facts(None), capsys) == ""
