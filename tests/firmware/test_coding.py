"""The device's decoder of inputs in fewer bytes, with sanitizers on, against deploy's encoder and decoder."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import coding, encoder
from deploy.frames import REPLY, Code, Frame, Type
from tests.deploy.fake import FakeEngine, FakeLink
from tests.firmware.device_driver import PRESERVES_ONE, driver
from tests.firmware.driver import Driver
from tests.firmware.test_device import ONCE, READ_ALL, ask, error_of

__all__ = ["driver"]  # fixtures


def coded(offset: int, count: int, code: bytes, flags: int = 0x40) -> Frame:
    return Frame(Type.WRITE, 1, struct.pack("<BIH", flags, offset, count) + code)


@given(
    st.one_of(st.binary(min_size=200, max_size=200), st.binary(min_size=8, max_size=8).map(lambda b: b * 25)),
    st.integers(1, 4),
)
def test_a_coded_input_is_that_input(driver: Driver, data: bytes, distance: int) -> None:
    parts = encoder.parts(data, distance, 250, 192)
    *wrote, ran, read = ask(
        driver, PRESERVES_ONE, *(coded(part.start, part.end - part.start, part.code[2:]) for part in parts),
        Frame(Type.RUN, 3, ONCE), Frame(Type.READ, 4, READ_ALL),
    )  # fmt: skip
    sizes = [struct.pack("<BIH", 0x40, part.start, part.end - part.start) for part in parts]
    assert [reply.payload for reply in wrote] == sizes
    assert ran.type == Type.RUN | REPLY
    assert read.payload[5:] == bytes((sum(data) + j) & 0xFF for j in range(10))


@given(st.binary(max_size=60), st.sampled_from([0, 64, 128, 192, 200]), st.sampled_from([0, 8, 64]))
def test_what_is_no_code_is_refused_and_writes_nothing(driver: Driver, code: bytes, offset: int, count: int) -> None:
    """Over an input of ones, whose sum shows what else was written; agent and firmware say the same."""
    before = Frame(Type.WRITE, 9, struct.pack("<BI", 0, 0) + bytes([1]) * 200)
    _, reply, _, read = ask(
        driver, PRESERVES_ONE, before, coded(offset, count, code), Frame(Type.RUN, 3, ONCE),
        Frame(Type.READ, 4, READ_ALL),
    )  # fmt: skip
    fits = offset % 64 == 0 and offset + count <= 200 and (count % 64 == 0 or offset + count == 200)
    decoded = coding.decode(code, count) if fits else None
    if decoded is None:
        assert error_of(reply) in ((Type.WRITE, Code.LENGTH), (Type.WRITE, Code.RANGE))
        assert read.payload[5] == 200
    else:
        assert reply.type == Type.WRITE | REPLY
        assert read.payload[5] == (200 - count + sum(decoded)) & 0xFF


@pytest.mark.parametrize(
    "payload", [b"\x40\0\0\0\0", b"\x40\0\0\0\0\x40", b"\xc0\0\0\0\0\x40\0", b"\x40\0\0\0\0\x40\0\0"]
)
def test_too_short_a_code_is_refused_by_agent_and_firmware(driver: Driver, payload: bytes) -> None:
    (reply,) = ask(driver, PRESERVES_ONE, Frame(Type.WRITE, 1, payload))
    assert error_of(reply) == (Type.WRITE, Code.LENGTH)
    link = FakeLink(FakeEngine(input_size=200))
    kind, answer = link.server._answer(Frame(Type.WRITE, 1, payload))
    assert (kind, answer[1]) == (Type.ERROR, Code.LENGTH)
