"""What the session refuses of runs, inputs and outputs, and how it numbers its requests."""

from __future__ import annotations

import struct

import pytest

from deploy.frames import Code, Type
from deploy.session import Refused, Session
from errors import DeviceError
from tests.deploy.fake import QUICK, FakeEngine, FakeLink, expected_output, picture


def test_count_runs_that_often_and_splits_what_no_frame_holds() -> None:
    with Session(FakeLink(max_payload=90, window=256), QUICK) as session:
        session.write_input(picture())
        assert session.run(25) == list(range(1001, 1026))


def test_an_engine_that_eats_its_input_runs_once() -> None:
    with Session(FakeLink(FakeEngine(input_preserved=False)), QUICK) as session:
        session.write_input(picture())
        with pytest.raises(DeviceError, match="overwrites its input"):
            session.run(2)


def test_run_without_input_is_refused() -> None:
    with Session(FakeLink(), QUICK) as session:
        with pytest.raises(Refused, match="refused RUN: INPUT: input 0 is not whole") as refused:
            session.run()
        assert refused.value.code == Code.INPUT


def test_half_an_input_after_a_run_is_not_whole() -> None:
    with Session(FakeLink(), QUICK) as session:
        session.infer(picture())
        session.run()  # The same input again is fine.
        session.request(Type.WRITE, struct.pack("<BI", 0, 0) + bytes(64))
        with pytest.raises(Refused, match="INPUT"):
            session.run()


def test_an_output_is_there_until_the_next_write() -> None:
    with Session(FakeLink(), QUICK) as session:
        with pytest.raises(Refused, match="READ: no output"):
            session.read_output()
        session.infer(picture())
        assert session.read_output() == expected_output(picture())
        session.request(Type.WRITE, struct.pack("<BI", 0, 0) + bytes(64))
        with pytest.raises(Refused, match="READ: no output"):
            session.read_output()


def test_engine_failure_has_its_message() -> None:
    link = FakeLink()
    link.engine.fails = "gather index out of bounds"
    with Session(link, QUICK) as session, pytest.raises(Refused, match="ENGINE: gather index out of bounds") as refused:
        session.infer(picture())
    assert refused.value.code == Code.ENGINE


def test_a_wrong_input_size_is_the_callers_mistake() -> None:
    with Session(FakeLink(), QUICK) as session, pytest.raises(ValueError, match="expected 5000 bytes, got 4999"):
        session.infer(bytes(4999))


def test_sequence_numbers_wrap_past_zero() -> None:
    with Session(FakeLink(), QUICK) as session:
        session.exchange._seq = 0xFFFE
        assert [session.exchange.next_seq() for _ in range(3)] == [0xFFFF, 1, 2]
        session.exchange._seq = 0xFFFE
        assert session.infer(picture()).output_bytes == expected_output(picture())


def test_a_run_number_that_another_session_used_is_a_new_run() -> None:
    link = FakeLink()
    for n in range(2):
        with Session(link, QUICK) as session:
            session.exchange._seq = 100
            assert session.infer(picture(n)).output_bytes == expected_output(picture(n))
    assert link.engine.runs == 2


@pytest.mark.parametrize(("unit", "ticks"), [("ticks", 60_000_000), ("ticks", 2**64 - 1), ("instructions", 2**50)])
def test_times_that_can_t_be_are_refused(unit: str, ticks: int) -> None:
    engine = FakeEngine()
    engine.counter["unit"] = unit
    engine.run = lambda: ticks  # type: ignore[method-assign]
    expected = r"RUN of 1 took .* s by the device's counter COUNT, and it answered after .* s; check the counter"
    with Session(FakeLink(engine), QUICK) as session, pytest.raises(DeviceError, match=expected):
        session.infer(picture())
