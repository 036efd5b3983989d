"""What faults cost on a simulated line with a clock of its own: the short form of the benchmark's figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.simulated_line import BAUDS, FAULTS, Cost, Line, cost

PICTURE = 9216


def of(line: Line, pictures: int = 4) -> Cost:
    return cost(line, pictures, input_bytes=PICTURE)


@pytest.mark.parametrize("baud", BAUDS)
def test_nothing_is_sent_again_on_a_good_line_and_most_of_the_time_is_transfer(baud: int) -> None:
    line = Line(baud)
    result = cost(line, 4, input_bytes=49_152)
    assert (result.sent_again, result.cuts) == (0, 0)
    assert result.useful(line, 49_152, 0.1) > 0.95


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "clean"])
def test_faults_cost_at_most_twice_the_time_again(name: str) -> None:
    clean = of(Line())
    result = of(FAULTS[name], 12 if "cut" in name else 4)
    assert result.seconds / result.pictures < 3 * clean.seconds / clean.pictures
    assert result.cuts > 0 if "cut" in name else result.sent_again > 0


def test_the_same_line_costs_the_same() -> None:
    line = replace(FAULTS["1 % of bytes flipped"], baud=921_600)
    assert of(line, 1) == of(line, 1)
