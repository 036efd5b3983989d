"""The serial commands of MLPerf Tiny's runner, as the device answers them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from device_tests.support import DeviceUnderTest, ask_text

pytestmark = pytest.mark.needs("clean line")
BYTES_A_COMMAND = 31


def test_name_and_profile(device: DeviceUnderTest) -> None:
    assert ask_text(device.session, "name%") == [f"m-name-dut-[{device.session.info.board}]"]
    profile, model = ask_text(device.session, "profile%")
    assert profile.startswith("m-profile-[")
    assert re.fullmatch(r"m-model-\[.+\]", model)


def test_timestamps_go_up(device: DeviceUnderTest) -> None:
    first, second = (int(ask_text(device.session, "timestamp%")[0].removeprefix("m-lap-us-")) for _ in range(2))
    assert second >= first


@pytest.mark.needs("whole input")
@pytest.mark.needs("one input")
def test_a_picture_is_classified(device: DeviceUnderTest) -> None:
    spec, output = device.session.info.inputs[0], device.session.info.outputs[0]
    if spec.nbytes > 1 << 13:
        pytest.skip(f"{device.target.name}: {spec.nbytes} bytes as text take long, and the small model shows the same")
    data = device.inputs(1)[0]
    is_picture = spec.dtype == "int8" and len(spec.shape) == 4 and spec.shape[1] == spec.shape[2]
    pixels = bytes((byte + 128) % 256 for byte in data) if is_picture else data
    assert ask_text(device.session, f"db load {len(pixels)}%") == [f"m-[Expecting {len(pixels)} bytes]"]
    answers: list[str] = []
    for at in range(0, len(pixels), BYTES_A_COMMAND):
        answers += ask_text(device.session, f"db {pixels[at : at + BYTES_A_COMMAND].hex()}%")
    assert answers == ["m-load-done"]
    lines = ask_text(device.session, "infer 2 1%")
    assert lines[:3] == ["m-warmup-start-1", "m-warmup-done", "m-infer-start-2"]
    assert lines[5] == "m-infer-done"
    laps = [int(line.removeprefix("m-lap-us-")) for line in lines[3:5]]
    assert laps[0] <= laps[1]
    stored = np.frombuffer(device.reference(data)[: output.nbytes], output.dtype).astype(np.float64)
    expected = (stored - output.zero_point) * (output.scale or 1.0)
    results = [float(value) for value in lines[6].removeprefix("m-results-[").removesuffix("]").split(",")]
    assert results == pytest.approx(list(expected), abs=0.0011)
    assert ask_text(device.session, "results%") == [lines[6]]


@pytest.mark.parametrize("command", ["reboot%", "db load 999999999%", "db load%", "db%", "infer 0%", "infer x%"])
def test_what_cannot_be_done_is_refused(device: DeviceUnderTest, command: str) -> None:
    lines = ask_text(device.session, command)
    assert all(line.startswith("e-[") for line in lines)
    assert lines
    assert device.is_well()


@pytest.mark.needs("whole input")
@pytest.mark.needs("one input")
def test_more_bytes_than_announced_are_not_stored(device: DeviceUnderTest) -> None:
    ask_text(device.session, "db load 2%")
    ask_text(device.session, f"db {'ff' * 40}%")
    assert device.answers_right()
