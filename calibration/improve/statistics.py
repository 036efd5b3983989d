"""What values each tensor of a folded graph has over the calibration pictures. Imports TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.folded import run
from models.folded.graph import Floats, Folded

BATCH = 20
SAMPLE = 100_000
"""Values of a tensor that are kept, over all pictures."""
BINS = 4096

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Values:
    """The values of one tensor.

    `low` and `high` are the smallest and largest of each channel (channels,). `means` and `counts` are a histogram of
    a sample of all values: the mean of the values in each bin, and how many they are. `sample` (n,) is that sample,
    and `channel` (n,) the channel of each of its values.
    """

    low: Floats
    high: Floats
    means: Doubles
    counts: Doubles
    sample: Floats
    channel: npt.NDArray[np.intp]

    def scaled(self, factors: Doubles) -> Values:
        """Return what the values are with each channel times its factor (channels,), a positive number."""
        low, high, sample = (
            (values * by).astype(np.float32)
            for values, by in ((self.low, factors), (self.high, factors), (self.sample, factors[self.channel]))
        )
        return Values(low, high, *_histogram(sample), sample, self.channel)


def collect(graph: Folded, inputs: Floats, batch: int = BATCH) -> tuple[dict[str, Values], Floats]:
    """Return the values of each point over the inputs (n, ...), and the outputs (n, ...)."""
    low: dict[str, Floats] = {}
    high: dict[str, Floats] = {}
    samples: dict[str, list[Floats]] = {}
    channels: dict[str, list[npt.NDArray[np.intp]]] = {}
    share = max(1, SAMPLE * batch // max(len(inputs), 1))

    def tap(name: str, value: tf.Tensor) -> tf.Tensor:
        if not name.endswith(":linear"):
            rows = tf.reshape(value, (-1, value.shape[-1]))
            smallest, largest = tf.reduce_min(rows, 0).numpy(), tf.reduce_max(rows, 0).numpy()
            low[name] = np.minimum(low.get(name, smallest), smallest)
            high[name] = np.maximum(high.get(name, largest), largest)
            stride = _stride(rows.shape, share)
            samples.setdefault(name, []).append(tf.reshape(rows, (-1,))[::stride].numpy())
            channels.setdefault(name, []).append(np.arange(len(samples[name][-1])) * stride % rows.shape[1])
        return value

    outputs = run.outputs(graph, inputs, tap, batch).numpy()
    values = {}
    for name, parts in samples.items():
        sample = np.concatenate(parts)
        values[name] = Values(low[name], high[name], *_histogram(sample), sample, np.concatenate(channels[name]))
    return values, outputs


def _stride(shape: tuple[int, int], share: int) -> int:
    """Return the step that keeps about `share` values, with all channels alike."""
    rows, channels = shape
    stride = max(1, rows * channels // share)
    while math.gcd(stride, channels) != 1:
        stride += 1
    return stride


def _histogram(values: Floats) -> tuple[Doubles, Doubles]:
    """Return mean and count of the values in each bin that has some. Equal values stay exact."""
    low, high = float(values.min()), float(values.max())
    bins = ((values - low) * (BINS / max(high - low, 1e-30))).astype(np.int64).clip(0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS).astype(np.float64)
    sums = np.bincount(bins, weights=values, minlength=BINS)
    used = counts > 0
    return sums[used] / counts[used], counts[used]


def channel_range(values: Mapping[str, Values], points: list[str]) -> Doubles:
    """Return the largest magnitude of each channel over some points of the same channels."""
    largest = [np.maximum(np.abs(values[point].low), np.abs(values[point].high)) for point in points]
    return np.asarray(np.max(largest, axis=0), np.float64)
