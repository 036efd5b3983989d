"""How the set `dsp` packs the weights of two channels in half words, and of four channels together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from compilers.aot.operands import Value
from compilers.aot.sets.dsp.convolutions import PAIRS, QUADS
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


def _scaled(taps: int, right: int) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.int32], NDArray[np.int32]]:
    multiplier, shift = np.full(4, 1 << 30, np.int32), np.full(4, right, np.int32)
    return np.zeros(4, np.int32), np.full((4, taps), 127, np.int8), multiplier, shift


@pytest.mark.parametrize(("taps", "right", "fits"), [(8, 1, True), (12, 1, False), (12, 2, True)])
@pytest.mark.parametrize("minimum", [-128, -50])
def test_outputs_of_four_channels_that_16_bits_do_not_hold_are_computed_by_pairs(
    taps: int, right: int, fits: bool, minimum: int
) -> None:
    """Products of `taps` weights of 127 are at most 2 * 127 * 128 * taps / 2^(right + 2)."""
    limits: Mapping[str, Value] = {"zero_point": minimum, "min": -128, "max": 127}
    assert QUADS.takes(_scaled(taps, right), limits) is fits
    assert PAIRS.takes(_scaled(taps, right), limits)


def test_four_channels_are_packed_by_two_taps() -> None:
    weights = np.arange(1, 17, dtype=np.int8).reshape(4, 4)
    scaled = np.arange(4, dtype=np.int32), weights, np.full(4, 1 << 30, np.int32), np.array([1, 2, 3, 4], np.int32)
    packed = QUADS.packed(scaled, {"zero_point": -128, "min": -128, "max": 127})
    assert packed.shape == (1, 4 + 4 + 10)
    assert packed[0, :4].tolist() == [0, 1 * 256, 2, 2 + 3 * 256]
    taps = packed[0, 4:8].astype("<i4").view(np.int8).reshape(4, 4)
    a, b, c, d = weights
    expected = [[a[0], b[0], a[2], b[2]], [c[0], d[0], c[2], d[2]], [a[1], b[1], a[3], b[3]], [c[1], d[1], c[3], d[3]]]
    np.testing.assert_array_equal(taps, expected)
    assert packed[0, [12, 17]].tolist() == [1 | (2 + 7) << 8, 3 | (4 + 7) << 8]
    assert packed[0, [9, 11]].tolist() == [1, (2 << 7) + 64]
