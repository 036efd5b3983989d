"""Figures of a measurement against straightforward oracles, and a device that fails in the middle."""

from __future__ import annotations

import statistics
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deploy.info import Counter, DeviceInfo, Stats
from errors import DeviceError, LinkError
from measure import figures, samples
from measure.samples import Clock, Latency, Outputs, percentile

TIMES = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=60)


@given(TIMES, st.integers(0, 100))
def test_percentile_is_numpy_s_nearest_rank(values: list[float], percent: int) -> None:
    assert percentile(sorted(values), percent) == np.percentile(values, percent, method="inverted_cdf")


@given(TIMES)
def test_summary(values: list[float]) -> None:
    found = Latency("us", "clock", 5, tuple(values)).summary()
    assert (found.unit, found.counter, found.n, found.warmup) == ("us", "clock", len(values), 5)
    expected = {
        "min": min(values),
        "median": statistics.median(values),
        "mean": np.mean(values),
        "stdev": np.std(values, ddof=1) if len(values) > 1 else 0,
        "p90": np.percentile(values, 90, method="inverted_cdf"),
        "p99": np.percentile(values, 99, method="inverted_cdf"),
        "max": max(values),
    }
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6, abs=2e-3), name
    assert found.min <= found.median <= found.p90 <= found.p99 <= found.max


def test_instructions_are_whole_numbers() -> None:
    found = Latency("instructions", "icount", 1, (10.0, 11.0, 13.0)).summary()
    assert all(
        isinstance(getattr(found, name), int) for name in ("min", "median", "mean", "stdev", "p90", "p99", "max")
    )


@pytest.mark.parametrize(
    ("unit", "rate", "ticks", "expected"),
    [
        ("ticks", 10**9, 1500, 1.5),
        ("ticks", 168_000_000, 168, 1.0),
        ("instructions", 25_000_000, 42, 1680.0),
        ("rp2040js cycles", 125_000_000, 42, 42.0),
    ],
)
def test_clock(unit: str, rate: int, ticks: int, expected: float) -> None:
    clock = Clock(Counter("c", rate, unit))
    assert clock(ticks) == pytest.approx(expected)
    assert clock.unit == ("us" if unit == "ticks" else unit)


RAW = st.integers(2, 12).flatmap(
    lambda classes: hnp.arrays(
        np.int8, st.tuples(st.integers(1, 30), st.just(classes)), elements=st.integers(-128, 127)
    )
)


@given(RAW, st.data())
def test_accuracy(raw: Any, data: st.DataObject) -> None:
    n, classes = raw.shape
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)))
    reference = raw[::-1]
    found = figures.accuracy(raw, labels, reference, "some")

    def rank(row: Any, label: int) -> int:
        """Return how many classes go before: larger ones, and of equal ones the first."""
        return sum(int(v) > int(row[label]) or (v == row[label] and i < label) for i, v in enumerate(row))

    ranks = [rank(row, label) for row, label in zip(raw, labels, strict=True)]
    assert (found.dataset, found.n) == ("some", n)
    assert found.top1 == pytest.approx(sum(r == 0 for r in ranks) / n)
    assert (found.top5 is not None) == (classes > 5)
    if classes > 5:
        assert found.top5 == pytest.approx(sum(r < 5 for r in ranks) / n)
    assert found.host_top1 == pytest.approx(
        sum(rank(row, label) == 0 for row, label in zip(reference, labels, strict=True)) / n
    )


@given(RAW, st.data())
def test_exactness(raw: Any, data: st.DataObject) -> None:
    other = raw.copy()
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, raw.shape[0] - 1)), data.draw(st.integers(0, raw.shape[1] - 1))
        other[at] = data.draw(st.integers(-128, 127))
    found = figures.exactness(raw, other, "oracle")
    assert found.n == len(raw)
    assert found.equal == sum(a.tobytes() == b.tobytes() for a, b in zip(raw, other, strict=True))
    assert found.max_abs_diff == max(
        abs(int(a) - int(b)) for a, b in zip(raw.flat, other.flat, strict=True)
    )  # fmt: skip


def test_the_largest_difference_does_not_wrap() -> None:
    assert figures.exactness(np.array([[-128]], np.int8), np.array([[127]], np.int8), "o").max_abs_diff == 255


class Device:
    """A session whose output is the first two bytes of the input, and which is lost after `lives` inferences."""

    def __init__(self, lives: int = 10**9, preserved: bool = True, size: int = 2) -> None:
        counter = SimpleNamespace(name="c", rate_hz=10**6, unit="ticks")
        self.info = SimpleNamespace(counter=counter, input_preserved=preserved, memory={"arena": 10})
        self.lives, self.size, self.runs = lives, size, 0
        self.batches: list[int] = []

    def infer(self, data: bytes) -> Any:
        self.runs += 1
        if self.runs > self.lives:
            raise LinkError("gone")
        return SimpleNamespace(output_bytes=data[: self.size], ticks=self.runs)

    def run(self, count: int) -> list[int]:
        self.batches.append(count)
        self.runs += count
        return list(range(self.runs - count + 1, self.runs + 1))


INPUTS = np.arange(40, dtype=np.int8).reshape(10, 2, 2, 1)


def _outputs() -> Outputs:
    return Outputs(np.zeros((10, 2), np.int8), [])


def test_run_all_keeps_every_answer_in_its_place() -> None:
    outputs = _outputs()
    heard: list[int] = []
    samples.run_all(Device(), INPUTS, outputs, heard.append)  # type: ignore[arg-type]
    assert (outputs.raw == INPUTS.reshape(10, 4)[:, :2]).all()
    assert heard == list(range(1, 11))
    assert outputs.times == list(range(1, 11))


def test_run_all_keeps_what_came_before_the_device_was_lost() -> None:
    outputs = _outputs()
    with pytest.raises(LinkError):
        samples.run_all(Device(lives=4), INPUTS, outputs)  # type: ignore[arg-type]
    assert outputs.done == 4
    assert (outputs.raw[:4] == INPUTS.reshape(10, 4)[:4, :2]).all()
    samples.run_all(Device(), INPUTS, outputs)  # type: ignore[arg-type]
    assert outputs.done == 10
    assert (outputs.raw == INPUTS.reshape(10, 4)[:, :2]).all()


def test_an_answer_of_another_size() -> None:
    with pytest.raises(DeviceError, match="picture 0: the device answered 3 bytes, expected 2"):
        samples.run_all(Device(size=3), INPUTS, _outputs())  # type: ignore[arg-type]


@pytest.mark.parametrize("preserved", [True, False])
def test_latency_leaves_the_warm_up_out(preserved: bool) -> None:
    device = Device(preserved=preserved)
    heard: list[int] = []
    found = samples.latency(device, b"abcd", 7, 30, heard.append)  # type: ignore[arg-type]
    assert len(found.values) == 30
    assert found.warmup == 8
    assert found.values == tuple(float(t) for t in range(9, 39))
    assert heard[-1] == 37
    assert (sum(device.batches) == 37) == preserved


def test_memory_is_what_each_part_said() -> None:
    info = cast(DeviceInfo, SimpleNamespace(memory={"arena": 10}))
    stats = Stats(stack_used=3, frames=99)
    assert figures.memory(info, stats, {"model_file": 5}) == {"model_file": 5, "arena": 10, "stack_used": 3}
    assert figures.memory(info, Stats(), {}) == {"arena": 10}
