"""A picture whose transfer is cut goes on where it was, if the device still has what it was sent of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from benchmarks.simulated_line import Line, SimulatedLine, answer_to
from deploy import frames
from deploy.frames import STORED, Type
from deploy.session import Session
from errors import LinkError
from measure.connection import MOST_LOSSES, Connection

SIZE = 49_152
DATA, OTHER = (random.Random(seed).randbytes(SIZE) for seed in (1, 2))
SLOW = Line(baud=19_200, cut_every_s=10.0)
LONG = 4 * SIZE


def connection(link: SimulatedLine) -> Connection:
    @contextmanager
    def opened(lost: object = None) -> Iterator[Session]:
        with Session(link, clock=link.clock) as session:
            yield session

    return Connection(opened, 1e6, lambda text: None, clock=link.clock, sleep=lambda seconds: None)


def broken(link: SimulatedLine, data: bytes = DATA) -> Session:
    """Return a session that a cut has ended in the middle of a picture, in which no more cuts come."""
    first = Session(link, clock=link.clock)
    with pytest.raises(LinkError, match="cut"), first:
        first.infer(data)
    link.line = Line(baud=SLOW.baud)
    return first


@contextmanager
def following(before: Session) -> Iterator[Session]:
    """Yield a session over the same line that takes over from one that was cut."""
    with Session(before.link, clock=before.exchange.clock) as session:
        session.remember(before)
        yield session


def expect_all_sent(session: Session, data: bytes) -> None:
    assert session.infer(data).output_bytes == answer_to(data)
    assert session.resumed_bytes == 0


@pytest.mark.parametrize(
    ("line", "most"), [(SLOW, 1.25), (replace(SLOW, byte_error=0.005, frame_drop=0.02), 2.0)], ids=["good", "bad"]
)
def test_a_picture_that_takes_longer_than_the_time_between_cuts_ends(line: Line, most: float) -> None:
    random.seed(1)  # sequence numbers begin at random
    link = SimulatedLine(line, input_bytes=LONG)
    data = random.Random(3).randbytes(LONG)
    with connection(link) as device:
        assert device.run(lambda session: session.infer(data)).output_bytes == answer_to(data)
        assert device.losses > MOST_LOSSES
    assert link.bytes_out < most * LONG


def test_only_what_is_missing_is_sent() -> None:
    link = SimulatedLine(SLOW, input_bytes=SIZE)
    before = broken(link)
    sent = link.bytes_out
    with following(before) as session:
        assert session.infer(DATA).output_bytes == answer_to(DATA)
        assert 4096 < session.resumed_bytes < SIZE
        assert link.bytes_out - sent < SIZE - session.resumed_bytes / 2
        assert session.infer(DATA).output_bytes == answer_to(DATA)
        assert session.resumed_bytes == 0, "a picture that ended is sent again"


def test_a_device_that_restarted_gets_all_of_it() -> None:
    link = SimulatedLine(SLOW, input_bytes=SIZE)
    before = broken(link)
    link.restart()
    with following(before) as session:
        expect_all_sent(session, DATA)


def test_another_picture_takes_nothing_over() -> None:
    with following(broken(SimulatedLine(SLOW, input_bytes=SIZE))) as session:
        expect_all_sent(session, OTHER)


def test_nor_does_the_same_picture_once_something_else_was_written() -> None:
    with following(broken(SimulatedLine(SLOW, input_bytes=SIZE))) as session:
        session.write_inputs(OTHER)
        expect_all_sent(session, DATA)


@pytest.mark.parametrize("input_preserved", [True, False])
def test_a_picture_that_was_run_and_not_answered_is_sent_again(input_preserved: bool) -> None:
    link = SimulatedLine(Line(), input_bytes=SIZE, input_preserved=input_preserved)
    with Session(link, clock=link.clock) as session:
        session.infer(OTHER)
        session.write_inputs(DATA)
        link._server.run(1)
    before = Session(link, clock=link.clock)
    before._unfinished = DATA
    with following(before) as session:
        expect_all_sent(session, DATA)


def test_a_picture_that_was_stored_whole_is_run() -> None:
    link = SimulatedLine(Line(), input_bytes=SIZE + 10)
    data = DATA + bytes(10)
    with Session(link, clock=link.clock) as session:
        session.write_inputs(data)
    before = Session(link, clock=link.clock)
    before._unfinished = data
    sent = link.bytes_out
    with following(before) as session:
        assert session.infer(data).output_bytes == answer_to(data)
    assert link.bytes_out - sent < 1000


def test_a_device_that_answers_without_a_map_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = SimulatedLine(SLOW, input_bytes=SIZE)
    before = broken(link)

    def without_map(piece: bytes) -> bytes:
        frame = frames.decode(piece[:-1])
        if frame is None or frame.type != Type.WRITE | frames.REPLY:
            return piece
        return frames.encode(frame._replace(payload=frame.payload[: STORED.size]))[1:]

    monkeypatch.setattr(link, "_spoiled", without_map)
    with following(before) as session:
        expect_all_sent(session, DATA)
