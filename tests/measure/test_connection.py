"""A connection whose device is lost: how long it is waited for, what goes on, and what ends the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.frames import Code
from deploy.request import NoAnswer, Refused, Restarted
from errors import DeployError, DeviceError, Error, LinkError
from measure.connection import IDENTITY, MOST_LOSSES, Connection

INFO = dict.fromkeys(IDENTITY, "same")


@dataclass
class Line:
    """A device that can be opened as `openings` say: an error, or what INFO then has; the last one repeats."""

    openings: list[Any]
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    lost: list[object] = field(default_factory=list)
    is_open: bool = False
    said: list[str] = field(default_factory=list)
    remembered: list[object] = field(default_factory=list)
    sessions: list[object] = field(default_factory=list)

    @contextmanager
    def __call__(self, lost: object = None) -> Iterator[Any]:
        assert not self.is_open, "the broken session is closed first"
        self.lost.append(lost)
        opening = self.openings.pop(0) if len(self.openings) > 1 else self.openings[0]
        if isinstance(opening, Exception):
            raise opening
        self.is_open = True
        try:
            session = SimpleNamespace(info=SimpleNamespace(**opening), link=SimpleNamespace(name="line"))
            session.remember, session.resumed_bytes = self.remembered.append, 0
            self.sessions.append(session)
            yield session
        finally:
            self.is_open = False

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def connection(self, give_up_s: float = 100.0) -> Connection:
        return Connection(self, give_up_s, self.said.append, clock=lambda: self.now, sleep=self.sleep)


def failing(*errors: Exception) -> Any:
    left = list(errors)

    def body(session: object) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return body


LOSSES = [LinkError("gone"), NoAnswer("silent"), Restarted("restarted"), Refused("no input", Code.INPUT, "")]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_a_lost_device_is_opened_again_and_the_body_called_again(loss: Error) -> None:
    line = Line([INFO])
    with line.connection() as connection:
        assert connection.run(failing(loss)) == "done"
        assert connection.losses == 1
    assert len(line.lost) == 2
    assert line.lost[0] is None
    assert line.lost[1] is not None
    assert line.pauses == [0.0], "it is tried at once"
    assert line.said == [
        f"device lost ({loss}); waits for it for up to 100 s, see --give-up-after",
        "device is back after 0.0 s",
    ]
    assert not line.is_open


@pytest.mark.parametrize("error", [DeviceError("wrong"), Refused("engine", Code.ENGINE, ""), KeyboardInterrupt()])
def test_what_is_no_loss_is_raised_at_once(error: Exception) -> None:
    line = Line([INFO])
    with line.connection() as connection, pytest.raises(type(error)):
        connection.run(failing(error))
    assert len(line.lost) == 1


def test_pauses_grow_until_the_device_is_back() -> None:
    line = Line([INFO, *[LinkError("no such port")] * 3, *[DeployError("busy")] * 4, INFO])
    with line.connection() as connection:
        assert connection.run(failing(LinkError("gone"))) == "done"
    assert line.pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert line.said[-1] == "device is back after 35.5 s"
    assert line.remembered == line.sessions[:1], "what was learned of the line is kept"


def test_a_device_that_stays_away_ends_the_run_in_time() -> None:
    line = Line([INFO, LinkError("no such port")])
    expected = "no such port; gave up waiting after 30 s, see --give-up-after"
    with line.connection(30.0) as connection, pytest.raises(LinkError, match=expected):
        connection.run(failing(LinkError("gone")))
    assert line.now == 30.0


def test_without_patience_the_first_loss_ends_the_run() -> None:
    line = Line([INFO])
    with line.connection(0.0) as connection, pytest.raises(LinkError, match="^gone$"):
        connection.run(failing(LinkError("gone")))
    assert len(line.lost) == 1


def test_an_address_that_is_wrong_from_the_start_is_not_waited_for() -> None:
    line = Line([LinkError("nothing listens")])
    with pytest.raises(LinkError, match="nothing listens"), line.connection():
        pass
    assert line.pauses == []


def test_a_device_that_fails_at_the_same_place_each_time_ends_the_run() -> None:
    line = Line([INFO])
    expected = f"crash; it was lost {MOST_LOSSES + 1} times in a row without progress"
    with line.connection(1e6) as connection, pytest.raises(LinkError, match=expected):
        connection.run(failing(*[LinkError("crash")] * 100))
    assert connection.losses == MOST_LOSSES


def lost_with(stored: list[int]) -> Callable[[Any], str]:
    """Return a body whose device is lost as often as there are numbers, having had so many bytes of its input."""

    def body(session: Any) -> str:
        if not stored:
            return "done"
        session.resumed_bytes = stored.pop(0)
        raise LinkError("cut")

    return body


def test_more_and_more_of_an_input_is_progress() -> None:
    with Line([INFO]).connection(1e6) as connection:
        assert connection.run(lost_with(list(range(0, 64 * 40, 64)))) == "done"


def test_an_input_that_begins_again_each_time_ends_the_run() -> None:
    """As where the device is lost in each RUN, and in the middle of the input's transfer before it."""
    expected = f"cut; it was lost {MOST_LOSSES + 1} times in a row without progress"
    with Line([INFO]).connection(1e6) as connection, pytest.raises(LinkError, match=expected):
        connection.run(lost_with([0, 64, 128] * 100))
    assert connection.losses == 3 * MOST_LOSSES + 2 + 1


def test_progress_counts_from_the_start_again() -> None:
    line, done = Line([INFO]), 0

    def body(session: object) -> int:
        nonlocal done
        if done < 50:
            done += 1
            raise LinkError("cut")
        return done

    with line.connection(10.0) as connection:
        assert connection.run(body, lambda: done) == 50
        assert connection.losses == 50
    assert set(line.pauses) == {0.0}


@pytest.mark.parametrize("name", IDENTITY)
def test_another_device_is_refused(name: str) -> None:
    line = Line([INFO, {**INFO, name: "other"}])
    expected = rf"line: another device is there now \({name} same before, other now\)"
    with line.connection() as connection, pytest.raises(DeviceError, match=expected):
        connection.run(failing(LinkError("gone")))
