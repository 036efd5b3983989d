"""The lines with faults that the benchmark compares: they do what they say, and a session gets through."""

from __future__ import annotations

import pytest

from benchmarks.faulty_line import CutLink, DroppingLink
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
