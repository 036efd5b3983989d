"""Kernel set `mve` (Armv8.1-M): which steps have a kernel of their own there, and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.operands import Constant, Scratch, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, common_fields, dense_scaling, limits
from compilers.aot.sets import portable
from compilers.aot.sets.mve import kernels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]

# Taps in a vector, and in half of one; pixels that are computed side by side, and channels one after the other.
BLOCK, HALF = 16, 8
PIXELS = CHANNELS = 4
DEPTHWISE_KERNELS = {3: kernels.DEPTHWISE, 5: kernels.DEPTHWISE_5X5}
RGB_ROW = 9
# Of the 27 taps of a kernel of 3x3 on 3 channels, -1 for a zero.
RGB_ORDER = (*range(18, 27), 16, 17, *[-1] * 5, *range(16))
# Taps of the table of depthwise_any.
TAPS_MOST = 81
# Elements of a window whose sums are divided by a reciprocal of 32 bits.
POOL_MOST = 4000
# What a vector of a block of rgb may write beyond the tile.
RGB_OVERHANG = 16
# In the sums of a depthwise block: channels of the four vectors.
DEPTHWISE_ORDER = np.concatenate([np.arange(first, BLOCK, 4) for first in (0, 2, 1, 3)])


def tile_bytes(depth: int) -> int:
    """Return what the inputs of four pixels take in scratch (ALPHARHO_MVE_TILE)."""
    return -(-depth // BLOCK) * BLOCK * PIXELS


def conv(step: Step, call: Call, optimize: str) -> Step:
    """CONV_2D of one group."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = channels(parameters)
    if parameters["groups"] != 1 or scaled is None:
        return step
    if all(window[f"{name}_{along}"] == 1 for name in ("kernel", "in", "out") for along in "hw"):
        return _pixel(step, call, scaled)
    bias, weights, multiplier, right = scaled
    size = window["kernel_h"], window["kernel_w"]
    dense = (window["dilation_h"], window["dilation_w"]) == (1, 1)
    more_scratch = 0
    if size == (1, 1) and window["stride_h"] == window["stride_w"] == 1 and not _padded(window):
        kernel = kernels.POINTWISE
    elif size == (3, 3) and window["in_c"] == 3 and dense:
        kernel, more_scratch = kernels.CONV_RGB, RGB_OVERHANG
        weights = np.pad(weights, ((0, 0), (0, 1)))[:, list(RGB_ORDER)]
    else:
        kernel = kernels.CONV
    depth = _padded_depth(weights.shape[1])
    if kernel is kernels.CONV:
        more_scratch = PIXELS * depth
    packed = _pack_conv(bias, weights, multiplier, right, depth)
    fields: dict[str, Value] = {"window": window, "depth": depth}
    fields |= common_fields(parameters, packed)
    return replace(
        step,
        calls=(Call(kernel, (kernel.structure(fields), source, target, Scratch())),),
        scratch=tile_bytes(depth) + more_scratch,
        overlap={source.tensor: conv_overlap(window, PIXELS)},
        apart=(),
    )


def _padded(window: Window) -> bool:
    return bool(window["pad_top"] or window["pad_left"])


