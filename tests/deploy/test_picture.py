"""A whole picture in one exchange: WRITEs, RUN and READ behind one another, and what is sent again when some are lost.

Time-outs are of 1,000 s: nothing here waits for one.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from benchmarks.simulated_line import Line, SimulatedLine, answer_to
from deploy import frames
from deploy.frames import REPLY, Code, Frame, Type
from deploy.info import DeviceInfo
from deploy.request import Refused, Timeouts
from deploy.session import Session
from tests.deploy.fake import FakeEngine, FakeLink, expected_output

NEVER = Timeouts(20, 20, 20, resend_s=1e3)
SIZE = 6400
DATA = random.Random(2).randbytes(SIZE)
OTHER = random.Random(3).randbytes(SIZE)
Pick = Callable[[Frame], bool]


class Picky(FakeLink):
    """Loses the requests and answers that are picked, and keeps what was sent."""

    def __init__(self, **engine: object) -> None:
        super().__init__(FakeEngine(input_size=SIZE, **engine), window=4096)  # type: ignore[arg-type]
        self.requests: list[Frame] = []
        self.lose_request: Pick = lambda frame: False
        self.lose_answer: Pick = lambda frame: False
        self._from_host, self._from_device = frames.Decoder(), frames.Decoder()

    def write(self, data: bytes) -> None:
        for frame in self._from_host.feed(data):
            assert isinstance(frame, Frame)
            self.requests.append(frame)
            if not self.lose_request(frame):
                super().write(frames.encode(frame))

    def read(self, timeout_s: float) -> bytes:
        items = self._from_device.feed(super().read(min(timeout_s, 0.001)))
        return b"".join(frames.encode(f) for f in items if isinstance(f, Frame) and not self.lose_answer(f))

    def sent(self, kind: Type) -> int:
        return sum(frame.type == kind for frame in self.requests)


def offset(frame: Frame) -> int:
    return int.from_bytes(frame.payload[1:5], "little")


def once(kind: int, number: int = 1) -> Pick:
    """Pick the frame of a type that comes as the `number`th."""
    seen = []

    def pick(frame: Frame) -> bool:
        seen.extend([frame] * (frame.type == kind))
        return frame.type == kind and len(seen) == number

    return pick


def picture(link: Picky, data: bytes = DATA) -> None:
    """Send one picture that is not the first, and check its output; `link.requests` are then those of this one."""
    with Session(link, NEVER) as session:
        lose = link.lose_request, link.lose_answer
        link.lose_request = link.lose_answer = lambda frame: False
        session.infer(OTHER)
        link.lose_request, link.lose_answer = lose
        link.requests.clear()
        assert session.infer(data).output_bytes == expected_output(data)
        assert link.engine.runs == 2, "nothing runs twice"


def test_run_and_read_follow_without_waiting_for_answers() -> None:
    link = Picky()
    reads: list[int] = []
    plain = link.read

    def read(timeout_s: float) -> bytes:
        reads.append(len(link.requests))
        return plain(timeout_s)

    link.read = read  # type: ignore[method-assign]
    picture(link)
    assert [frame.type for frame in link.requests[-3:]] == [Type.WRITE, Type.RUN, Type.READ]
    assert not {7, 8} & set(reads), "there was no wait between WRITE, RUN and READ"


def test_the_answer_to_run_is_that_to_all_writes() -> None:
    link = Picky()
    link.lose_answer = lambda frame: frame.type == Type.WRITE | REPLY and offset(frame) >= 3840
    picture(link)
    assert link.sent(Type.WRITE) == 7, "each chunk of 960 bytes went once"


@pytest.mark.parametrize("input_preserved", [True, False])
@pytest.mark.parametrize("number", [2, 6, 7])
def test_a_lost_write_goes_again_and_run_with_it(number: int, input_preserved: bool) -> None:
    link = Picky(input_preserved=input_preserved)
    link.lose_request = once(Type.WRITE, number)
    picture(link)
    assert link.sent(Type.WRITE) == 8, "only what was lost goes again"


@pytest.mark.parametrize("kind", [Type.RUN, Type.RUN | REPLY])
def test_a_lost_run_is_noticed_by_the_answer_to_read(kind: int) -> None:
    link = Picky()
    if kind == Type.RUN:
        link.lose_request = once(kind)
    else:
        link.lose_answer = once(kind)
    picture(link)
    assert (link.sent(Type.WRITE), link.sent(Type.RUN)) == (7, 2)


def test_no_run_until_a_write_of_this_input_is_answered() -> None:
    """Else a device that keeps its input would run the one before this one again."""
    link = Picky()
    is_first = False

    def lose_first_window(frame: Frame) -> bool:
        nonlocal is_first
        is_first = is_first and link.sent(Type.WRITE) < 5
        return is_first

    link.lose_request = lose_first_window
    with Session(link, Timeouts(10, 10, 10, resend_s=0.01)) as session:
        session.infer(OTHER)
        is_first = True
        link.requests.clear()
        assert session.infer(DATA).output_bytes == expected_output(DATA)
    assert link.engine.runs == 2


def test_what_is_refused_for_another_reason_is_not_sent_again() -> None:
    link = Picky()
    with Session(link, NEVER) as session:
        link.engine.fails = "out of range"
        with pytest.raises(Refused, match="ENGINE: out of range") as refused:
            session.infer(DATA)
    assert refused.value.code == Code.ENGINE
    assert link.sent(Type.RUN) == 1


def test_a_device_without_maps_is_never_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeviceInfo, "write_map", property(lambda info: False, lambda info, value: None), raising=False)
    link = SimulatedLine(Line(byte_error=0.005), input_bytes=SIZE, infer_s=0.0)
    with Session(link, clock=link.clock) as session:
        for data in (DATA, OTHER):
            assert session.infer(data).output_bytes == answer_to(data)
        assert session.exchange.errors.rate > 0


@pytest.mark.parametrize("window", [112, 1100, 4096])
def test_any_window_serves_on_a_bad_line(window: int) -> None:
    link = SimulatedLine(Line(byte_error=0.003), input_bytes=SIZE, infer_s=0.2, window=window)
    with Session(link, Timeouts(1e3, 1e3, 1e3), clock=link.clock) as session:
        for data in (DATA, OTHER, DATA):
            assert session.infer(data).output_bytes == answer_to(data)
