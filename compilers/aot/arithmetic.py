"""The numbers of LiteRT's reference kernels: what it computes in `Prepare`, and its fixed-point operations.

Types matter here: where LiteRT multiplies float32, a float64 gives other multipliers.
"""

from __future__ import annotations

import math

import numpy as np

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
INT8_MIN, INT8_MAX = -128, 127
# x * 2^31 leaves int32 in the reference kernels themselves.
LEFT_SHIFT_LIMIT = 30
# ADD scales its inputs up by this many bits before it rounds them (`add.cc`).
ADD_HEADROOM_BITS = 20


class ScaleError(ValueError):
    """Scales that no fixed-point multiplier stands for. The message says which ratio."""


def wrap32(value: int) -> int:
    """Return a sum as int32 holds it."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) with real ~ multiplier * 2^(shift - 31) (`QuantizeMultiplier`).

    A real number under 2^-32 becomes 0. Raises ScaleError over 2^30.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > LEFT_SHIFT_LIMIT:
        raise ScaleError(f"its scales have a ratio of {real:.3g}, over 2^{LEFT_SHIFT_LIMIT}")
    return multiplier, shift


def quantize_multiplier_below_one(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) of a real number below 1 (`QuantizeMultiplierSmallerThanOneExp`).

    Raises ScaleError for others.
    """
    multiplier, shift = quantize_multiplier(real)
    if not 0.0 < real < 1.0 or shift > 0:
        raise ScaleError(f"its scales have a ratio of {real:.3g}, not between 0 and 1")
    return multiplier, shift


def high_multiply(a: int, b: int) -> int:
    """Return a * b / 2^31 to the nearest, halves up (`SaturatingRoundingDoublingHighMul`)."""
    if a == b == INT32_MIN:
        return INT32_MAX
    return (a * b + (1 << 30)) >> 31


def rounding_shift_right(a: int, n: int) -> int:
    """Return a / 2^n to the nearest, halves away from zero (`RoundingDivideByPOT`)."""
    mask = (1 << n) - 1
    return (a >> n) + ((a & mask) > (mask >> 1) + (a < 0))


def scale(x: int, multiplier: int, shift: int) -> int:
    """Return x * multiplier * 2^(shift - 31), rounded twice (`MultiplyByQuantizedMultiplier`)."""
    high = high_multiply(wrap32(x << max(shift, 0)), multiplier)
    return rounding_shift_right(high, max(-shift, 0))


def clamp(x: int, low: int = INT8_MIN, high: int = INT8_MAX) -> int:
    """Return x limited to low..high, the upper limit last."""
    return min(max(x, low), high)


def activation_range(activation: str, scale_: np.float32, zero_point: int) -> tuple[int, int]:
    """Return the int8 limits of a fused activation (`CalculateActivationRangeQuantized`).

    Raises ScaleError if a limit leaves int32, which the reference refuses.
    """
    bounds = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
    low, high = bounds[activation]

    def quantize(value: float) -> int:
        with np.errstate(over="ignore"):
            quotient = float(np.float32(value) / scale_)
        if not INT32_MIN <= quotient <= INT32_MAX:
            raise ScaleError(f"its scale {float(scale_):.3g} is too small for {activation}")
        return zero_point + round_half_away(quotient)

    least = INT8_MIN if low is None else max(INT8_MIN, quantize(low))
    most = INT8_MAX if high is None else min(INT8_MAX, quantize(high))
    return least, most


def round_half_away(value: float) -> int:
    """Return the nearest integer, halves away from zero, as C's round does."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))
