"""Integer multipliers that round like double precision.

LiteRT's reference kernel for dense layers computes round(double(acc) * ratio). TFLite-Micro's rounds twice, as the
convolutions do: the two differ in about one logit of 400. Most microcontrollers have no double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from compilers.aot.arithmetic import ScaleError

# The most steps that an int8 output takes: from one end to the other.
STEPS = 255
# At the limit the result is beyond all steps, for any zero point.
LIMIT_STEPS = 2 * STEPS


@dataclass(frozen=True)
class Ratio:
    """round(|acc| * ratio) = (min(|acc|, limit) * multiplier + 2^(shift - 1)) >> shift, where it is up to 255."""

    multiplier: int
    shift: int
    limit: int

    def rounded(self, total: int) -> int:
        """Return an accumulator times the ratio, to the nearest, halves away from 0."""
        size = (min(abs(total), self.limit) * self.multiplier + (1 << (self.shift - 1))) >> self.shift
        return -size if total < 0 else size


def ratio(real: float, reach: int) -> Ratio:
    """Return the integers for a ratio: all accumulators up to `reach` either way give what double precision gives.

    Raises ScaleError if there are none. That takes a ratio next to a fraction of small numbers, as 0.7 or 3/22: many
    accumulators times such a ratio are next to a half, and double precision rounds some of these products up to the
    half and some not, which no multiplier does. Scales found by calibration have no such ratios.
    """
    exact = Fraction(real)
    limit = min(reach, int(LIMIT_STEPS / exact) + 1)
    shift = 62
    while shift > 1 and round(exact * (1 << shift)) * limit + (1 << (shift - 1)) >= 1 << 63:
        shift -= 1
    least, most = 0, (((1 << 63) - 1) - (1 << (shift - 1))) // limit
    for step in range(1, STEPS + 1):
        half = (2 * step - 1) << (shift - 1)
        first = _first_at(exact, real, step, limit)
        if first > limit:
            # No accumulator reaches this step, so the largest must not.
            most = min(most, (half - 1) // limit)
            break
        least = max(least, -(-half // first))
        if first > 1:
            most = min(most, (half - 1) // (first - 1))
    if least > most:
        raise ScaleError(f"no integer multiplier rounds like its ratio of scales, {real!r}")
    return Ratio(min(max(round(exact * (1 << shift)), least), most), shift, limit)


def _first_at(exact: Fraction, real: float, step: int, limit: int) -> int:
    """Return the smallest positive accumulator that double precision rounds to `step` or more, or one above `limit`."""
    # Exact arithmetic finds it, or its neighbor: the product is rounded.
    half = step - 0.5
    first = max(1, -(-(2 * step - 1) * exact.denominator // (2 * exact.numerator)) - 1)
    while first <= limit and float(first) * real < half:
        first += 1
    return first


# Bits of a 32-bit multiplication's upper half are all that is kept of a product; rounding and the zero point of an int8
# must fit beside it.
NARROW_BITS, NARROW_SHIFT_MOST = 32, 22


def narrow(wide: Ratio) -> Ratio | None:
    """Return the same with a multiplier below 2^31, for round(acc * multiplier / 2^(shift + 32)), if there is one.

    No product is halfway between two steps: rounding halves up and rounding them away from zero are the same. `shift`
    is 1 to 22.
    """
    exact = Fraction(wide.multiplier, 1 << wide.shift)
    shift = 30 - NARROW_BITS
    while exact and exact * (1 << (NARROW_BITS + shift + 1)) < 1 << 31 and shift < NARROW_SHIFT_MOST:
        shift += 1
    if shift < 1 or exact * (1 << (NARROW_BITS + shift)) < 1 << 30:
        return None
    least, most = 1, (1 << 31) - 1
    for step in range(1, STEPS + 1):
        first = -(-((2 * step - 1) << (wide.shift - 1)) // wide.multiplier)
        half = (2 * step - 1) << (NARROW_BITS + shift - 1)
        if first > wide.limit:
            most = min(most, (half - 1) // wide.limit)
            break
        least = max(least, half // first + 1)
        if first > 1:
            most = min(most, (half - 1) // (first - 1))
    if least > most:
        return None
    return Ratio(min(max(round(exact * (1 << (NARROW_BITS + shift))), least), most), shift, wide.limit)
