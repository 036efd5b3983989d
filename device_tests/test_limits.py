"""The ends of what the device says that it takes: the largest frames, a full window, the longest commands and runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from deploy import frames
from deploy.frames import Code, Frame, Type
from deploy.session import Refused, Session
from device_tests.support import DeviceUnderTest, answers, ask_text

pytestmark = pytest.mark.needs("clean line")
MAX_RUN_S = 10.0
COMMAND_CHARACTERS = 200
"""How long a command every device takes; a microcontroller takes no longer one."""


@pytest.fixture(autouse=True)
def still_right(device: DeviceUnderTest) -> Iterator[None]:
    """Whatever a test did, the device is well after it."""
    yield
    assert device.is_well()


def pings(session: Session, size: int) -> list[Frame]:
    """Return as many PINGs of `size` bytes as the window holds beside the one that ends `answers`."""
    room = session.info.window - frames.encoded_size(len(b"end of answers"))
    count = max(1, room // frames.encoded_size(size))
    patterns = [bytes((seq + at) % 256 for at in range(size)) for seq in range(count)]
    return [Frame(Type.PING, session.exchange.next_seq(), pattern) for pattern in patterns]


@pytest.mark.parametrize("size", ["none", "some", "largest"])
def test_a_full_window_is_answered_whole_and_in_order(session: Session, size: str) -> None:
    # A window of a MiB is full of frames of 64 KB, not of empty ones, which would take seconds.
    sent = pings(session, {"none": 0, "some": 200, "largest": session.info.max_payload - 14}[size])[:512]
    replies = answers(session, b"".join(map(frames.encode, sent)))
    assert [(reply.type, reply.seq) for reply in replies] == [(Type.PING | frames.REPLY, ping.seq) for ping in sent]
    assert [reply.payload for reply in replies] == [ping.payload for ping in sent]


def test_a_frame_one_byte_too_long_is_dropped(session: Session) -> None:
    size = session.info.max_payload + 1
    if size > frames.MAX_PAYLOAD:
        pytest.skip("no frame can be longer than what this device takes")
    before = session.stats().damaged_frames
    ping = Frame(Type.PING, session.exchange.next_seq(), (bytes(range(1, 256)) * (size // 255 + 1))[:size])
    assert answers(session, frames.encode(ping)) == []
    assert session.stats().damaged_frames == before + 1


def test_sequence_numbers_go_round(session: Session) -> None:
    for seq in (0xFFFE, 0xFFFF, 1):
        (reply,) = answers(session, frames.encode(Frame(Type.PING, seq, b"round")))
        assert (reply.seq, reply.payload) == (seq, b"round")


def test_the_largest_read_and_one_byte_more(device: DeviceUnderTest) -> None:
    data, most = device.inputs(1)[0], device.session.info.max_payload - 5
    expected = device.reference(data)[: device.session.info.outputs[0].nbytes]
    device.session.infer(data)
    size = min(most, len(expected))
    assert device.session.request(Type.READ, struct.pack("<BIH", 0, 0, size))[5:] == expected[:size]
    with pytest.raises(Refused) as refused:
        device.session.request(Type.READ, struct.pack("<BIH", 0, len(expected) - size, size + 1))
    assert refused.value.code == Code.RANGE


@pytest.mark.needs("input_preserved")
def test_the_longest_run_and_one_more(device: DeviceUnderTest) -> None:
    session, most = device.session, (device.session.info.max_payload - 2) // 8
    seconds = min(session.infer(data).round_trip_s for data in device.inputs(3))
    if most * seconds > MAX_RUN_S:
        pytest.skip(f"{device.target.name}: {most} inferences would take {most * seconds:.0f} s")
    before = session.stats().inferences
    session.write_inputs(device.inputs(1)[0])
    with pytest.raises(Refused) as refused:
        session.request(Type.RUN, struct.pack("<H", most + 1))
    assert refused.value.code == Code.RANGE
    assert len(session.run(most)) == most
    assert session.stats().inferences == before + most


def test_the_longest_command_and_longer_ones(session: Session) -> None:
    name = "x" * COMMAND_CHARACTERS
    assert ask_text(session, f"{name}%") == [f"e-[Unknown command: {name}]"]
    for length in (COMMAND_CHARACTERS + 1, 5000):
        (line,) = ask_text(session, "x" * length + "%")
        assert line.startswith("e-[")
