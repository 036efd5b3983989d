"""Everything on the line that is not a good request: the device goes on and answers right."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest

from deploy import frames
from deploy.frames import Code, Frame, Type
from deploy.links.lossy import Faults, LossyLink
from deploy.session import Refused, Session
from device_tests.support import DeviceUnderTest, answers, over

RUN_ONCE = struct.pack("<H", 1)
MOST_ROUNDS = 100
"""Of pictures on a line that loses one piece in some twenty: small ones are few pieces."""


@pytest.fixture(autouse=True)
def still_right(device: DeviceUnderTest) -> Iterator[None]:
    """Whatever a test did, the device is well after it."""
    yield
    assert device.is_well()


def error_code(frame: Frame) -> int:
    assert frame.type == Type.ERROR
    return int(struct.unpack_from("<BH", frame.payload)[1])


def spoiled(kind: str, session: Session) -> bytes:
    ping = frames.encode(Frame(Type.PING, 1, b"damaged"))
    noise = random.Random(5).randbytes(300)
    return {
        "wrong CRC": ping[:-2] + bytes([ping[-2] ^ 0x40]) + ping[-1:],
        "cut short": ping[:-4] + b"\0",
        "noise": b"\0\x55\x01" + noise.replace(b"\0", b"\x7f") + b"\0",
        "over-long": b"\0\x05\x01" + b"\x09" * 2 * session.info.max_payload + b"\0",
    }[kind]


@pytest.mark.needs("clean line")
@pytest.mark.parametrize("kind", ["wrong CRC", "cut short", "noise", "over-long"])
def test_damaged_frames_are_dropped_and_counted(session: Session, kind: str) -> None:
    before = session.stats().damaged_frames
    assert answers(session, spoiled(kind, session)) == []
    assert session.stats().damaged_frames == before + 1


@pytest.mark.needs("clean line")
def test_zeros_and_empty_frames_are_nothing(session: Session) -> None:
    before = session.stats().damaged_frames
    assert answers(session, bytes(50)) == []
    assert session.stats().damaged_frames == before


@pytest.mark.needs("clean line")
@pytest.mark.parametrize("version", [2, 8])
def test_another_version_is_answered_by_this_one(session: Session, version: int) -> None:
    (reply,) = answers(session, frames.encode(Frame(Type.INFO, 77, bytes(4), version)))
    assert error_code(reply) == Code.VERSION
    assert (reply.version, reply.seq) == (frames.VERSION, 77)


@pytest.mark.parametrize("kind", [0x00, 0x5F, 0x60, 0x7F, 0x81, 0xFF])
@pytest.mark.needs("clean line")
def test_an_unknown_request_is_refused(session: Session, kind: int) -> None:
    (reply,) = answers(session, frames.encode(Frame(kind, 78, b"x")))
    assert error_code(reply) == Code.TYPE
    assert reply.payload[0] == kind


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (Type.INFO, b"", Code.LENGTH),
        (Type.INFO, bytes(5), Code.LENGTH),
        (Type.INFO, b"\xff\xff\xff\xff", Code.RANGE),
        (Type.STATS, b"x", Code.LENGTH),
        (Type.WRITE, bytes(4), Code.LENGTH),
        (Type.WRITE, struct.pack("<BI", 200, 0) + bytes(64), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 0xFFFFFFC0) + bytes(64), Code.RANGE),
        (Type.RUN, b"\1", Code.LENGTH),
        (Type.RUN, b"\1\0\0", Code.LENGTH),
        (Type.RUN, b"\0\0", Code.RANGE),
        (Type.RUN, b"\xff\xff", Code.RANGE),
        (Type.READ, bytes(6), Code.LENGTH),
        (Type.READ, bytes(8), Code.LENGTH),
        (Type.READ, struct.pack("<BIH", 9, 0, 1), Code.RANGE),
        (Type.READ, struct.pack("<BIH", 0, 0xFFFFFFFF, 2), Code.RANGE),
        (Type.READ, struct.pack("<BIH", 0, 0, 0xFFFF), Code.RANGE),
        (Type.RESET, b"x", Code.LENGTH),
    ],
)
def test_a_request_out_of_bounds_is_refused(device: DeviceUnderTest, kind: Type, payload: bytes, code: Code) -> None:
    if kind == Type.READ:
        device.session.infer(device.inputs(1)[0])
    with pytest.raises(Refused) as refused:
        device.session.request(kind, payload)
    assert refused.value.code == code
    assert refused.value.text


def test_write_past_the_end_is_refused_whole(device: DeviceUnderTest) -> None:
    size = device.session.info.inputs[0].nbytes
    expected = device.reference(device.inputs(1)[0])
    device.session.write_inputs(device.inputs(1)[0])
    with pytest.raises(Refused) as refused:
        device.session.request(Type.WRITE, struct.pack("<BI", 0, (size - 1) // 64 * 64) + bytes(128))
    assert refused.value.code == Code.RANGE
    device.session.run()
    assert device.session.read_outputs() == expected


def test_run_without_input_is_refused(device: DeviceUnderTest) -> None:
    device.session.reset()
    with pytest.raises(Refused) as refused:
        device.session.run()
    assert refused.value.code == Code.INPUT
    with pytest.raises(Refused) as refused:
        device.session.read_output()
    assert refused.value.code == Code.INPUT


@pytest.mark.needs("clean line")
def test_a_repeated_run_is_answered_again_and_not_run_again(device: DeviceUnderTest) -> None:
    session = device.session
    session.write_inputs(device.inputs(1)[0])
    before = session.stats().inferences
    run = frames.encode(Frame(Type.RUN, session.exchange.next_seq(), RUN_ONCE))
    first, again, later = answers(session, run) + answers(session, run + run)
    assert first == again == later
    assert first.type == Type.RUN | frames.REPLY
    assert session.stats().inferences == before + 1


@pytest.mark.needs("clean line")
def test_a_write_makes_the_same_number_a_new_run(device: DeviceUnderTest) -> None:
    session = device.session
    expected = [device.reference(data) for data in device.inputs(2)]
    before = session.stats().inferences
    run = frames.encode(Frame(Type.RUN, session.exchange.next_seq(), RUN_ONCE))
    for data, output in zip(device.inputs(2), expected, strict=True):
        session.write_inputs(data)
        answers(session, run)
        assert session.read_outputs() == output
    assert session.stats().inferences == before + 2


@pytest.mark.needs("clean line")
def test_requests_survive_other_bytes_between_them(session: Session) -> None:
    ping = frames.encode(Frame(Type.PING, 500, b"abc"))
    replies = answers(session, b"\xff\x80\0" + ping + b"\x03\xfe\xff\0\0" + ping + b"\0\x7f")
    assert [reply.payload for reply in replies] == [b"abc", b"abc"]


@pytest.mark.needs("clean line")
def test_a_line_that_loses_bytes_gives_the_same(device: DeviceUnderTest) -> None:
    session = device.session
    per_piece = 0.01
    lossy = LossyLink(
        session.link, Faults(per_piece, per_piece, per_piece, per_piece, per_piece, delay_s=0.002), seed=7
    )
    count = min(5, device.count)
    expected = [device.reference(data) for data in device.inputs(count)]
    before, rounds = session.stats().inferences, 0
    with over(session, lossy):
        while not rounds or (not sum(lossy.counts.values()) and rounds < MOST_ROUNDS):
            rounds += 1
            assert [session.infer(data).output_bytes for data in device.inputs(count)] == expected
    assert session.stats().inferences == before + rounds * count, "a lost reply made an inference run twice"
    assert sum(lossy.counts.values()) > 0, "the line lost nothing: this shows nothing"


def test_after_all_tests_it_still_answers_right(device: DeviceUnderTest) -> None:
    assert device.answers_right()
