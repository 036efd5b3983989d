"""What a line's traffic teaches: how long frames should be, how often to send them, and how long to wait."""

from __future__ import annotations

import math

import pytest

from deploy.line_errors import COPIES, MEMORY_BYTES, OVERHEAD_BYTES, LineErrors
from deploy.line_speed import LEAST_SLACK_S, SURE_ANSWERS, LineSpeed


def learned(line_bytes: int, losses: int, frames: int = 100) -> LineErrors:
    errors = LineErrors()
    for i in range(frames):
        errors.sent(line_bytes)
        if i * losses // frames != (i + 1) * losses // frames:
            errors.lost()
    return errors


def test_a_good_line_carries_frames_of_any_length_once() -> None:
    for losses in (0, 1):
        errors = learned(1000, losses, 20)
        assert errors.rate == 0
        assert errors.best_length > 10**6
        assert errors.copies(30) == 1


@pytest.mark.parametrize(("losses", "expected"), [(5, 2.0), (20, 1.0), (80, 0.5)])
def test_frames_are_shorter_by_the_root_of_what_is_lost(losses: int, expected: float) -> None:
    errors = learned(200, losses)
    assert errors.rate == pytest.approx(losses / 20_000)
    assert errors.best_length == pytest.approx(expected * math.sqrt(OVERHEAD_BYTES / 1e-3), rel=0.01)


def test_what_is_long_ago_is_forgotten() -> None:
    errors = learned(100, 65)
    for _ in range(20 * MEMORY_BYTES // 1000):
        errors.sent(1000)
    assert errors.rate == 0


def test_short_frames_are_sent_several_times_on_a_bad_line_only() -> None:
    assert learned(1000, 50, 1000).copies(40) == 1
    bad = learned(100, 65)
    assert [bad.copies(size) for size in (10, 40, 100)] == [1, 2, 4]
    assert bad.copies(10_000) == COPIES
    hopeless = learned(1, 100)
    assert hopeless.copies(1 << 20) == COPIES


def test_a_steady_line_gets_little_slack_and_an_unsteady_one_more() -> None:
    speed = LineSpeed()
    for _ in range(SURE_ANSWERS - 1):
        speed.learn(1000, 0.01)
        assert speed.slack(0.25) == 0.25
    for _ in range(30):
        speed.learn(1000, 0.01)
    assert speed.slack(0.25) == LEAST_SLACK_S
    assert speed.slack(0.01) == 0.01
    for took in (0.01, 0.05) * 20:
        speed.learn(1000, took)
    assert 2 * LEAST_SLACK_S < speed.slack(0.25) <= 0.25
