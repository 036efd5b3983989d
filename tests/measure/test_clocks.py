"""Cycles beside time: what a device's two counters say of its core's clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from datasets import Dataset
from deploy.info import Counter, DeviceInfo, SecondCounter, Stats
from measure import bench, clocks, layout
from measure.clocks import ClockSection
from tests.measure.device import Device, set_up

CYCLES = Counter("DWT CYCCNT", 180_000_000, "ticks", cycles=True)
MICROS = Counter("micros", 1_000_000, "ticks", cycles=False)
TIMER = SecondCounter("TIM2", 90_000_000)
DWT = SecondCounter("DWT CYCCNT", 180_000_000)
WRAPS = 1 << 33  # far more than 32 bits can count


@pytest.fixture
def info(device: Device) -> DeviceInfo:
    return device.info


def counted(ticks: int, second: int, inferences: int = 200) -> Stats:
    return Stats(inferences=inferences, run_ticks=ticks, run_second_ticks=second)


def test_cycles_are_compared_with_a_timer(info: DeviceInfo) -> None:
    found = clocks.section(replace(info, counter=CYCLES, second=TIMER), 2_000.0, counted(2 * WRAPS, WRAPS))
    assert found == ClockSection("DWT CYCCNT", 180_000_000, 360_000, "TIM2", 180_000_000, 0.0)
    assert clocks.rows(found) == [("cycles", "360,000 an inference; DWT CYCCNT at 180.00 MHz, 180.00 MHz by TIM2")]


def test_time_gets_cycles_beside_it(info: DeviceInfo) -> None:
    found = clocks.section(replace(info, counter=MICROS, second=DWT), 2_000.0, counted(1_000_000, 168_000_000))
    assert found == ClockSection("DWT CYCCNT", 180_000_000, 336_000, "micros", 168_000_000, -0.0667)
    assert clocks.rows(found)[1] == (
        "CLOCK", "DWT CYCCNT is 6.7 % slow by micros: cycles or time are wrong by as much",
    )  # fmt: skip


@pytest.mark.parametrize(("second", "expected"), [(91_800_000, ""), (88_000_000, "DWT CYCCNT is 2.3 % fast by TIM2")])
def test_two_percent_are_not_reported(info: DeviceInfo, second: int, expected: str) -> None:
    found = clocks.section(replace(info, counter=CYCLES, second=TIMER), 2_000.0, counted(180_000_000, second))
    assert clocks.differs(found) == expected


@pytest.mark.parametrize("stats", [Stats(), counted(0, 0), counted(1_000_000, 100), counted(90, 180)])
def test_what_was_not_counted_or_too_short_is_not_compared(info: DeviceInfo, stats: Stats) -> None:
    alone = ClockSection("DWT CYCCNT", 180_000_000, 360_000)
    assert clocks.section(replace(info, counter=CYCLES, second=TIMER), 2_000.0, stats) == alone
    assert clocks.section(replace(info, counter=CYCLES), 2_000.0, counted(180_000_000, 90_000_000)) == alone
    assert clocks.section(replace(info, counter=MICROS, second=DWT), 2_000.0, stats) is None


@pytest.mark.parametrize(
    "counter",
    [
        Counter("TIM2", 10**9, "instructions"),
        Counter("SysTick", 125_000_000, "rp2040js cycles", cycles=True),
        Counter("CLOCK_MONOTONIC", 10**9, "ticks"),
        Counter("micros", 10**6, "ticks", cycles=False),
    ],
)
def test_there_are_no_cycles_of_what_counts_none(info: DeviceInfo, counter: Counter) -> None:
    assert clocks.section(replace(info, counter=counter), 2_000.0, counted(180_000_000, 90_000_000)) is None
    assert clocks.section(replace(info, counter=CYCLES), None, Stats()) is None


def test_a_report_has_cycles_time_and_what_differs(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    device.info = replace(device.info, counter=replace(CYCLES, rate_hz=1_000_000_000), second=TIMER)
    device.counted = (1_000_000_000, 99_000_000)
    report = bench.measure(set_up(int8, data, "rpi4"), ["latency"], "").report
    assert report.latency
    assert report.clock
    assert report.clock == ClockSection("DWT CYCCNT", 10**9, 2_000_000, "TIM2", 909_090_909, -0.0909)
    assert report.clock.cycles == pytest.approx(1000 * report.latency.median)
    assert [label for label, _ in layout.rows(report)].count("CLOCK") == 1
    assert "DWT CYCCNT is 9.1 % slow by TIM2" in " ".join(capsys.readouterr().out.split())
    assert "| cycles | 2,000,000 an inference; DWT CYCCNT at 1,000.00 MHz" in layout.markdown(report)
