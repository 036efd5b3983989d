"""Cycles beside time: a device's two counters, compared with each other, and the rate of its core's clock."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.info import DeviceInfo, Stats

OFF = 0.02
"""Part by which a counter's rate may differ from what the device says before it is reported as wrong."""
SURE = 0.005
"""Largest uncertainty of a comparison that counts: both ends of each inference are known to one tick."""


@dataclass(frozen=True)
class ClockSection:
    """Cycles of the core for one inference, `cycles`, the median, and the clock that they are counted by.

    `rate_hz` is the core's clock as the firmware states it. `measured_hz` is the cycles that `counter` counted in a
    second of `time_counter`, `error` the part by which that is above `rate_hz`; None where the device has one counter
    only, or ran for too short a time.
    """

    counter: str
    rate_hz: int
    cycles: int
    time_counter: str | None = None
    measured_hz: int | None = None
    error: float | None = None


def section(info: DeviceInfo, median_us: float | None, stats: Stats) -> ClockSection | None:
    """Return the report's section `clock`, by what both counters have counted of all inferences so far.

    None where the device does not say what it counts, where that is not real (an emulator's), or without a latency.
    """
    counter, second = info.counter, info.second
    if median_us is None or counter.unit != "ticks" or counter.cycles is None:
        return None
    rates = _measured(info, stats)
    if counter.cycles:
        cycles = round(median_us * counter.rate_hz / 1e6)
        if not second or not rates:
            return ClockSection(counter.name, counter.rate_hz, cycles)
        return _compared(counter.name, counter.rate_hz, cycles, second.name, rates[0])
    if not second or not rates:
        return None
    return _compared(second.name, second.rate_hz, round(median_us * rates[1] / 1e6), counter.name, rates[1])


def _compared(name: str, rate_hz: int, cycles: int, time_counter: str, measured_hz: float) -> ClockSection:
    error = round(measured_hz / rate_hz - 1, 4)
    return ClockSection(name, rate_hz, cycles, time_counter, round(measured_hz), error)


def _measured(info: DeviceInfo, stats: Stats) -> tuple[float, float] | None:
    """Return the rate of the first counter in Hz by the second, and of the second by the first."""
    ticks, second_ticks = stats.run_ticks, stats.run_second_ticks
    if not (info.second and ticks and second_ticks):
        return None
    if 2 * max(1, stats.inferences) > SURE * min(ticks, second_ticks):
        return None
    return ticks * info.second.rate_hz / second_ticks, second_ticks * info.counter.rate_hz / ticks


def differs(clock: ClockSection | None) -> str:
    """Return what to say of two counters that disagree, "" for those that agree or were not compared."""
    if clock is None or clock.error is None or abs(clock.error) <= OFF:
        return ""
    how = "fast" if clock.error > 0 else "slow"
    return f"{clock.counter} is {100 * abs(clock.error):.1f} % {how} by {clock.time_counter}"


def rows(clock: ClockSection) -> list[tuple[str, str]]:
    """Return the section as label and text of each row."""
    text = f"{clock.cycles:,} an inference; {clock.counter} at {_mhz(clock.rate_hz)}"
    if clock.measured_hz is not None:
        text += f", {_mhz(clock.measured_hz)} by {clock.time_counter}"
    table = [("cycles", text)]
    if difference := differs(clock):
        table.append(("CLOCK", f"{difference}: cycles or time are wrong by as much"))
    return table


def _mhz(rate_hz: int) -> str:
    return f"{rate_hz / 1e6:,.2f} MHz"
