"""Functions of one int8 value as tables of 256, computed as LiteRT's reference kernels compute each value."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import (
    INT8_MAX,
    INT8_MIN,
    INT32_MAX,
    INT32_MIN,
    ScaleError,
    clamp,
    high_multiply,
    quantize_multiplier,
    round_half_away,
    rounding_shift_right,
    scale,
    wrap32,
)
from graph.softmax import FRACTION_BITS, INTEGER_BITS, usable_beta
from graph.types import Quantization

Table = npt.NDArray[np.int8]


def table(function: Callable[[int], int]) -> Table:
    """Return the values of a function for -128 to 127."""
    return np.array([function(q) for q in range(-128, 128)], np.int8)


def requantize(source: Quantization, target: Quantization, types: tuple[str, str] = ("int8", "int8")) -> Table:
    """QUANTIZE between int8 and uint8 (`Requantize`). The table is of bytes, whichever type they have."""
    multiplier, shift = quantize_multiplier(float(source.scale) / float(target.scale))
    low, high = (0, 255) if types[1] == "uint8" else (INT8_MIN, INT8_MAX)

    def value(q: int) -> int:
        x = q & 0xFF if types[0] == "uint8" else q
        y = clamp(wrap32(scale(x - source.zero_point, multiplier, shift) + target.zero_point), low, high)
        return y - 256 if y > INT8_MAX else y

    return table(value)


# The keys of -infinity and infinity; see `thresholds`.
_LEAST_KEY, _GREATEST_KEY = -0x7F800001, 0x7F800000


def thresholds(target: Quantization) -> npt.NDArray[np.int32]:
    """QUANTIZE from float32 to int8 (`AffineQuantize`), without floats on the device.

    A float's key is its bits as int32, those but the sign inverted where it is set: keys are ordered as the floats are.
    Returns the least key that becomes -127, -126 and so on to 127. What is too large for C's int32 becomes an end.
    """
    values = np.arange(INT8_MIN + 1, INT8_MAX + 1)
    low, high = np.full(len(values), _LEAST_KEY), np.full(len(values), _GREATEST_KEY + 1)
    while (low < high).any():
        middle = (low + high) >> 1
        reached = _quantized(middle, target) >= values
        low, high = np.where(reached | (low == high), low, middle + 1), np.where(reached, middle, high)
    return low.astype(np.int32)


def _quantized(keys: npt.NDArray[np.int64], target: Quantization) -> npt.NDArray[np.int64]:
    """Return floats, given by their keys, as int8."""
    bits = np.where(keys < 0, keys ^ 0x7FFFFFFF, keys).astype(np.int32)
    with np.errstate(over="ignore", under="ignore"):
        quotient = np.clip(bits.view(np.float32) / target.scale, -(2.0**20), 2.0**20).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient).astype(np.int64)
    return np.clip(rounded + target.zero_point, INT8_MIN, INT8_MAX)


def float_values(source: Quantization) -> npt.NDArray[np.int32]:
    """DEQUANTIZE from int8 to float32 (`Dequantize`): the bits of the float for each of -128 to 127."""
    values = float(source.scale) * (np.arange(INT8_MIN, INT8_MAX + 1) - source.zero_point)
    return values.astype(np.float32).view(np.int32)


def relu(source: Quantization, target: Quantization, limits: tuple[int, int]) -> Table:
    """RELU, RELU6 and RELU_N1_TO_1 with their own scales (`ReluX`)."""
    with np.errstate(over="ignore", under="ignore"):
        ratio = float(source.scale / target.scale)
    if not math.isfinite(ratio):
        raise ScaleError("its scales have an infinite ratio")
    multiplier, shift = quantize_multiplier(ratio)
    return table(lambda q: clamp(wrap32(scale(q - source.zero_point, multiplier, shift) + target.zero_point), *limits))


def leaky_relu(source: Quantization, target: Quantization, alpha: float) -> Table:
    """LEAKY_RELU (`QuantizeLeakyRelu`). Raises ScaleError for ratios that the reference can't take."""
    with np.errstate(over="ignore", under="ignore"):
        ratio, slope = float(source.scale / target.scale), float(source.scale * np.float32(alpha) / target.scale)
    if not math.isfinite(ratio) or not math.isfinite(slope):
        raise ScaleError("its scales have an infinite ratio")
    if slope < 0:
        raise ScaleError(f"alpha is {alpha:.3g}, but LiteRT takes none below 0")
    pairs = quantize_multiplier(slope), quantize_multiplier(ratio)

    def value(q: int) -> int:
        x = q - source.zero_point
        return clamp(wrap32(scale(x, *pairs[x >= 0]) + target.zero_point))

    return table(value)


