"""Latency, accuracy and equality of bytes, over a session with any device."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deploy.info import DeviceInfo, Stats
from deploy.session import Session
from errors import DeviceError

Progress = Callable[[int], None]
WARM_UP_BATCH = 20
STEADY = 0.02


@dataclass(frozen=True)
class Latency:
    """Times of single inferences on the device: `values` in `unit` ("us", or "instructions" on an emulator)."""

    unit: str
    counter: str
    warmup: int
    values: tuple[float, ...]

    def summary(self) -> dict[str, Any]:
        """Return the figures of the report: min, median, mean, stdev, p90, p99, max."""
        values = sorted(self.values)
        figures = {
            "min": values[0],
            "median": statistics.median(values),
            "mean": statistics.fmean(values),
            "stdev": statistics.stdev(values) if len(values) > 1 else 0.0,
            "p90": percentile(values, 90),
            "p99": percentile(values, 99),
            "max": values[-1],
        }
        digits = 0 if self.unit == "instructions" else 3
        rounded = {name: (round(value) if digits == 0 else round(value, digits)) for name, value in figures.items()}
        return {"unit": self.unit, "counter": self.counter, "n": len(values), "warmup": self.warmup, **rounded}


def percentile(ordered: list[float], percent: float) -> float:
    """Return the nearest-rank percentile of values in ascending order."""
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


class Clock:
    """Turns a device's ticks into the unit of the report."""

    def __init__(self, counter: Any) -> None:
        self.name = str(counter.name)
        self.unit = "instructions" if counter.unit == "instructions" else "us"
        self._per_tick = (1e9 if self.unit == "instructions" else 1e6) / counter.rate_hz

    def __call__(self, ticks: int) -> float:
        """Return ticks in `unit`."""
        return ticks * self._per_tick


@dataclass
class Outputs:
    """What a device answered for the first `done` of the pictures: raw outputs (n, classes) and time of each."""

    raw: npt.NDArray[Any]
    times: list[float]
    done: int = 0


def latency(session: Session, first: bytes, warmup: int, runs: int, progress: Progress | None = None) -> Latency:
    """Time `runs` inferences of one input after `warmup` that do not count, back to back where the device can."""
    clock = Clock(session.info.counter)
    times: list[float] = []
    session.infer(first)
    at_once = 20 if session.info.input_preserved else 1
    while len(times) < warmup + runs:
        count = min(at_once, warmup + runs - len(times))
        ticks = session.run(count) if session.info.input_preserved else [session.infer(first).ticks]
        times += [clock(t) for t in ticks]
        if progress:
            progress(min(len(times), warmup + runs))
    return Latency(clock.unit, clock.name, warmup + 1, tuple(times[warmup:]))


def warm_up(session: Session, first: bytes, at_least: int, at_most: int) -> int:
    """Run one input until the median of 20 runs is within 2 % of that of the 20 before; return the number of runs."""
    session.infer(first)
    done, last = 1, 0.0
    while done < at_most:
        median = statistics.median(session.run(WARM_UP_BATCH))
        done += WARM_UP_BATCH
        if done > at_least and abs(median - last) <= STEADY * median:
            break
        last = median
    return done


def run_all(session: Session, inputs: npt.NDArray[Any], outputs: Outputs, progress: Progress | None = None) -> None:
    """Send each input (n, h, w, c), already quantised, and keep what comes back in `outputs`, also if it breaks off.

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
        if progress:
            progress(i + 1)


def accuracy(
    raw: npt.NDArray[Any], labels: npt.NDArray[np.int64], reference: npt.NDArray[Any], dataset: str
) -> dict[str, Any]:
    """Return top-1, top-5 (where there are more classes than five) and the reference's top-1, as fractions."""
    order = np.argsort(-raw.astype(np.int32), axis=1, kind="stable")
    result: dict[str, Any] = {"dataset": dataset, "n": len(labels), "top1": float((order[:, 0] == labels).mean())}
    if raw.shape[1] > 5:
        result["top5"] = float((order[:, :5] == labels[:, None]).any(axis=1).mean())
    return result | {"host_top1": float((reference.argmax(axis=1) == labels).mean())}


def exactness(raw: npt.NDArray[Any], reference: npt.NDArray[Any], oracle: str) -> dict[str, Any]:
    """Return how many outputs equal the oracle's byte for byte, and the largest difference in quantised units."""
    difference = np.abs(raw.astype(np.int32) - reference.astype(np.int32))
    return {
        "oracle": oracle,
        "n": len(raw),
        "equal": int((difference.max(axis=1) == 0).sum()),
        "max_abs_diff": int(difference.max()),
    }


def memory_of(info: DeviceInfo, stats: Stats, facts: Mapping[str, Any]) -> dict[str, int]:
    """Return bytes by name: what the build planned, what the device says, what it counted while running."""
    found = {str(name): int(value) for name, value in facts.items()}
    found |= {str(name): int(value) for name, value in info.memory.items()}
    counted = {"stack_used": stats.stack_used, "peak_rss": stats.peak_rss}
    return found | {name: size for name, size in counted.items() if size is not None}
