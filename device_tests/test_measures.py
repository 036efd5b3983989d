"""What the device measures: its counter and its memory. No speed is asserted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device_tests.memory import Marks
from device_tests.support import DeviceUnderTest

RUNS = 5
WARM_UPS = 10
"""Inferences after which a process of Linux has the memory that it needs."""


def ticks_of(device: DeviceUnderTest, count: int) -> list[int]:
    data = device.inputs(1)[0]
    return [device.session.infer(data).ticks for _ in range(count)]


@pytest.mark.needs("exact counter")
def test_the_same_inference_takes_the_same_instructions(device: DeviceUnderTest) -> None:
    ticks = ticks_of(device, RUNS)[1:]
    # SysTick and the SSE-300 counter are read one tick early or late at times.
    assert max(ticks) - min(ticks) <= 1, f"ticks of {RUNS - 1} runs: {ticks}"


def test_every_inference_takes_some_time(device: DeviceUnderTest) -> None:
    assert all(ticks > 0 for ticks in ticks_of(device, RUNS))


def test_the_devices_clock_does_not_run_ahead_of_the_hosts(device: DeviceUnderTest) -> None:
    counter = device.session.info.counter
    if device.target.measured_on == "emulated":
        pytest.skip(f"{device.target.name}: an emulator has its own time")
    for data in device.inputs(RUNS):
        result = device.session.infer(data)
        assert result.ticks / counter.rate_hz <= 1.01 * result.round_trip_s, "counter.rate_hz is too low"


@pytest.mark.needs("two counters")
def test_two_counters_of_the_device_agree(device: DeviceUnderTest) -> None:
    ticks_of(device, 1)
    before = device.session.stats()
    ticks = ticks_of(device, RUNS)
    after, info = device.session.stats(), device.session.info
    assert info.second
    first = (after.run_ticks or 0) - (before.run_ticks or 0)
    second = (after.run_second_ticks or 0) - (before.run_second_ticks or 0)
    assert first == sum(ticks)
    first_s, second_s = first / info.counter.rate_hz, second / info.second.rate_hz
    assert abs(first_s - second_s) <= 0.02 * first_s + 2 * RUNS / info.second.rate_hz


def test_inferences_are_counted(device: DeviceUnderTest) -> None:
    before = device.session.stats().inferences
    ticks_of(device, 3)
    assert device.session.stats().inferences == before + 3


@pytest.mark.needs("stack")
def test_the_stack_stays_within_what_is_reserved(device: DeviceUnderTest) -> None:
    assert device.answers_right()
    used, reserved = device.session.stats().stack_used, device.session.info.memory["stack"]
    assert used
    assert used < reserved


def test_memory_marks_stay_for_many_inferences(
    device: DeviceUnderTest, record_property: Callable[[str, object], None]
) -> None:
    inputs = device.inputs(min(device.count, device.inferences))
    expected = [device.reference(data) for data in inputs]
    ticks_of(device, WARM_UPS)
    before = Marks.of(device.session.stats())
    for number in range(device.inferences):
        at = number % len(inputs)
        assert device.session.infer(inputs[at]).output_bytes == expected[at], f"inference {number + 1}"
    after = Marks.of(device.session.stats())
    for name, size in after.known().items():
        record_property(name, size)
    record_property("inferences", device.inferences)
    assert before.growth(after) == {}, f"bytes before and after {device.inferences} inferences"


@pytest.mark.needs("load time")
def test_loading_and_the_first_inference_are_timed(device: DeviceUnderTest) -> None:
    assert device.answers_right()
    stats = device.session.stats()
    assert stats.load_ns
    assert stats.first_inference_ns
