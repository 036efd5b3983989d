"""What a line's traffic teaches: how long frames should be, how often to send them, and how long to wait."""

from __future__ import annotations

import math

import pytest

from deploy.exchange import Exchange
from deploy.frames import REPLY, Frame, Type
from deploy.line_errors import COPIES, MEMORY_BYTES, NO_LIMIT, OVERHEAD_BYTES, LineErrors
from deploy.line_speed import LEAST_SLACK_S, SURE_ANSWERS, LineSpeed
from deploy.request import Request
from deploy.transaction import Transaction
from tests.deploy.fake import FakeLink


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
        assert errors.best(can_repair=True) == NO_LIMIT
        assert errors.copies(30) == 1


@pytest.mark.parametrize(("losses", "expected"), [(5, 2.0), (20, 1.0), (80, 0.5)])
def test_frames_are_shorter_by_the_root_of_what_is_lost(losses: int, expected: float) -> None:
    errors = learned(200, losses)
    assert errors.rate == pytest.approx(losses / 20_000)
    assert errors.best(can_repair=False).length == pytest.approx(expected * math.sqrt(OVERHEAD_BYTES / 1e-3), rel=0.01)


@pytest.mark.parametrize(
    ("rate", "with_parity", "length"), [(1e-5, False, 2000), (1e-4, False, 632), (1e-2, True, 192), (4e-2, True, 64)]
)
def test_frames_have_parity_where_that_costs_less(rate: float, with_parity: bool, length: int) -> None:
    errors = LineErrors()
    errors._bytes, errors._errors = 1e6, 1e6 * rate
    best = errors.best(can_repair=True)
    assert best.with_parity == with_parity
    assert best.length == pytest.approx(length, rel=0.01)
    assert not errors.best(can_repair=False).with_parity


def test_repaired_bytes_are_errors_of_the_line() -> None:
    errors = LineErrors()
    for _ in range(100):
        errors.sent(250)
        errors.repaired(2)
    assert errors.rate == pytest.approx(0.008)


def test_parity_makes_losses_rare() -> None:
    bad = learned(100, 65)
    assert bad.loss(217) > 0.7
    assert bad.loss(217, with_parity=True) < 0.06
    assert bad.copies(217, with_parity=True) < bad.copies(217)


def test_what_is_long_ago_is_forgotten() -> None:
    errors = learned(100, 65)
    for _ in range(20 * MEMORY_BYTES // 1000):
        errors.sent(1000)
    assert errors.rate == 0


def test_short_frames_are_sent_several_times_on_a_bad_line_only() -> None:
    assert learned(1000, 50, 1000).copies(40) == 1
    bad = learned(100, 65)
    assert [bad.copies(size) for size in (10, 40, 100)] == [2, 3, 5]
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


@pytest.mark.parametrize(("is_known", "resent"), [(False, 1), (True, 2)])
def test_an_answer_shows_the_loss_of_what_was_sent_before_the_first_time_that_it_may_be_for(
    is_known: bool, resent: int
) -> None:
    """The first request is sent again: only if its first time is known to be lost, its answer is after the second's."""
    exchange = Exchange(FakeLink(), window=4096)
    requests = [Request(Type.PING, b"first"), Request(Type.PING, b"second")]
    transaction = Transaction(exchange, requests, "test", 0.0, 1.0, None, may_split=False, in_order=False)
    transaction._send_ahead()
    first, second = transaction.sent
    transaction._resend([first], is_known)
    transaction._take(Frame(Type.PING | REPLY, first, b"first"))
    assert list(transaction.sent) == [second]
    assert exchange.resent == resent
