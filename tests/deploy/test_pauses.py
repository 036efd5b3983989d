"""A host that slept, or whose process was stopped, does not end a run."""

from __future__ import annotations

import random
import time

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
