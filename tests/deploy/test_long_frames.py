"""A line, or an adapter on it, that loses long frames gets shorter ones, no matter how slow it is."""

from __future__ import annotations

import random

import pytest

from benchmarks.simulated_line import Line, SimulatedLine, answer_to
from deploy.request import NoAnswer
from deploy.session import Session
from tests.deploy.test_session import frame_by_frame

SIZE = 49_152
LONGEST = 2000


def line_that_loses(longest: int, baud: int, window: int) -> SimulatedLine:
    """Return a line that loses each frame of more than `longest` bytes, to a device that could take them all."""
    link = SimulatedLine(Line(baud), input_bytes=SIZE, infer_s=0.01, window=window, max_payload=65535)
    frame_by_frame(link, lambda _, encoded: len(encoded) > longest)
    return link


@pytest.mark.parametrize("window", [8192, 1 << 18])
@pytest.mark.parametrize("baud", [38_400, 115_200, 921_600, 20_000_000])
def test_frames_become_short_before_patience_ends(baud: int, window: int) -> None:
    link = line_that_loses(LONGEST, baud, window)
    with Session(link, clock=link.clock) as session:
        for number in range(2):
            data = random.Random(number).randbytes(SIZE)
            assert session.infer(data).output_bytes == answer_to(data)


def test_a_device_that_is_gone_does_not_get_requests_forever() -> None:
    link = line_that_loses(LONGEST, 115_200, 1 << 18)
    with Session(link, clock=link.clock) as session:
        session.infer(random.Random(1).randbytes(SIZE))
        link.write = lambda data: None  # type: ignore[method-assign]
        begin = link.now
        with pytest.raises(NoAnswer, match="no answer in"):
            session.infer(random.Random(2).randbytes(SIZE))
    assert link.now - begin < 120