def _padded_depth(taps: int) -> int:
    return -(-taps // HALF) * HALF


def _pack_conv(bias: Int32, weights: Int8, multiplier: Int32, right: Int32, depth: int) -> Int32:
    """Return `packed` of struct alpharho_mve_conv as words. `weights` are (channels, taps)."""
    more = -len(bias) % CHANNELS
    weights = np.pad(weights, ((0, more), (0, depth - weights.shape[1])))
    # The shift of a channel that is only there to make four full is as good as any.
    scaling = np.pad(np.stack((bias, multiplier, -right), axis=1), ((0, more), (0, 0)), constant_values=-1)
    pairs = weights.reshape(-1, 2, depth)
    whole = depth // BLOCK * BLOCK
    blocks = pairs[:, :, :whole].reshape(len(pairs), 2, -1, BLOCK).transpose(0, 2, 1, 3)
    by_pair = np.concatenate((blocks.reshape(len(pairs), -1), pairs[:, :, whole:].reshape(len(pairs), -1)), axis=1)
    words = np.ascontiguousarray(by_pair.reshape(-1, CHANNELS * depth).astype(np.int8)).view("<i4")
    return np.concatenate((words, scaling.reshape(-1, CHANNELS * 3)), axis=1).astype(np.int32)


def depthwise(step: Step, call: Call, optimize: str) -> Step:
    """DEPTHWISE_CONV_2D. There is one packing: `optimize` makes no difference."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    in_c, multiplier = window["in_c"], cast(int, parameters["multiplier"])
    scaled = channels(parameters)
    if scaled is None or multiplier != 1 or window["kernel_h"] * window["kernel_w"] > TAPS_MOST:
        return portable.depthwise(step, call, optimize)
    bias, weights, scales, right = scaled
    if (weights == np.int8(-128)).any():
        return portable.depthwise(step, call, optimize)
    at_once = BLOCK // in_c if in_c <= HALF and window["stride_w"] == 1 else 1
    is_own = _has_own_depthwise(window)
    if at_once > 1:
        bias, scales, right = (np.tile(a, at_once) for a in (bias, scales, right))
        weights = np.tile(weights, (at_once, 1))
    if not is_own and weights.shape[1] % 2 == 0:
        weights = np.pad(weights, ((0, 0), (0, 1)))
    fields: dict[str, Value] = {"window": window, "pixels_at_once": at_once}
    fields |= common_fields(parameters, _pack_depthwise(bias, weights, scales, right))
    kernel = DEPTHWISE_KERNELS[window["kernel_h"]] if is_own else kernels.DEPTHWISE_ANY
    return replace(step, calls=(Call(kernel, (kernel.structure(fields), source, target, Scratch())),))


def _has_own_depthwise(window: Window) -> bool:
    """Whether a window has assembly of its own that is faster: 3x3 or 5x5, most of 16 channels being there."""
    side, in_c = window["kernel_h"], window["in_c"]
    if side not in DEPTHWISE_KERNELS or window["kernel_w"] != side or in_c % 4:
        return False
    if (window["dilation_h"], window["dilation_w"]) != (1, 1):
        return False
    # Pixels of few channels are taken together by one of the two.
    return in_c > HALF or window["stride_w"] != 1 or (in_c == HALF and side == 3 and window["out_w"] % 2 == 0)


def _pack_depthwise(bias: Int32, weights: Int8, multiplier: Int32, right: Int32) -> Int32:
    """Return `packed` of struct alpharho_mve_depthwise as words. `weights` are (channels, taps)."""
    more = -len(bias) % BLOCK

    def in_order(values: Int32) -> Int32:
        padded = np.pad(values, (0, more), constant_values=1)
        return padded.reshape(-1, BLOCK)[:, DEPTHWISE_ORDER].astype("<i4")

    by_tap = np.pad(weights, ((0, more), (0, 0))).reshape(-1, BLOCK, weights.shape[1]).transpose(0, 2, 1)
    words = np.ascontiguousarray(by_tap.astype(np.int8)).reshape(len(by_tap), -1).view("<i4")
    shifts = np.ascontiguousarray((-in_order(right)).astype(np.int8)).view("<i4")
    scaling = np.concatenate((in_order(multiplier).reshape(-1, 4, 4), shifts[:, :, None]), axis=2)
    packed = np.concatenate((in_order(bias), words, scaling.reshape(len(by_tap), -1)), axis=1)
    return packed.astype(np.int32)


def _pixel(step: Step, call: Call, scaled: tuple[Int32, Int8, Int32, Int32]) -> Step:
    """A 1x1 convolution of one pixel is a dense layer, but for the rounding."""
    parameters, source, target = arguments(call)
    bias, weights, multiplier, right = scaled
    fields: dict[str, Value] = {"rows": 1, "in_c": weights.shape[1], "out_c": len(bias)}
    fields |= {"weights": Constant("weights", weights), "bias": Constant("bias", bias)}
    fields |= _scaling(multiplier, -right)
    fields |= limits(parameters)
    one_pixel = Call(kernels.PIXEL, (kernels.PIXEL.structure(fields), source, target))
    return replace(step, calls=(one_pixel,), scratch=0, overlap={}, apart=())


def average_pool(step: Step, call: Call, optimize: str) -> Step:
    """AVERAGE_POOL_2D."""
    window = cast(Window, call.fields["window"])
    if window["kernel_h"] * window["kernel_w"] > POOL_MOST:
        return step
    return replace(step, calls=(Call(kernels.AVERAGE_POOL, call.arguments),))


def dense(step: Step, call: Call, optimize: str) -> Step:
    """FULLY_CONNECTED."""
    parameters, source, target = arguments(call)
    pairs = dense_scaling(parameters)
    if pairs is None:
        return step
    multiplier, right = np.broadcast_to(np.array(pairs, np.int32), (cast(int, parameters["out_c"]), 2)).T
    fields = {name: parameters[name] for name in ("rows", "in_c", "out_c", "weights", "bias")}
    fields |= _scaling(multiplier, -right)
    fields |= {name: parameters[name] for name in ("zero_point", "min", "max")}
    return replace(step, calls=(Call(kernels.DENSE, (kernels.DENSE.structure(fields), source, target)),))


def _scaling(multiplier: Int32, shift: Int32) -> dict[str, Value]:
    return {
        "multiplier": Constant("multiplier", np.ascontiguousarray(multiplier)),
        "shift": Constant("shift", shift.astype(np.int8)),
    }
