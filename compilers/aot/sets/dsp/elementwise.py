"""Kernel set `dsp`: ADD, MUL, MEAN and functions of one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT8_MAX, INT8_MIN
from compilers.aot.kernel import Kernel
from compilers.aot.operands import Value
from compilers.aot.packing import nearest_pairs, numbers_of, one_row_of, scaled_inputs
from compilers.aot.sets.dsp import kernels
from compilers.aot.steps import Call, Step

Int64 = npt.NDArray[np.int64]

# Factors have this many bits behind the binary point.
FACTOR_BITS = 8
# How far from its ideal value the offset of ADD is tried.
OFFSET_TRIALS = (0, 1, -1, 2, -2)
MUL_SHIFT_MOST = 20


def table(step: Step, call: Call, optimize: str) -> Step:
    """A function of one value, as a table."""
    return replace(step, calls=(Call(kernels.TABLE, call.arguments),))


def mean(step: Step, call: Call, optimize: str) -> Step:
    """MEAN."""
    if cast(int, call.fields["inner"]) % 4:
        return step
    return replace(step, calls=(Call(kernels.MEAN, call.arguments),))


def mul(step: Step, call: Call, optimize: str) -> Step:
    """MUL of rows by one row."""
    fields, (first, second, target) = call.fields, call.arguments[1:]
    rows = one_row_of(fields)
    shift = -cast(int, fields["shift"])
    if rows is None or not 1 <= shift <= MUL_SHIFT_MOST:
        return step
    count, size, swapped = rows
    offsets = fields["offset1"], fields["offset2"]
    if swapped:
        first, second, offsets = second, first, (offsets[1], offsets[0])
    changed: dict[str, Value] = {
        "rows": count, "size": size, "multiplier": fields["multiplier"],
        "rounding": (2 * cast(int, fields["zero_point"]) + 1) << (shift - 1),
        "offset1": offsets[0], "offset2": offsets[1], "shift": shift,
        "min": fields["min"], "max": fields["max"],
    }  # fmt: skip
    operands = (kernels.MUL.structure(changed), first, second, target)
    return replace(step, calls=(Call(kernels.MUL, operands),))


def add(step: Step, call: Call, optimize: str, kernel: Kernel = kernels.ADD) -> Step:
    """ADD of two tensors of one shape. `kernel` is the set's own, with the parameters of dsp's."""
    fields = call.fields
    rows = one_row_of(fields)
    shift = -cast(int, fields["shift"])
    if rows is None or rows[0] != 1 or shift < 1:
        return step
    factors = _add_factors(fields)
    if factors is None:
        return step
    changed: dict[str, Value] = {
        "size": rows[1], "factor1": factors[0], "factor2": factors[1], "offset": factors[2],
        "rounding": 2 * cast(int, fields["zero_point"]) + 1, "shift": shift - 1, "min": fields["min"],
        "max": fields["max"],
    }  # fmt: skip
    operands = (kernel.structure(changed), *call.arguments[1:])
    return replace(step, calls=(Call(kernel, operands),))


def _add_factors(fields: Mapping[str, Value]) -> tuple[int, int, int] | None:
    """Return factors and offset with which the kernel's ADD equals the reference's for all pairs of int8."""
    number, values = numbers_of(fields), np.arange(INT8_MIN, INT8_MAX + 1)
    scaled = scaled_inputs(number)
    multiplier, shift = number["multiplier"], -number["shift"]
    high = ((scaled[0][:, None] + scaled[1][None, :]) * multiplier + (1 << 30)) >> 31
    rounding = 2 * number["zero_point"] + 1
    expected = _round(high, shift, rounding)
    # The slopes of `high`, from one end of int8 to the other.
    ideal = [float(s[-1] - s[0]) / (len(values) - 1) * multiplier / (1 << 31) for s in scaled]
    for trials in nearest_pairs():
        factors = [round(i * (1 << FACTOR_BITS)) + d for i, d in zip(ideal, trials, strict=True)]
        sums = [(f * values) >> FACTOR_BITS for f in factors]
        total = sums[0][:, None] + sums[1][None, :]
        middle = round(float((high - total).mean()))
        for trial in OFFSET_TRIALS:
            if (_round(total + middle + trial, shift, rounding) == expected).all():
                return factors[0], factors[1], middle + trial
    return None


def _round(high: Int64, shift: int, rounding: int) -> Int64:
    """Divide by 2^shift to the nearest, halves away from zero, add the zero point, and limit to int8."""
    return cast(Int64, np.clip((((high + (high >> 31)) >> (shift - 1)) + rounding) >> 1, INT8_MIN, INT8_MAX))
