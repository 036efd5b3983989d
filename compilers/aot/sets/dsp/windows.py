"""Kernel set `dsp`: DEPTHWISE_CONV_2D and FULLY_CONNECTED, and how their constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT8_MIN
from compilers.aot.kernel import Kernel
from compilers.aot.operands import Constant, Scratch, Value
from compilers.aot.packing import arguments, channels, common_fields, data, dense_scaling
from compilers.aot.sets import portable
from compilers.aot.sets.dsp import kernels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]

EXPANDED_BYTES = 2
# Kernels of depthwise layers, with weights as bytes and wide, by the side of their windows.
DEPTHWISE_KERNELS = {
    3: (kernels.DEPTHWISE, kernels.DEPTHWISE_WIDE),
    5: (kernels.DEPTHWISE_5X5, kernels.DEPTHWISE_WIDE_5X5),
}
# Channels packed together, and taps in a word.
GROUP = WORD_TAPS = 4
MULTIPLIER_LEAST, SHIFT_MOST = 1 << 30, 31
# Where a half word is the weights of two channels, a + 2^8 * b, a sum is a's and 2^8 times b's, in 32 bits.
PAIR_SUM_LIMIT = 1 << 23


def depthwise(
    step: Step,
    call: Call,
    optimize: str,
    by_side: Mapping[int, tuple[Kernel, Kernel]] = DEPTHWISE_KERNELS,
) -> Step:
    """DEPTHWISE_CONV_2D of 3x3 or 5x5: the larger, faster packing where `optimize` is "speed"."""
    wide = optimize == "speed"
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = scaled_channels(parameters)
    side = window["kernel_h"]
    if scaled is None or side not in by_side or window["kernel_w"] != side or window["in_c"] % GROUP:
        return portable.depthwise(step, call, optimize)
    if (window["dilation_h"], window["dilation_w"], parameters["multiplier"]) != (1, 1, 1):
        return portable.depthwise(step, call, optimize)
    bias, weights, multiplier, shift = scaled
    groups = window["in_c"] // GROUP
    taps = weights.reshape(groups, GROUP, -1).transpose(0, 2, 1)
    if wide:
        taps = taps[:, :, [0, 2, 1, 3]].astype("<i2")
    packed = _grouped(bias, np.ascontiguousarray(taps).view("<i4").reshape(groups, -1), doubled(multiplier), shift)
    fields = {"window": window} | common_fields(parameters, packed)
    kernel = by_side[side][wide]
    return replace(step, calls=(Call(kernel, (kernel.structure(fields), source, target, Scratch())),))


def dense(step: Step, call: Call, optimize: str) -> Step:
    """FULLY_CONNECTED."""
    parameters, _, _ = arguments(call)
    pairs = dense_scaling(parameters)
    if pairs is None:
        return step
    bias, weights = data(parameters["bias"]), data(parameters["weights"]).astype(np.int8)
    multiplier, right = np.broadcast_to(np.array(pairs, np.int32), (len(bias), 2)).T
    scaled = bias.astype(np.int32), weights, multiplier, right - 1
    return one_pixel(step, call, kernels.DENSE, cast(int, parameters["rows"]), scaled, parameters)


def one_pixel(
    step: Step,
    call: Call,
    kernel: Kernel,
    rows: int,
    scaled: tuple[Int32, Int8, Int32, Int32],
    limited: Mapping[str, Value],
) -> Step:
    """Return the step with a kernel for rows of inputs. `limited` has the zero point and limits of the output."""
    _, source, target = arguments(call)
    channels, depth = scaled[1].shape
    grouped, packed = rows_of_four(*scaled)
    fields: dict[str, Value] = {"rows": rows, "in_c": depth, "out_c": channels, "grouped": grouped}
    fields["packed"] = Constant("packed", packed)
    fields |= {name: limited[name] for name in ("zero_point", "min", "max")}
    padded = depth + -depth % WORD_TAPS
    operands = (kernel.structure(fields), source, target, Scratch())
    return replace(step, calls=(Call(kernel, operands),), scratch=EXPANDED_BYTES * padded)


def rows_of_four(bias: Int32, weights: Int8, multiplier: Int32, shift: Int32) -> tuple[int, Int32]:
    """Pack rows of weights four by four, those that are left one by one. Return also how many are in fours.

    All come one by one where the sums or weights of two channels do not fit together.
    """
    weights = np.pad(weights, ((0, 0), (0, -weights.shape[1] % WORD_TAPS)))
    whole = len(bias) // GROUP * GROUP
    if not fit_together(bias[:whole], 1, weights[:whole]):
        whole = 0
    starts, bytes_of = joined(bias[:whole], weights[:whole])
    # Group, pair of channels, channel of it, block of four taps, and a tap's number in two bits.
    taps = bytes_of.reshape(whole // GROUP, 2, 2, weights.shape[1] // WORD_TAPS, 2, 2).transpose(0, 3, 1, 5, 4, 2)
    words = np.ascontiguousarray(taps).reshape(whole // GROUP, WORD_TAPS * weights.shape[1]).view("<i4")
    grouped = _grouped(starts, words, multiplier[:whole], shift[:whole])
    columns = bias[:, None], np.ascontiguousarray(weights).view("<i4"), multiplier[:, None], shift[:, None]
    return whole, np.concatenate((grouped.reshape(-1), np.concatenate(columns, axis=1)[whole:].reshape(-1)))


def fit_together(starts: npt.NDArray[np.signedinteger], factor: int, weights: Int8) -> bool:
    """Return whether each two channels can be joined: what sums begin with, weights, and what products are taken by."""
    second = weights[1::2].astype(np.int64)
    reach = np.abs(second).sum(axis=1) * 128 * factor + np.abs(starts[1::2].astype(np.int64))
    return bool(np.all((second > INT8_MIN) | (weights[0::2] >= 0)) and np.all(reach < PAIR_SUM_LIMIT))


def joined(starts: Int32, weights: Int8) -> tuple[Int32, Int8]:
    """Return a + 2^8 * b of each two channels in place of b: of what sums begin with, and of weights as bytes."""
    both, second = starts.astype(np.int64), weights.copy()
    both[1::2] = both[0::2] + (both[1::2] << 8)
    second[1::2] -= weights[0::2] < 0
    return both.astype(np.int32), second


def _grouped(bias: Int32, words: Int32, multiplier: Int32, shift: Int32) -> Int32:
    """Pack four channels: biases, words of weights (a row of the array), multipliers, and shifts in one word."""
    shifts = np.ascontiguousarray(shift.astype(np.int8)).view("<i4")
    return np.concatenate((bias.reshape(-1, GROUP), words, multiplier.reshape(-1, GROUP), shifts[:, None]), axis=1)


def doubled(multiplier: Int32) -> Int32:
    """Return 2 * multiplier - 2^32, for multipliers from 2^30 up to 2^31."""
    return (multiplier.astype(np.uint32) << 1).view(np.int32)


def scaled_channels(parameters: Mapping[str, Value]) -> tuple[Int32, Int8, Int32, Int32] | None:
    """Return `packing.channels` with right shift - 1, and multipliers that can be doubled."""
    scaled = channels(parameters)
    if scaled is None:
        return None
    bias, weights, multiplier, right = scaled
    # A multiplier of 0, of channels whose scale is next to nothing, is as good as the smallest.
    dead = multiplier == 0
    return bias, weights, np.where(dead, MULTIPLIER_LEAST, multiplier), np.where(dead, SHIFT_MOST, right) - 1
