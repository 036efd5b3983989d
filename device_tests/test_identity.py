"""The device's INFO: its identity and its tensors."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from deploy import frames
from deploy.frames import Type
from deploy.info import parse_info
from deploy.session import Session
from device_tests.support import LITERT_ENGINES, DeviceUnderTest


def test_it_holds_this_model(device: DeviceUnderTest) -> None:
    assert device.session.info.model_sha256 == device.held_sha256


def test_it_is_the_target(device: DeviceUnderTest) -> None:
    info = device.session.info
    assert device.is_other_board or info.board == device.target.name
    assert info.engine in (LITERT_ENGINES if device.engine in (*LITERT_ENGINES, "edgetpu") else (device.engine,))
    assert info.kernels.startswith("edgetpu") == (device.engine == "edgetpu")
    assert info.firmware != "unknown"


@pytest.mark.needs("host reference")
def test_inputs_and_outputs_are_the_models(device: DeviceUnderTest) -> None:
    info, oracle = device.session.info, device.oracle
    for reported, expected in ((info.inputs, oracle.inputs), (info.outputs, oracle.outputs)):
        assert len(reported) == len(expected)
        for spec, end in zip(reported, expected, strict=True):
            assert (spec.shape, spec.dtype, spec.zero_point) == (end.shape, end.dtype, end.zero_point)
            assert np.float32(spec.scale) == pytest.approx(np.float32(end.scale), rel=1e-6)


def test_only_an_emulator_counts_anything_but_time(device: DeviceUnderTest) -> None:
    emulator = device.target.emulator if device.target.kind == "mcu" else None
    assert device.session.info.counter.unit == (emulator.unit if emulator else "ticks")


def test_window_holds_the_largest_frame(session: Session) -> None:
    assert session.info.window >= frames.encoded_size(session.info.max_payload)


def test_info_can_be_read_from_any_offset(session: Session) -> None:
    whole, total = b"", 1
    while len(whole) < total:
        reply = session.request(Type.INFO, struct.pack("<I", len(whole)))
        offset, total = struct.unpack_from("<II", reply)
        assert offset == len(whole)
        whole += reply[8:]
    assert parse_info(whole, "device") == session.info
    for offset in (1, len(whole) // 2, len(whole) - 1):
        reply = session.request(Type.INFO, struct.pack("<I", offset))
        assert reply[8:] == whole[offset : offset + len(reply) - 8]


@pytest.mark.parametrize("size", [0, 1, 243, 244, 245, 64])
def test_ping_returns_all_bytes(session: Session, size: int) -> None:
    session.ping(bytes(range(256))[:size])
    session.ping(bytes(size))


@pytest.mark.needs("clean line")  # A frame of 64 KB has no chance on one that loses bytes.
def test_largest_ping_comes_back(session: Session) -> None:
    session.ping((bytes(range(256)) * 256)[: session.info.max_payload])
