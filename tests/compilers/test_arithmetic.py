"""Numbers whose last bit a comparison of outputs would seldom show."""

from __future__ import annotations

import math
from fractions import Fraction

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from compilers.aot.arithmetic import ScaleError, quantize_multiplier, rounding_shift_right
from compilers.aot.round_once import STEPS, narrow, ratio


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.7, (1503238554, 0)),  # 0.7 * 2^31 = 1503238553.6: to the nearest
        (1.0, (1 << 30, 1)),
        (1.0 - 2.0**-40, (1 << 30, 1)),  # rounds up to the next power of two
        (0.75 * 2.0**-31, (1610612736, -31)),
        (0.75 * 2.0**-32, (0, 0)),
        (0.0, (0, 0)),
    ],
)
def test_quantize_multiplier(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


def test_ratio_too_large() -> None:
    with pytest.raises(ScaleError, match=r"over 2\^30"):
        quantize_multiplier(2.0**31)


@hypothesis.given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(1, 31))
def test_rounding_shift_goes_away_from_zero(a: int, n: int) -> None:
    assert rounding_shift_right(a, n) == math.copysign(math.floor(abs(a) / 2**n + 0.5), a)


def quotients(least: float, most: float) -> st.SearchStrategy[float]:
    """Draw ratios as LiteRT computes them: input scale * kernel scale / output scale, each float32, in this range.

    Their mantissas are random, as calibration gives them; see the test of ratios that have no multiplier.
    """

    def ratio_of(seed: int) -> float:
        rng = np.random.default_rng(seed)
        exponents = rng.uniform(np.log2(least), np.log2(most)), rng.uniform(-12, 2), rng.uniform(-12, 2)
        product, kernel, output = (2.0**e for e in exponents)
        scales = [float(np.float32(scale)) for scale in (product * output / kernel, kernel, output)]
        return scales[0] * scales[1] / scales[2]

    return st.integers(0, 2**32).map(ratio_of).filter(lambda real: least <= real < most)


@hypothesis.given(quotients(2.0**-20, 2.0**3), st.integers(1, 1 << 26), st.data())
def test_round_once_rounds_as_double_precision(real: float, reach: int, data: st.DataObject) -> None:
    integers = ratio(real, reach)
    assert integers.limit * integers.multiplier + (1 << (integers.shift - 1)) < 1 << 63
    step = data.draw(st.integers(0, STEPS))
    near = int((step - 0.5) / real) + data.draw(st.integers(-2, 2))
    acc = min(max(near, 0), reach)
    expected = math.floor(acc * real + 0.5)
    ours = (min(acc, integers.limit) * integers.multiplier + (1 << (integers.shift - 1))) >> integers.shift
    assert ours == expected or min(ours, expected) > STEPS


@hypothesis.given(quotients(2.0**-20, 2.0**-2), st.integers(1, 1 << 26), st.data())
def test_narrow_ratio_rounds_as_double_precision(real: float, reach: int, data: st.DataObject) -> None:
    found = narrow(ratio(real, reach))
    hypothesis.assume(found)
    assert found is not None
    assert 0 < found.multiplier < 1 << 31
    assert 1 <= found.shift <= 22
    step, sign = data.draw(st.integers(0, STEPS)), data.draw(st.sampled_from([1, -1]))
    near = int((step - 0.5) / real) + data.draw(st.integers(-2, 2))
    acc = sign * min(max(near, 0), reach)
    expected = sign * math.floor(abs(acc * real) + 0.5)
    ours = (acc * found.multiplier + (1 << (found.shift + 31))) >> (found.shift + 32)
    assert ours == expected or min(abs(ours), abs(expected)) > STEPS


@pytest.mark.parametrize("real", [0.7, 1.63, 3 / 22, 5 / 78])
def test_a_ratio_next_to_a_fraction_of_small_numbers_may_have_no_multiplier(real: float) -> None:
    """Double precision rounds products next to a half to either side, which no multiplier does."""
    with pytest.raises(ScaleError, match=r"no integer multiplier rounds like its ratio of scales, \d"):
        ratio(real, 1 << 26)
    sides = {float(acc) * real < step - 0.5 for step in range(1, STEPS) if (acc := _exact_half(real, step))}
    assert sides == {True, False}
    assert ratio(real, 4)


def _exact_half(real: float, step: int) -> int:
    """Return the accumulator that times the fraction next to `real` is step - 1/2, 0 if there is none."""
    acc = Fraction(2 * step - 1, 2) / Fraction(real).limit_denominator(1000)
    return int(acc) if acc.denominator == 1 else 0


def test_narrow_ratios_are_found_for_what_networks_have() -> None:
    reals = [2.0**-3 * 0.97**i for i in range(200)]
    assert sum(narrow(ratio(real, 1 << 24)) is not None for real in reals) > 190
    assert narrow(ratio(0.3, 1 << 20)) is None


@pytest.mark.parametrize("real", [1e-30, 1e-20, 2.0**-60])
def test_ratio_too_small_to_move_anything_is_found_at_once(real: float) -> None:
    found = ratio(real, 1 << 30)
    assert (min(1 << 30, found.limit) * found.multiplier + (1 << (found.shift - 1))) >> found.shift == 0
