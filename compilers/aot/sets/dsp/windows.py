"""Kernel set `dsp` (Armv7E-M): which steps have a kernel of their own there, and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.operands import Constant, Scratch, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, common_fields, data, dense_scaling, limits
from compilers.aot.sets.dsp import kernels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]

# Taps of a pixel are padded to this many; pixels are computed this many at a time.
UNIT_TAPS = 8
PIXELS = 4
EXPANDED_BYTES = 2
DEPTHWISE_SIDES = (3, 5)
RGB_ROW = 9
# Channels packed together, and taps in a word.
GROUP = WORD_TAPS = 4
MULTIPLIER_LEAST, SHIFT_MOST = 1 << 30, 31


def conv(step: Step, call: Call, optimize: str) -> Step:
    """CONV_2D of one group."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = _channels(parameters)
    if parameters["groups"] != 1 or scaled is None:
        return step
    bias, weights, multiplier, shift = scaled
    size = window["kernel_h"], window["kernel_w"]
    if (
        size == (window["out_h"], window["out_w"]) == (1, 1) == (window["in_h"], window["in_w"])
        and window["in_c"] % 4 == 0
    ):
        return _pixel(step, call, scaled)
    dense = (window["dilation_h"], window["dilation_w"]) == (1, 1)
    copies = 0
    if size == (1, 1) and window["stride_h"] == window["stride_w"] == 1 and window["in_c"] % 4 == 0:
        kernel = kernels.POINTWISE
    elif size == (3, 3) and window["in_c"] == 3 and dense:
        kernel = kernels.CONV_RGB
        taps = np.arange(weights.shape[1]).reshape(-1, RGB_ROW)
        weights = weights[:, np.concatenate((taps[:, :-1].reshape(-1), taps[:, -1]))]
    else:
        kernel, copies = kernels.CONV, 1
    depth = -(-weights.shape[1] // UNIT_TAPS) * UNIT_TAPS
    padded = np.pad(weights, ((0, 0), (0, depth - weights.shape[1])))
    words = np.ascontiguousarray(padded).view("<i4")
    packed = np.concatenate((bias[:, None], words, _doubled(multiplier)[:, None], shift[:, None]), axis=1)
    fields = {"window": window, "depth": depth} | common_fields(parameters, packed)
    return replace(
        step,
        calls=(Call(kernel, (kernel.structure(fields), source, target, Scratch())),),
        scratch=PIXELS * depth * (EXPANDED_BYTES + copies),
        overlap={source.tensor: conv_overlap(window, PIXELS)},
        apart=(),
    )


def _pixel(step: Step, call: Call, scaled: tuple[Int32, Int8, Int32, Int32]) -> Step:
    """A 1x1 convolution of one pixel is a dense layer, but for the rounding."""
    parameters, source, target = arguments(call)
    bias, weights, multiplier, shift = scaled
    fields: dict[str, Value] = {"rows": 1, "in_c": weights.shape[1], "out_c": len(bias)}
    fields["packed"] = Constant("packed", _rows(bias, weights, _doubled(multiplier), shift))
    fields |= limits(parameters)
    return replace(
        step,
        calls=(Call(kernels.PIXEL, (kernels.PIXEL.structure(fields), source, target, Scratch())),),
        scratch=EXPANDED_BYTES * weights.shape[1],
        overlap={source.tensor: 0},
        apart=(),
    )


def depthwise(step: Step, call: Call, optimize: str) -> Step:
    """DEPTHWISE_CONV_2D of 3x3 or 5x5: the larger, faster packing where `optimize` is "speed"."""
    wide = optimize == "speed"
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = _channels(parameters)
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
    packed = _grouped(bias, np.ascontiguousarray(taps).view("<i4").reshape(groups, -1), _doubled(multiplier), shift)
    fields = {"window": window} | common_fields(parameters, packed)
    kernel = kernels.DEPTHWISE_WIDE if wide else kernels.DEPTHWISE
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
    fields["packed"] = Constant("packed", _rows(bias.astype(np.int32), weights, multiplier, right - 1))
    fields |= {name: parameters[name] for name in ("zero_point", "min", "max")}
    packed = Call(kernels.DENSE, (kernels.DENSE.structure(fields), source, target, Scratch()))
    return replace(step, calls=(packed,), scratch=EXPANDED_BYTES * depth)


def _rows(bias: Int32, weights: Int8, multiplier: Int32, shift: Int32) -> Int32:
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


def _doubled(multiplier: Int32) -> Int32:
    """Return 2 * multiplier - 2^32, for multipliers from 2^30 up to 2^31."""
    return (multiplier.astype(np.uint32) << 1).view(np.int32)


def _channels(parameters: Mapping[str, Value]) -> tuple[Int32, Int8, Int32, Int32] | None:
    """Return `packing.channels` with right shift - 1, and multipliers that can be doubled."""
    scaled = channels(parameters)
    if scaled is None:
        return None
    bias, weights, multiplier, right = scaled
    # A multiplier of 0, of channels whose scale is next to nothing, is as good as the smallest.
    dead = multiplier == 0
    return bias, weights, np.where(dead, MULTIPLIER_LEAST, multiplier), np.where(dead, SHIFT_MOST, right) - 1