def absolute(source: Quantization, target: Quantization) -> Table:
    """ABS, rescaled where the scales differ (`AbsEvalQuantized`)."""
    if source.scale == target.scale:
        return table(lambda q: clamp(abs(q - source.zero_point) + target.zero_point))
    with np.errstate(over="ignore", under="ignore"):
        ratio = float(source.scale / target.scale)
    if not math.isfinite(ratio):
        raise ScaleError("its scales have an infinite ratio")
    multiplier, shift = quantize_multiplier(ratio)
    return table(lambda q: clamp(wrap32(scale(abs(q - source.zero_point), multiplier, shift) + target.zero_point)))


def of_floats(source: Quantization, target: Quantization, function: Callable[[np.float32], np.float32]) -> Table:
    """Return a function that the reference computes in float32, value by value (`PopulateLookupTable`).

    Raises ScaleError where a value leaves int32: C leaves open what it becomes.
    """

    def value(q: int) -> int:
        rounded = round_half_away(float(function(source.scale * np.float32(q - source.zero_point)) * inverse))
        if not INT32_MIN + 128 <= rounded <= INT32_MAX - 128:
            raise ScaleError(f"its scale {float(target.scale):.3g} is too small for its values")
        return clamp(int(np.float32(rounded) + np.float32(target.zero_point)))

    with np.errstate(over="ignore", under="ignore"):
        inverse = np.float32(1) / target.scale
        return table(value)


def float_logistic(x: np.float32) -> np.float32:
    """Return 1 / (1 + exp(-x)), each operation rounded to float32."""
    return np.float32(1) / (np.float32(1) + _exp(-x))


def float_tanh(x: np.float32) -> np.float32:
    """Return tanh(x)."""
    return np.float32(math.tanh(float(x)))


def float_elu(x: np.float32) -> np.float32:
    """Return x, or exp(x) - 1 below 0 (C's `expm1`)."""
    return np.float32(math.expm1(float(x))) if x < 0 else x


def _exp(x: np.float32) -> np.float32:
    # Through float64, which is right to the last bit of float32 but for one in 2^28: numpy's own is off by up to two.
    return np.float32(math.exp(min(float(x), 700.0)))


def _wrap16(x: int) -> int:
    return (x + (1 << 15)) % (1 << 16) - (1 << 15)


def _saturate16(x: int) -> int:
    return clamp(x, -(1 << 15), (1 << 15) - 1)


def _high_multiply16(a: int, b: int) -> int:
    """Return a * b / 2^15 rounded to the nearest (`SaturatingRoundingDoublingHighMul` of int16)."""
    return (1 << 15) - 1 if a == b == -(1 << 15) else (a * b + (1 << 14)) >> 15


def _rounding_shift_right16(a: int, n: int) -> int:
    """`RoundingDivideByPOT` of int16, whose mask wraps to -1 for n of 16 and more."""
    mask = _wrap16((1 << n) - 1)
    return _wrap16((a >> n) + ((a & mask) > (mask >> 1) + (a < 0)))


def _multiplier16(real: np.float32) -> tuple[int, int]:
    multiplier, exponent = quantize_multiplier(float(real))
    return ((1 << 15) - 1 if multiplier >= INT32_MAX - (1 << 15) else (multiplier + (1 << 15)) >> 16), exponent


