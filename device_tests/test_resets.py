"""A device that starts again at any time: by its own RESET, and where it can be started from here, by a cut."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from deploy import frames
from deploy.frames import Code, Frame, Type
from deploy.session import Refused, Session
from device_tests.support import DeviceUnderTest

RUN_ONCE = struct.pack("<H", 1)
MOMENTS = ["inference", "transfer", "reply"]


@pytest.fixture(autouse=True)
def still_right(device: DeviceUnderTest) -> Iterator[None]:
    """Whatever a test did, the device is well after it."""
    yield
    assert device.is_well()


def frame(session: Session, kind: Type, payload: bytes = b"") -> bytes:
    return frames.encode(Frame(kind, session.exchange.next_seq(), payload))


def begin(device: DeviceUnderTest, moment: str) -> None:
    """Let the device be in the middle of something; its answers are not read."""
    session, data = device.session, device.inputs(1)[0]
    if moment == "inference":
        session.write_inputs(data)
        session.link.write(frame(session, Type.RUN, RUN_ONCE))
    elif moment == "transfer":
        first = device.tensors(data)[0]
        write = frame(session, Type.WRITE, struct.pack("<BI", 0, 0) + first[:64])
        session.link.write(write + frame(session, Type.WRITE, struct.pack("<BI", 0, 64) + first[64:128])[:-9] + b"\0")
    else:
        ping = bytes(range(256))[: session.info.max_payload]
        count = max(1, session.info.window // frames.encoded_size(len(ping)) - 1)
        session.link.write(b"".join(frame(session, Type.PING, ping) for _ in range(count)))


def expect_started_anew(device: DeviceUnderTest) -> None:
    """Nothing is left of what was before: no count, no input, no output."""
    session = device.session
    assert session.stats().inferences == 0
    with pytest.raises(Refused) as refused:
        session.run()
    assert refused.value.code == Code.INPUT
    with pytest.raises(Refused) as refused:
        session.read_output()
    assert refused.value.code == Code.INPUT


def test_reset_starts_the_device_again(device: DeviceUnderTest) -> None:
    session, info = device.session, device.session.info
    assert device.answers_right()
    session.write_inputs(device.inputs(1)[0])
    session.reset()
    assert session.info == info
    expect_started_anew(device)


@pytest.mark.needs("clean line")
@pytest.mark.parametrize("moment", MOMENTS)
def test_reset_in_the_middle(device: DeviceUnderTest, moment: str) -> None:
    session, info = device.session, device.session.info
    begin(device, moment)
    session.link.write(frame(session, Type.RESET))
    session.shake_hands()
    assert session.info == info
    expect_started_anew(device)


@pytest.mark.needs("restart")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cut_in_the_middle(device: DeviceUnderTest, moment: str) -> None:
    if device.target.measured_on == "emulated" and device.target.kind != "mcu" and moment != MOMENTS[0]:
        pytest.skip(f"{device.target.name}: takes long to start again, once is enough")
    info = device.session.info
    begin(device, moment)
    device.restart()
    assert device.session.info == info
    expect_started_anew(device)
