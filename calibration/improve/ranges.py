"""The range of each int8 tensor: from its smallest to its largest value, or with the least squared error."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from calibration.improve.statistics import Values
from models.folded.graph import Folded, Range

SMALLEST_WIDTH = 1e-7
HARD_SWISH_ZERO = -3.0
"""HARD_SWISH is 0 for all that is below."""
SHRINKS = np.linspace(1.0, 0.2, 33)
END_SHRINKS = np.linspace(1.0, 0.4, 13)


def min_max(graph: Folded, values: Mapping[str, Values], input_range: Range | None) -> dict[str, Range]:
    """Return for each point the range of all its values, with 0 in it.

    The input has `input_range`, hardly widened, where that is known. No step is spent on inputs of HARD_SWISH
    below -3.
    """
    ranges = {name: _whole(values[name]) for name, _ in graph.points()}
    if input_range is not None:
        ranges[graph.input.name] = with_exact_low(min(0.0, input_range[0]), max(0.0, input_range[1]))
    return {name: _usable(_pinned(name, limits)) for name, limits in ranges.items()}


def least_squares(ranges: Mapping[str, Range], values: Mapping[str, Values], kept: tuple[str, ...]) -> dict[str, Range]:
    """Return each range shrunk to where rounding and clipping together cost the least squared error.

    Those of the points in `kept` stay as they are.
    """
    return {name: limits if name in kept else _usable(_shrunk(limits, values[name])) for name, limits in ranges.items()}


def _whole(values: Values) -> Range:
    return min(0.0, float(values.low.min())), max(0.0, float(values.high.max()))


def with_exact_low(low: float, high: float) -> Range:
    """Return a range of which a whole number of steps is below 0, so that pixel 0 has no rounding error.

    It is the value of a background, in many pictures of most pixels, whose error would not average out.
    """
    steps = math.floor(255 * -low / max(high - low, SMALLEST_WIDTH))
    return (low, low * (steps - 255) / steps) if steps else (low, high)


def _pinned(name: str, limits: Range) -> Range:
    if name.endswith(":pre") and limits[1] > HARD_SWISH_ZERO:
        return max(limits[0], HARD_SWISH_ZERO), limits[1]
    return limits


def _usable(limits: Range) -> Range:
    """Return a range that has a scale: a tensor that is always 0 gets any."""
    low, high = limits
    return (low, high) if high - low > SMALLEST_WIDTH else (low, low + 1.0)


def _shrunk(limits: Range, values: Values) -> Range:
    low, high = limits
    both = [(low * part, high * part) for part in SHRINKS]
    best = both[int(np.argmin(_errors(values, np.array(both), limits)))]
    if not low < 0 < high:
        return best
    ends = [best, *((low * first, high * last) for first in END_SHRINKS for last in END_SHRINKS)]
    return ends[int(np.argmin(_errors(values, np.array(ends), limits)))]


def _errors(
    values: Values, limits: np.ndarray[tuple[int, int], np.dtype[np.float64]], whole: Range
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the squared error of a histogram in int8 for each of the ranges (n, 2).

    What is outside of `whole` does not count: nothing is lost there.
    """
    low, high = limits[:, :1], limits[:, 1:]
    scale = np.maximum(high - low, 1e-12) / 255
    zero = np.rint(-low / scale)
    real = values.means.clip(*whole)[None]
    stored = np.clip(np.rint(real / scale) + zero, 0, 255)
    return (np.square((stored - zero) * scale - real) * values.counts).sum(axis=1)
