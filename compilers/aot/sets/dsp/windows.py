"""Kernel set `dsp`: DEPTHWISE_CONV_2D and FULLY_CONNECTED, and how their constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.kernel import Kernel
from compilers.aot.operands import Constant, Scratch, Value
from compilers.aot.packing import arguments, channels, common_fields, data, dense_scaling
from compilers.aot.sets.dsp import kernels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]

EXPANDED_BYTES = 2
DEPTHWISE_SIDES = (3, 5)
# Channels packed together, and taps in a word.
GROUP = WORD_TAPS = 4
MULTIPLIER_LEAST, SHIFT_MOST = 1 << 30, 31


def depthwise(
    step: Step,
    call: Call,
    optimize: str,
    narrow_and_wide: tuple[Kernel, Kernel] = (kernels.DEPTHWISE, kernels.DEPTHWISE_WIDE),
) -> Step:
    """DEPTHWISE_CONV_2D of 3x3 or 5x5: the larger, faster packing where `optimize` is "speed"."""
    wide = optimize == "speed"
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = scaled_channels(parameters)
    side = window["kernel_h"]
    if scaled is None or side not in DEPTHWISE_SIDES or window["kernel_w"] != side or window["in_c"] % GROUP:
        return step
    if (window["dilation_h"], window["dilation_w"], parameters["multiplier"]) != (1, 1, 1):
        return step
    bias, weights, multiplier, shift = scaled
    groups = window["in_c"] // GROUP
    taps = weights.reshape(groups, GROUP, -1).transpose(0, 2, 1)
    if wide:
        taps = taps[:, :, [0, 2, 1, 3]].astype("<i2")
    packed = _grouped(bias, np.ascontiguousarray(taps).view("<i4").reshape(groups, -1), doubled(multiplier), shift)
    fields = {"window": window} | common_fields(parameters, packed)
    kernel = narrow_and_wide[wide]
    return replace(step, calls=(Call(kernel, (kernel.structure(fields), source, target, Scratch())),))


def dense(step: Step, call: Call, optimize: str) -> Step:
    """FULLY_CONNECTED."""
    parameters, source, target = arguments(call)
    depth = cast(int, parameters["in_c"])
    if depth % WORD_TAPS:
        return step
    pairs = dense_scaling(parameters)
    if pairs is None:
        return step
    bias, weights = data(parameters["bias"]), data(parameters["weights"]).astype(np.int8)
    multiplier, right = np.broadcast_to(np.array(pairs, np.int32), (len(bias), 2)).T
    fields: dict[str, Value] = {name: parameters[name] for name in ("rows", "in_c", "out_c")}
    fields["packed"] = Constant("packed", rows_of_four(bias.astype(np.int32), weights, multiplier, right - 1))
    fields |= {name: parameters[name] for name in ("zero_point", "min", "max")}
    packed = Call(kernels.DENSE, (kernels.DENSE.structure(fields), source, target, Scratch()))
    return replace(step, calls=(packed,), scratch=EXPANDED_BYTES * depth)


def rows_of_four(bias: Int32, weights: Int8, multiplier: Int32, shift: Int32) -> Int32:
    """Pack rows of weights four by four, those that are left one by one."""
    words = np.ascontiguousarray(weights).view("<i4")
    whole = len(bias) // GROUP * GROUP
    depth = words.shape[1]
    groups = words[:whole].reshape(-1, GROUP, depth).transpose(0, 2, 1).reshape(-1, GROUP * depth)
    left = np.concatenate((bias[:, None], words, multiplier[:, None], shift[:, None]), axis=1)[whole:]
    grouped = _grouped(bias[:whole], groups, multiplier[:whole], shift[:whole])
    return np.concatenate((grouped.reshape(-1), left.reshape(-1)))


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
