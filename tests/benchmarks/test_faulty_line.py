"""The lines with faults that the benchmark compares: they do what they say, and a session gets through."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from benchmarks.faulty_line import LINES, CutLink, DroppingLink, KeptLink
from deploy.request import Timeouts
from deploy.session import Session
from errors import LinkError
from tests.deploy.fake import FakeLink, expected_output

PATIENT = Timeouts(600, 600, 600, resend_s=0.02)


def test_a_line_that_drops_frames() -> None:
    link = DroppingLink(FakeLink(), 0.2)
    with Session(link, PATIENT) as session:
        assert session.infer(bytes(5000)).output_bytes == expected_output(bytes(5000))
        assert session.resent_frames > 0
        assert session.damaged_frames == 0, "frames are lost whole"


def test_a_line_that_is_cut_and_opened_again() -> None:
    device = FakeLink()
    with pytest.raises(LinkError, match="cut"), Session(CutLink(device, -1.0), PATIENT):
        pass
    link = CutLink(device, 600.0)
    with Session(link, PATIENT) as session:
        link._cut_at = 0.0
        with pytest.raises(LinkError, match="cut"):
            session.stats()
    with Session(link, PATIENT) as session:
        assert session.infer(bytes(5000)).output_bytes == expected_output(bytes(5000))


def test_one_device_over_all_lines_in_turns() -> None:
    """Also over the one with all faults at once. No time passes for the cuts, which come by time."""
    kept = KeptLink(FakeLink())
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(wrap(kept, lambda: 0.0), PATIENT)) for wrap in LINES.values()]
        for number in range(2):
            for session in sessions:
                kept.open()
                data = bytes([number, sessions.index(session)]) * 2500
                assert session.infer(data).output_bytes == expected_output(data)
