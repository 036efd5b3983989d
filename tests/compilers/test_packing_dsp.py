"""How the set `dsp` packs the weights of two channels in half words."""

from __future__ import annotations

import numpy as np
import pytest

from compilers.aot.sets.dsp.windows import fit_together, joined, rows_of_four


def test_a_half_word_is_both_weights_and_a_sum_both_sums() -> None:
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, (6, 16)).astype(np.int8)
    starts = rng.integers(-(1 << 20), 1 << 20, 6).astype(np.int32)
    both_starts, both = joined(starts, weights)
    first, second = weights[0::2].astype(int), weights[1::2].astype(int)
    np.testing.assert_array_equal(both[0::2], weights[0::2])
    np.testing.assert_array_equal(both[0::2].view(np.uint8) + 256 * both[1::2].astype(int), first + 256 * second)
    np.testing.assert_array_equal((both_starts[1::2] - both_starts[0::2]) >> 8, starts[1::2])


@pytest.mark.parametrize(
    ("first", "second", "start", "fits"),
    [
        (-1, -127, 0, True),
        (0, -128, 0, True),
        (-1, -128, 0, False),  # a + 2^8 * b is below -2^15
        (1, 127, (1 << 23) - 1 - 4 * 127 * 128, True),
        (1, 127, (1 << 23) - 4 * 127 * 128, False),  # 2^8 * b does not fit a word
        (1, 127, -(1 << 23), False),
    ],
)
def test_weights_and_sums_that_do_not_fit_come_one_by_one(first: int, second: int, start: int, fits: bool) -> None:
    weights = np.repeat(np.array([[first], [second]] * 2, np.int8), 4, axis=1)
    bias = np.array([1 << 30, start, 0, 0], np.int32)
    assert fit_together(bias, 1, weights) is fits
    grouped, packed = rows_of_four(bias, weights, np.ones(4, np.int32), np.zeros(4, np.int32))
    assert grouped == (4 if fits else 0)
    assert len(packed) == (4 + 4 + 4 + 1 if fits else 4 * (1 + 1 + 1 + 1))
