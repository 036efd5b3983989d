"""What kernel sets have in common: reading the parameters of a call, and the scaling of each channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import ADD_HEADROOM_BITS, INT8_MAX, INT8_MIN, INT32_MAX, INT32_MIN, clamp, scale
from compilers.aot.operands import At, Constant, Parameters, Value
from compilers.aot.round_once import Ratio, narrow
from compilers.aot.steps import Call

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]

# Twice a sum is int32.
SUM_LIMIT = 1 << 30
# A channel whose sums can be as large is checked for an output that is the same for all inputs: kernels that compute
# two channels in one sum have no room for it.
LARGE_SUM = 1 << 22


def arguments(call: Call) -> tuple[Mapping[str, Value], At, At]:
    """Return the parameters' fields, source and target of a call."""
    parameters, source, target = call.arguments[:3]
    assert isinstance(parameters, Parameters)
    assert isinstance(source, At)
    assert isinstance(target, At)
    return parameters.fields, source, target


def channels(parameters: Mapping[str, Value], shift_most: int = 31) -> tuple[Int32, Int8, Int32, Int32] | None:
    """Return bias, weights, multiplier and right shift of each output channel.

    None if a channel does not meet the kernels' conditions: a shift of 1 to `shift_most`, and sums that can be doubled.
    A channel that does not, or that has large sums, but whose output is the same for all inputs, is changed to one with
    small sums: networks have channels with weights close to 0 and a bias at its limit.
    """
    bias, weights = data(parameters["bias"]), data(parameters["weights"])
    requant = cast(Mapping[str, Value], parameters["requant"])
    multiplier, shift = data(requant["multiplier"]), data(requant["shift"]).astype(np.int32)
    reach = reach_of(bias, weights)
    # A multiplier of 0, of channels whose scale is next to nothing, gives 0 with any shift.
    right = np.where(multiplier == 0, 1, -shift)
    multiplier, right = (np.broadcast_to(a.astype(np.int32), bias.shape).copy() for a in (multiplier, right))
    bias, weights = bias.astype(np.int32), weights.astype(np.int8)
    refused = (reach >= SUM_LIMIT) | (right < 1) | (right > shift_most)
    for i in np.flatnonzero(refused | (reach >= LARGE_SUM)):
        value = _constant(bias[i], weights[i], int(multiplier[i]), -int(right[i]), requant)
        if value is not None:
            # A sum of four times the value, quartered.
            bias[i], weights[i], multiplier[i], right[i] = 4 * value, 0, 1 << 30, 1
        elif refused[i]:
            return None
    return bias, weights, multiplier, right


def reach_of(bias: npt.NDArray[np.integer], weights: npt.NDArray[np.integer]) -> Int64:
    """Return how far from 0 the sum of each channel can be. `weights` are (channels, taps)."""
    return np.abs(bias.astype(np.int64)) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)


def with_channels(parameters: Mapping[str, Value], scaled: tuple[Int32, Int8, Int32, Int32]) -> dict[str, Value]:
    """Return the fields of a portable convolution with what `channels` returned of it."""
    bias, weights, multiplier, right = scaled
    requant: dict[str, Value] = {
        **cast(Mapping[str, Value], parameters["requant"]),
        "multiplier": Constant("multiplier", multiplier),
        "shift": Constant("shift", (-right).astype(np.int8)),
        "step": 1,
    }
    own: dict[str, Value] = {
        "weights": Constant("weights", weights),
        "bias": Constant("bias", bias),
        "requant": requant,
    }
    return {**parameters, **own}


def _constant(bias: np.int32, weights: Int8, multiplier: int, shift: int, requant: Mapping[str, Value]) -> int | None:
    """Return a channel's output less its zero point if it is the same for all inputs, else None."""
    ends = np.outer((INT8_MIN, INT8_MAX), weights.astype(np.int64))
    sums = int(bias) + int(ends.min(axis=0).sum()), int(bias) + int(ends.max(axis=0).sum())
    if not all(INT32_MIN < s << max(shift, 0) < INT32_MAX for s in sums):
        return None
    zero_point, low, high = (cast(int, requant[name]) for name in ("zero_point", "min", "max"))
    # Scaling keeps the order of sums.
    first, last = (clamp(scale(s, multiplier, shift) + zero_point, low, high) for s in sums)
    return first - zero_point if first == last else None


def data(value: Value) -> Int32 | Int8:
    """Return the array of a constant."""
    assert isinstance(value, Constant)
    return cast(Int32, value.data)


def common_fields(parameters: Mapping[str, Value], packed: Int32) -> dict[str, Value]:
    """Return the fields that are the same in all structures of packed layers."""
    return {
        "packed": Constant("packed", packed.reshape(-1).astype(np.int32)),
        "input_zero_point": parameters["input_zero_point"],
    } | limits(parameters)


def limits(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Return zero point, least and largest value of a convolution's output."""
    requant = cast(Mapping[str, Value], parameters["requant"])
    return {name: requant[name] for name in ("zero_point", "min", "max")}


def dense_scaling(parameters: Mapping[str, Value]) -> list[tuple[int, int]] | None:
    """Return 32-bit multiplier and right shift of each scale of a dense layer (`round_once.narrow`).

    None if a scale has none. `parameters` are those of alpharho_dense.
    """
    wide = (data(parameters[name]) for name in ("multiplier", "shift", "limit"))
    ratios = [narrow(Ratio(*(int(n) for n in numbers))) for numbers in zip(*wide, strict=True)]
    pairs = [(r.multiplier, r.shift) for r in ratios if r is not None]
    return pairs if len(pairs) == len(ratios) else None


def numbers_of(fields: Mapping[str, Value]) -> dict[str, int]:
    """Return the numbers among the fields of alpharho_add."""
    return {name: cast(int, value) for name, value in fields.items() if name != "shape"}


def scaled_inputs(number: Mapping[str, int]) -> tuple[Int64, Int64]:
    """Return what the reference's ADD adds for -128 to 127 as its first and as its second input."""
    values = range(INT8_MIN, INT8_MAX + 1)
    first, second = (
        np.array([scale((q + number[f"offset{i}"]) << ADD_HEADROOM_BITS, number[f"multiplier{i}"], number[f"shift{i}"])
                  for q in values], np.int64)
        for i in "12"
    )  # fmt: skip
    return first, second


def nearest_pairs() -> list[tuple[int, int]]:
    """Return how far from their ideal values two factors of ADD are tried, the nearest first."""
    steps = (0, 1, -1)
    return sorted(((a, b) for a in steps for b in steps), key=lambda t: abs(t[0]) + abs(t[1]))


def one_row_of(fields: Mapping[str, Value]) -> tuple[int, int, bool] | None:
    """Return rows, their size, and whether it is the first input that has only one of them; None for other shapes.

    `fields` are those of alpharho_add or alpharho_mul.
    """
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
