"""Kernel set `dsp`: ADD, MUL, MEAN and functions of one value."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT8_MAX, INT8_MIN, scale
from compilers.aot.steps import Argument, Call, Parameters, Step, Value

Int64 = npt.NDArray[np.int64]

# Factors have this many bits behind the binary point.
FACTOR_BITS = 8
ADD_HEADROOM_BITS = 20
# How far from their ideal values the factors and the offset of ADD are tried.
FACTOR_TRIALS, OFFSET_TRIALS = (0, 1, -1), (0, 1, -1, 2, -2)
MUL_SHIFT_MOST = 20


def specialise(step: Step, call: Call) -> Step:
    """Return the step with this set's kernel, or as it is where there is none for it."""
    made = {"kernel_add": _add, "kernel_mul": _mul, "kernel_mean": _mean, "kernel_table": _table}[call.function](call)
    return replace(step, calls=(made,)) if made else step


def _table(call: Call) -> Call:
    return Call("kernel_dsp_table", call.arguments)


def _mean(call: Call) -> Call | None:
    fields = _fields(call)
    return None if cast(int, fields["inner"]) % 4 else Call("kernel_dsp_mean", call.arguments)


def _mul(call: Call) -> Call | None:
    fields, (first, second, target) = _fields(call), call.arguments[1:]
    rows = _rows(fields)
    shift = -cast(int, fields["shift"])
    if rows is None or not 1 <= shift <= MUL_SHIFT_MOST:
        return None
    count, size, swapped = rows
    offsets = fields["offset1"], fields["offset2"]
    if swapped:
        first, second, offsets = second, first, (offsets[1], offsets[0])
    made: dict[str, Value] = {
        "rows": count, "size": size, "offset1": offsets[0], "offset2": offsets[1],
        "multiplier": fields["multiplier"], "shift": shift,
        "rounding": (2 * cast(int, fields["zero_point"]) + 1) << (shift - 1),
        "min": fields["min"], "max": fields["max"],
    }  # fmt: skip
    return Call("kernel_dsp_mul", (Parameters("kernel_dsp_mul", made), first, second, target))


def _rows(fields: Mapping[str, Value]) -> tuple[int, int, bool] | None:
    """Return rows, their size, and whether it is the first input that has only one of them; None for other shapes."""
    shape = cast(Mapping[str, tuple[int, ...]], fields["shape"])
    *outer, rows, size = shape["dims"]
    steps = [shape[name][2:] for name in ("step1", "step2")]
    if any(d > 1 for d in outer) or any(size > 1 and s[1] != 1 for s in steps):
        return None
    if rows == 1:
        return 1, size, False
    match [s[0] for s in steps]:
        case [0, step] if step:
            return rows, size, True
        case [step, 0] if step:
            return rows, size, False
    return None


def _add(call: Call) -> Call | None:
    fields = _fields(call)
    rows = _rows(fields)
    shift = -cast(int, fields["shift"])
    if rows is None or rows[0] != 1 or shift < 1:
        return None
    factors = _add_factors(fields)
    if factors is None:
        return None
    made: dict[str, Value] = {
        "size": rows[1], "factor1": factors[0], "factor2": factors[1], "offset": factors[2], "shift": shift - 1,
        "rounding": 2 * cast(int, fields["zero_point"]) + 1, "min": fields["min"], "max": fields["max"],
    }  # fmt: skip
    return Call("kernel_dsp_add", (Parameters("kernel_dsp_add", made), *call.arguments[1:]))


def _add_factors(fields: Mapping[str, Value]) -> tuple[int, int, int] | None:
    """Return factors and offset with which the kernel's ADD equals the reference's for all pairs of int8."""
    number = {name: cast(int, value) for name, value in fields.items() if name != "shape"}
    values = np.arange(INT8_MIN, INT8_MAX + 1)
    scaled = []
    for i in "12":
        offset, pair = number[f"offset{i}"], (number[f"multiplier{i}"], number[f"shift{i}"])
        scaled.append(np.array([scale((int(q) + offset) << ADD_HEADROOM_BITS, *pair) for q in values], np.int64))
    multiplier, shift = number["multiplier"], -number["shift"]
    high = ((scaled[0][:, None] + scaled[1][None, :]) * multiplier + (1 << 30)) >> 31
    rounding = 2 * number["zero_point"] + 1
    expected = _round(high, shift, rounding)
    # The slopes of `high`, from one end of int8 to the other.
    ideal = [float(s[-1] - s[0]) / (len(values) - 1) * multiplier / (1 << 31) for s in scaled]
    for factors in _around([round(i * (1 << FACTOR_BITS)) for i in ideal]):
        sums = [(f * values) >> FACTOR_BITS for f in factors]
        found = sums[0][:, None] + sums[1][None, :]
        middle = round(float((high - found).mean()))
        for trial in OFFSET_TRIALS:
            if (_round(found + middle + trial, shift, rounding) == expected).all():
                return factors[0], factors[1], middle + trial
    return None


def _around(factors: list[int]) -> Iterator[tuple[int, int]]:
    trials = sorted(itertools.product(FACTOR_TRIALS, repeat=2), key=lambda t: abs(t[0]) + abs(t[1]))
    return ((factors[0] + d1, factors[1] + d2) for d1, d2 in trials)


def _round(high: Int64, shift: int, rounding: int) -> Int64:
    """Divide by 2^shift to the nearest, halves away from zero, add the zero point, and limit to int8."""
    return cast(Int64, np.clip((((high + (high >> 31)) >> (shift - 1)) + rounding) >> 1, INT8_MIN, INT8_MAX))


def _fields(call: Call) -> Mapping[str, Value]:
    parameters: Argument = call.arguments[0]
    assert isinstance(parameters, Parameters)
    return parameters.fields
