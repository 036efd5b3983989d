"""The session on lines that damage and lose frames: shorter frames, repeats, and longer frames again."""

from __future__ import annotations

import random

import pytest

from benchmarks.simulated_line import Line, SimulatedLine
from deploy import frames
from deploy.agent.payloads import Refusal
from deploy.frames import Code, Frame, Type
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Timeouts
from deploy.session import Session
from tests.deploy.fake import QUICK, FakeEngine, FakeLink, expected_output, picture


@pytest.mark.parametrize("seed", range(3))
def test_one_damaged_byte_in_a_hundred_defeats_nothing(seed: int) -> None:
    link = FakeLink()
    lossy = LossyLink(link, Faults(0, 0, 0, 0, 0, byte_error=0.01), seed)
    with Session(lossy, Timeouts(600, 600, 600, resend_s=0.02)) as session:
        assert session.info.board == "fake"
        results = [session.infer(picture(n)) for n in range(4)]
        assert session.exchange.errors.rate > 1e-3
    assert [r.output_bytes for r in results] == [expected_output(picture(n)) for n in range(4)]
    assert [r.ticks for r in results] == [1001, 1002, 1003, 1004], "a lost reply to RUN made it run again"


def test_info_comes_in_short_parts_where_long_ones_are_lost() -> None:
    link = FakeLink()
    plain, asked = link.answer, []

    def lose_long_ones(data: bytes) -> None:
        for piece in filter(None, data.split(b"\0")):
            asked.append(len(piece))
            plain(b"\0" + (piece if len(piece) < 128 else piece[:60] + b"x" + piece[61:]) + b"\0")

    link.answer = lose_long_ones  # type: ignore[method-assign]
    link.restart()
    with Session(link, QUICK) as session:
        assert session.info.board == "fake"
    assert [size > 128 for size in asked[:3]] == [True, False, False], "a damaged answer is enough"


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_answer_is_asked_for_again_at_once(seed: int) -> None:
    """INFO's parts go together: most of a handshake's time would be time-outs else, 3 s in place of 0.2 s."""
    random.seed(seed)
    link = SimulatedLine(Line(921_600, byte_error=0.01), seed=seed)
    with Session(link, clock=link.clock):
        assert link.now < 1.2


def test_firmware_without_short_parts_of_info_is_asked_for_long_ones() -> None:
    link = FakeLink()
    handler, payloads = link.server._handlers[Type.INFO], []

    def old(payload: bytes) -> bytes:
        payloads.append(len(payload))
        if len(payload) != 4:
            raise Refusal(Code.LENGTH, "INFO takes 4 bytes")
        return handler(payload)

    link.server._handlers[Type.INFO] = old
    plain = link.answer
    lost: list[bytes] = []

    def lose_three(data: bytes) -> None:
        if len(lost) < 3:
            lost.append(data)
        else:
            plain(data)

    link.server.send = lose_three
    with Session(link, QUICK) as session:
        assert session.info.board == "fake"
    assert 6 in payloads[:-1]
    assert payloads[-1] == 4


def test_a_frame_that_is_lost_twice_is_noticed_twice_without_a_time_out() -> None:
    link = FakeLink(FakeEngine(input_size=30_000), window=8192)
    plain, decoder, seen = link.write, frames.Decoder(), []

    def lose_two(data: bytes) -> None:
        for frame in decoder.feed(data):
            assert isinstance(frame, Frame)
            if frame.type == Type.WRITE:
                seen.append(frame.payload[1:5])
                if frame.payload[1:5] == seen[3 % len(seen)] and seen.count(frame.payload[1:5]) < 3 and len(seen) > 3:
                    link.written += len(data)
                    continue
            plain(frames.encode(frame))

    with Session(link, Timeouts(2, 2, 2, resend_s=1e3)) as session:
        link.write = lose_two  # type: ignore[method-assign]
        session.write_input(picture(1, 30_000))
        assert session.resent_frames == 2
    assert seen.count(seen[3]) == 3


def test_a_line_that_gets_better_gets_longer_frames_again() -> None:
    link = FakeLink()
    faults = Faults(0, 0, 0, 0, 0, byte_error=0.005)
    lossy = LossyLink(link, faults)
    plain, longest = lossy.write, 0

    def spy(data: bytes) -> None:  # as sent: a damaged zero joins two frames
        nonlocal longest
        longest = max(longest, *(len(piece) for piece in data.split(b"\0")))
        plain(data)

    lossy.write = spy  # type: ignore[method-assign]
    with Session(lossy, Timeouts(600, 600, 600, resend_s=0.02)) as session:
        session.write_input(picture())
        longest = 0
        session.write_input(picture())
        on_bad = longest
        lossy.faults = Faults(0, 0, 0, 0, 0)
        for _ in range(100):
            longest = 0
            session.write_input(picture())
    assert on_bad < 400
    assert longest > 900
