"""Times and outputs of single inferences, over a session with any device."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.evaluate import Values
from deploy.info import Counter
from deploy.session import Session
from errors import DeviceError
from measure.report import LatencySection, Unit

UNITS: dict[str, Unit] = {"instructions": "instructions", "rp2040js cycles": "rp2040js cycles"}
"""The units of the report by those of a device's counter that do not count time."""
Progress = Callable[[int], None]
WARM_UP_BATCH = 20
STEADY = 0.02


@dataclass(frozen=True)
class Latency:
    """Times of single inferences on the device, after `warmup` others: `values` in `unit`, as `counter` counted.

    `answer` has the bytes of all outputs for the input that was timed, in hexadecimal.
    """

    unit: Unit
    counter: str
    warmup: int
    values: tuple[float, ...]
    answer: str = ""

    def summary(self) -> LatencySection:
        """Return the figures of the report; counts as whole numbers, times to the nanosecond."""
        values = sorted(self.values)

        def rounded(value: float) -> float:
            return round(value, 3) if self.unit == "us" else round(value)

        return LatencySection(
            unit=self.unit,
            counter=self.counter,
            n=len(values),
            warmup=self.warmup,
            min=rounded(values[0]),
            median=rounded(statistics.median(values)),
            mean=rounded(statistics.fmean(values)),
            stdev=rounded(statistics.stdev(values) if len(values) > 1 else 0.0),
            p90=rounded(percentile(values, 90)),
            p99=rounded(percentile(values, 99)),
            max=rounded(values[-1]),
            samples=tuple(rounded(value) for value in self.values),
        )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of values in ascending order."""
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


class Clock:
    """Turns a device's ticks into the unit of the report."""

    def __init__(self, counter: Counter) -> None:
        self.name = counter.name
        self.unit: Unit = UNITS.get(counter.unit, "us")
        # QEMU makes an instruction a nanosecond of its time; rp2040js counts its cycles themselves.
        self._per_tick = {"us": 1e6 / counter.rate_hz, "instructions": 1e9 / counter.rate_hz}.get(self.unit, 1.0)

    def __call__(self, ticks: int) -> float:
        """Return ticks in `unit`."""
        return ticks * self._per_tick


@dataclass
class Outputs:
    """A device's answers to the first `done` pictures: raw outputs (n, size), and the time of each inference."""

    raw: Values
    times: list[float]
    done: int = 0


def latency(session: Session, first: bytes, warmup: int, runs: int, progress: Progress | None = None) -> Latency:
    """Time `runs` inferences of one input after `warmup` that do not count, back to back where the device can."""
    clock = Clock(session.info.counter)
    times: list[float] = []
    answer = session.infer(first).output_bytes
    at_once = 20 if session.info.input_preserved else 1
    while len(times) < warmup + runs:
        count = min(at_once, warmup + runs - len(times))
        ticks = session.run(count) if session.info.input_preserved else [session.infer(first).ticks]
        times += [clock(t) for t in ticks]
        if progress:
            progress(min(len(times), warmup + runs))
    return Latency(clock.unit, clock.name, warmup + 1, tuple(times[warmup:]), answer.hex())


def warm_up(session: Session, first: bytes, at_least: int, at_most: int) -> int:
    """Run one input until the median of 20 runs is within 2 % of that of the 20 before; return the number of runs."""
    session.infer(first)
    done, last = 1, 0.0
    while done < at_most:
        median = statistics.median(_batch(session, first))
        done += WARM_UP_BATCH
        if done > at_least and abs(median - last) <= STEADY * median:
            break
        last = median
    return done


def _batch(session: Session, first: bytes) -> list[int]:
    """Return the ticks of a batch of runs of one input, which is written before each if the engine overwrites it."""
    if session.info.input_preserved:
        return session.run(WARM_UP_BATCH)
    return [session.infer(first).ticks for _ in range(WARM_UP_BATCH)]


def run_all(
    session: Session,
    inputs: Values,
    outputs: Outputs,
    progress: Progress | None = None,
    keep: Callable[[Outputs], None] | None = None,
) -> None:
    """Send each input (n, ...), already quantized, and keep the answers in `outputs`, also if it is interrupted.

    It begins behind those that `outputs` has. `keep` is called after each answer, before the next input is sent.
    Raises DeviceError if an output has another size than the model's, LinkError if the device is gone.
    """
    clock = Clock(session.info.counter)
    row_bytes = outputs.raw[0].nbytes
    for i in range(outputs.done, len(inputs)):
        result = session.infer(np.ascontiguousarray(inputs[i]).tobytes())
        if len(result.output_bytes) != row_bytes:
            raise DeviceError(
                f"picture {i}: the device answered {len(result.output_bytes)} bytes, expected {row_bytes}"
            )
        outputs.raw[i] = np.frombuffer(result.output_bytes, outputs.raw.dtype)
        outputs.times.append(clock(result.ticks))
        outputs.done = i + 1
        if keep:
            keep(outputs)
        if progress:
            progress(i + 1)
