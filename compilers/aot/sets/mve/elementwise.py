"""Kernel set `mve`: ADD, MUL, MEAN and functions of one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT8_MAX, INT8_MIN, INT32_MAX, INT32_MIN
from compilers.aot.operands import Value
from compilers.aot.packing import nearest_pairs, numbers_of, one_row_of, scaled_inputs
from compilers.aot.sets import portable
from compilers.aot.sets.mve import kernels
from compilers.aot.steps import Call, Step

Int64 = npt.NDArray[np.int64]

SUM_BITS = 31
SHIFT_MOST = 31


def table(step: Step, call: Call, optimize: str) -> Step:
    """A function of one value, as a table."""
    return replace(step, calls=(Call(kernels.TABLE, call.arguments),))


def mean(step: Step, call: Call, optimize: str) -> Step:
    """MEAN."""
    right = -cast(int, call.fields["shift"])
    if not 1 <= right <= SHIFT_MOST:
        return step
    return replace(step, calls=(Call(kernels.MEAN, call.arguments),))


def mul(step: Step, call: Call, optimize: str) -> Step:
    """MUL of rows by one row."""
    fields, (first, second, target) = call.fields, call.arguments[1:]
    rows = one_row_of(fields)
    if rows is None or rows[1] % 4 or not 1 <= -cast(int, fields["shift"]) <= SHIFT_MOST:
        return step
    count, size, swapped = rows
    offsets = fields["offset1"], fields["offset2"]
    if swapped:
        first, second, offsets = second, first, (offsets[1], offsets[0])
    changed: dict[str, Value] = {"rows": count, "size": size, "offset1": offsets[0], "offset2": offsets[1]}
    changed |= {name: fields[name] for name in ("multiplier", "shift", "zero_point", "min", "max")}
    operands = (kernels.MUL.structure(changed), first, second, target)
    return replace(step, calls=(Call(kernels.MUL, operands),))


def add(step: Step, call: Call, optimize: str) -> Step:
    """ADD of two tensors of one shape."""
    fields = call.fields
    rows = one_row_of(fields)
    if rows is None or rows[0] != 1:
        return step
    factors = _add_factors(fields)
    if factors is None:
        operands = (kernels.ADD_EXACT.structure(portable.flat(fields, rows[1])), *call.arguments[1:])
        return replace(step, calls=(Call(kernels.ADD_EXACT, operands),))
    changed: dict[str, Value] = {"size": rows[1]}
    changed |= dict(zip(("factor1", "factor2", "offset", "shift"), factors, strict=True))
    changed |= {"min": fields["min"], "max": fields["max"]}
    operands = (kernels.ADD.structure(changed), *call.arguments[1:])
    return replace(step, calls=(Call(kernels.ADD, operands),))


def _add_factors(fields: Mapping[str, Value]) -> tuple[int, int, int, int] | None:
    """Return factors, offset and minus the right shift with which ADD equals the reference's for all pairs of int8.

    The reference rounds four times, which hardly ever makes a difference: the factors have as many bits as sums allow.
    """
    number, values = numbers_of(fields), np.arange(INT8_MIN, INT8_MAX + 1)
    scaled = scaled_inputs(number)
    output = number["multiplier"], number["shift"]
    if not 1 <= -output[1] <= SHIFT_MOST:
        return None
    expected = _limited(_scaled(scaled[0][:, None] + scaled[1][None, :], *output) + number["zero_point"], number)
    # Outputs for one step of each input, and for both inputs 0, with the half that rounds.
    ratio = output[0] / 2.0 ** (31 - output[1])
    slopes = [float(s[-1] - s[0]) / (len(values) - 1) * ratio for s in scaled]
    middle = float(sum(s[-INT8_MIN] for s in scaled)) * ratio + number["zero_point"] + 0.5
    reach = sum(abs(s) for s in slopes) * -INT8_MIN + abs(middle) + 1
    shift = SUM_BITS - int(np.ceil(np.log2(reach))) - 1
    if not 1 <= shift <= SHIFT_MOST:
        return None
    ideal = [round(x * 2.0**shift) for x in (*slopes, middle)]
    low, high = number["min"], number["max"]
    for d1, d2 in nearest_pairs():
        first, second = ideal[0] + d1, ideal[1] + d2
        total = first * values[:, None] + second * values[None, :]
        # Each pair of inputs limits the offset from below and above, but for outputs at their limits.
        least = ((expected << shift) - total)[expected > low].max(initial=INT32_MIN)
        most = (((expected + 1) << shift) - 1 - total)[expected < high].min(initial=INT32_MAX)
        offset = min(max(ideal[2], int(least)), int(most))
        if least <= most and np.abs(total).max() + abs(offset) <= INT32_MAX:
            return first, second, offset, -shift
    return None


def _scaled(sums: Int64, multiplier: int, shift: int) -> Int64:
    """Return sum * multiplier * 2^(shift - 31), rounded twice, for a shift to the right (`arithmetic.scale`)."""
    high = (sums * multiplier + (1 << 30)) >> 31
    return ((high + (high >> 63)) + (1 << (-shift - 1))) >> -shift


def _limited(values: Int64, number: Mapping[str, int]) -> Int64:
    return cast(Int64, np.clip(values, number["min"], number["max"]))
