"""A host that slept, or whose process was stopped, does not end a run."""

from __future__ import annotations

import random
import time

from benchmarks.simulated_line import Line, SimulatedLine, answer_to
from deploy.request import Timeouts
from deploy.session import Session
from tests.deploy.fake import FakeEngine, FakeLink, expected_output

HOUR = 3600.0


class SleepyClock:
    """A clock that goes an hour ahead when `sleep` is set: the process was stopped while it read from the line."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def test_a_host_that_was_stopped_has_not_waited_for_the_device() -> None:
    link, clock = FakeLink(FakeEngine(input_size=20_000)), SleepyClock()
    plain, reads = link.read, 0

    def read(timeout_s: float) -> bytes:
        nonlocal reads
        reads += 1
        clock.ahead += HOUR * (reads % 3 == 0)
        return b"" if reads % 3 == 0 else plain(timeout_s)

    link.read = read  # type: ignore[method-assign]
    data = random.Random(1).randbytes(20_000)
    with Session(link, Timeouts(2, 2, 2, resend_s=0.02), clock=clock) as session:
        assert session.infer(data).output_bytes == expected_output(data)
    assert clock.ahead >= 2 * HOUR


class StallingLine(SimulatedLine):
    """A fast line without faults to an agent that has no processor for half a second, again and again."""

    def __init__(self) -> None:
        super().__init__(Line(20_000_000), infer_s=0.01, window=1 << 18, max_payload=65535)
        self._stalls_at, self.stalls = 0.05, 0

    def _arrive(self, piece: bytes, at: float) -> None:
        begin = max(at, self._device_free_at)
        if begin >= self._stalls_at:
            self.stalls += 1
            self._device_free_at = begin + self._random.uniform(0.1, 1.0)
            self._stalls_at = self._device_free_at + self._random.uniform(0.01, 0.1)
        super()._arrive(piece, at)


def test_a_device_that_has_no_time_is_not_taken_for_a_bad_line() -> None:
    """What was sent again too soon is answered twice: time-outs become longer, and frames stay as long as they were."""
    link, pictures = StallingLine(), 20
    with Session(link, clock=link.clock) as session:
        for number in range(pictures):
            data = random.Random(number).randbytes(49_152)
            assert session.infer(data).output_bytes == answer_to(data)
        assert link.stalls >= 10
        assert session.exchange.errors.rate == 0.0
        assert link.frames_out < 10 * pictures


def test_after_a_silence_a_bad_line_gets_a_few_frames_again_not_all() -> None:
    """Their answers show which of the others are lost: none, where the device only had no time."""
    link = SimulatedLine(Line(20_000_000, byte_error=0.01), infer_s=0.01, window=1 << 18)
    with Session(link, clock=link.clock) as session:
        for number in range(4):
            session.infer(random.Random(number).randbytes(49_152))
        assert session.exchange.errors.rate > 1e-3
        link.line = Line(20_000_000)
        again, frames = session.resent_frames, link.frames_out
        link._device_free_at = link.now + 5.0
        session.infer(random.Random(9).randbytes(49_152))
        assert link.frames_out - frames > 200
        assert session.resent_frames - again < 100