def hard_swish(source: Quantization, target: Quantization) -> Table:
    """HARD_SWISH in 16-bit arithmetic (`reference_ops::HardSwish`). Raises ScaleError as the reference does."""
    with np.errstate(over="ignore", under="ignore"):
        hires = np.float32(1 / 128) * source.scale
        out_multiplier, out_exponent = _multiplier16(hires / target.scale)
        reluish_multiplier, reluish_exponent = _multiplier16(hires / np.float32(3.0 / 32768.0))
    if out_exponent > 0:
        raise ScaleError("its output scale is under 1/128 of its input scale")

    def value(q: int) -> int:
        x = (q - source.zero_point) * (1 << 7)
        preshift = _high_multiply16(x, out_multiplier)
        r = _saturate16(x << (reluish_exponent - 1)) if reluish_exponent > 0 else x
        r = _high_multiply16(r, reluish_multiplier)
        if reluish_exponent > 0:
            r = _saturate16(r << 1)
        elif reluish_exponent < 0:
            r = _rounding_shift_right16(r, -reluish_exponent)
        r = (r + (1 << 15)) >> 1
        # Towards zero, unlike the products above.
        product = r * preshift
        high = abs(product) // (1 << 15) * (1 if product >= 0 else -1)
        return clamp(_wrap16(_rounding_shift_right16(high, -out_exponent) + target.zero_point))

    return table(value)


def softmax_exponentials(in_scale: np.float32, beta: float) -> npt.NDArray[np.int32]:
    """Return exp(-i * in_scale * beta) in Q0.31 for i = 0 to 255, and 0 where the reference leaves a value out.

    Raises ScaleError for scales that the reference can't take, even with `usable_beta`.
    """
    bits = FRACTION_BITS
    real = min(usable_beta(beta, float(in_scale)) * float(in_scale) * (1 << bits), float(INT32_MAX))
    if not math.isfinite(real) or real <= 1.0:
        raise ScaleError(f"softmax needs beta times scale over 2^-{bits}, got {beta * float(in_scale):.3g}")
    multiplier, shift = quantize_multiplier_wide(real)
    least = -math.floor(((1 << INTEGER_BITS) - 1) * (1 << bits) / (1 << shift))

    def value(i: int) -> int:
        if -i < least:
            return 0
        return _exp_of_negative(high_multiply(wrap32(-i << shift), multiplier))

    return np.array([value(i) for i in range(256)], np.int32)


def quantize_multiplier_wide(real: float) -> tuple[int, int]:
    """Return `quantize_multiplier` of up to 2^31, which softmax alone may shift by 31."""
    multiplier, shift = quantize_multiplier(real / 2)
    return multiplier, shift + 1


# exp(-2^k) in Q0.31 for k = -2 to 4.
_EXP_OF_POWERS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
_EXP_MINUS_EIGHTH, _ONE_THIRD = 1895147668, 715827883


def _exp_of_negative(x: int) -> int:
    """exp(x) in Q0.31 for x <= 0 in Q5.26 (gemmlowp's `exp_on_negative_values`)."""
    if x == 0:
        return INT32_MAX
    bits = FRACTION_BITS
    quarter = 1 << (bits - 2)
    fraction = (x & (quarter - 1)) - quarter
    result = _exp_of_quarter(fraction << INTEGER_BITS)
    rest = fraction - x
    for k, factor in _EXP_OF_POWERS.items():
        if rest & (1 << (bits + k)):
            result = high_multiply(result, factor)
    return result


def _exp_of_quarter(a: int) -> int:
    """exp(a) in Q0.31 for a in [-1/4, 0), Q0.31: Taylor's series about -1/8."""
    x = a + (1 << 28)
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    x4_over_4 = rounding_shift_right(x4, 2)
    rest = rounding_shift_right(high_multiply(x4_over_4 + x3, _ONE_THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + high_multiply(_EXP_MINUS_EIGHTH, x + rest)
