"""Whether two programs differ in time: a rank test on interleaved pairs, bootstrap intervals, outliers by class.

Each sample is a time of a session of its own, so that what differs from one start of a program to the next
(addresses, caches) is in the samples. Which of a pair comes first is chosen at random: if both are the same program,
each sign of a difference is as likely as the other, whatever else the machine does, and the test's level is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

LEVEL = 0.0005
"""A difference is real if chance alone gives one as clear in fewer than 1 of 2,000 pairs, in both directions."""
CONFIDENCE = 0.99
FEWEST_PAIRS = 20
RESAMPLES = 2_000
SEED = 0
MILD, SEVERE = 1.5, 3.0
"""Tukey's fences (1977), in interquartile ranges beyond the quartiles."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outliers:
    """How many samples lie beyond the fences: `mild` ones between 1.5 and 3 interquartile ranges, `severe` ones beyond.

    They are counted and kept: medians and ranks hardly follow them.
    """

    low_severe: int
    low_mild: int
    high_mild: int
    high_severe: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.low_severe + self.low_mild + self.high_mild + self.high_severe


@dataclass(frozen=True)
class Difference:
    """By which part the second of two programs takes longer: 0.05 is 5 %.

    `low` and `high` bound it with a confidence of 99 %; `p` is the chance of a difference as clear between two equal
    programs.
    """

    ratio: float
    low: float
    high: float
    p: float
    pairs: int

    @property
    def is_real(self) -> bool:
        """Whether it is more than noise."""
        return self.p < LEVEL


def difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """Return how two programs differ whose samples were taken in pairs. Raises ValueError below 20 pairs, or for 0."""
    if len(before) != len(after) or len(before) < FEWEST_PAIRS:
        raise ValueError(f"expected {FEWEST_PAIRS} pairs of samples or more")
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if first.min() <= 0 or second.min() <= 0:
        raise ValueError("expected times above 0")
    logs = np.log(second / first)
    low, high = median_interval(logs)
    return Difference(
        ratio=math.expm1(float(np.median(logs))),
        low=math.expm1(low),
        high=math.expm1(high),
        p=signed_rank_p(logs),
        pairs=len(logs),
    )


def signed_rank_p(differences: Values) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test (1945) for differences (n,), exact also with ties.

    Differences of 0 are left out, as Wilcoxon does. Ranks above the median rank count as it, so that the few wild
    sessions of a busy machine weigh no more than others. The distribution is counted over all 2^n signs.
    """
    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 1.0
    doubled = np.minimum(_doubled_ranks(np.abs(nonzero)), len(nonzero) + 1)
    below = _cumulated(tuple(sorted(doubled.tolist())))
    positive = int(doubled[nonzero > 0].sum())
    tail = min(below[positive], 1 - below[positive - 1] if positive else 1.0)
    return float(min(1.0, 2 * tail))


@lru_cache(maxsize=64)
def _cumulated(doubled: tuple[int, ...]) -> Values:
    """Return the chance that those of these doubled ranks with a positive sign sum up to 0, 1, 2, ... at most."""
    ways = np.zeros(sum(doubled) + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
        ways /= 2
    return np.cumsum(ways)


def median_interval(values: Values, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the bounds of the median of values (n,), by the percentile bootstrap (Efron, 1979)."""
    rng = np.random.default_rng(SEED)
    medians = np.median(values[rng.integers(0, len(values), (RESAMPLES, len(values)))], axis=1)
    edge = 50 * (1 - confidence)
    low, high = np.percentile(medians, [edge, 100 - edge])
    return float(low), float(high)


def outliers(values: Sequence[float]) -> Outliers:
    """Return how many values lie beyond Tukey's fences."""
    samples = np.asarray(values, np.float64)
    first, third = np.percentile(samples, [25, 75])
    width = third - first

    def beyond(ranges: float) -> tuple[int, int]:
        return int((samples < first - ranges * width).sum()), int((samples > third + ranges * width).sum())

    (low, high), (low_severe, high_severe) = beyond(MILD), beyond(SEVERE)
    return Outliers(low_severe, low - low_severe, high - high_severe, high_severe)


def _doubled_ranks(values: Values) -> npt.NDArray[np.int64]:
    """Return twice the rank of each value from 1 on, whole numbers; equal values share the mean of their ranks."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (2 * last - counts + 1)[group].astype(np.int64)
