"""Kernel set `portable` (C11): a kernel for each operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.access import elementwise, move, reduce, resize, window
from compilers.aot.kernel import Kernel, PairsRow, RingRow, ValuesRow, WindowRow
from compilers.aot.operands import Fields, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, data, with_channels
from compilers.aot.sets.kernel_set import KernelSet
from compilers.aot.steps import Call, Step

Scaled = tuple[npt.NDArray[np.int32], npt.NDArray[np.int8], npt.NDArray[np.int32], npt.NDArray[np.int32]]

FEW_INPUTS, FEW_OUTPUTS = 7, 3
"""Channels of a 1x1 convolution: with at most so many of either, copying inputs costs more than it saves."""

_kernel = partial(Kernel, "portable")


def flat(fields: Fields, size: int) -> Fields:
    """Return the fields of an element-wise kernel for `size` values of each input."""
    shape = {"dims": (1, 1, 1, size), "step1": (0, 0, 0, 1), "step2": (0, 0, 0, 1)}
    return {**fields, "shape": shape}


# With larger right shifts, zero point and half a step do not fit beside a product.
SHIFT_MOST = 23
BIAS_LIMIT = 1 << 28
MULTIPLIER_LEAST = 1 << 30


def with_plain_channels(step: Step, call: Call, optimize: str) -> Step:
    """Return a convolution whose channels with the same output for all inputs have small sums and shifts.

    Then the kernels of cores without a product of 64 bits can take their shortest way for the whole operator.
    """
    parameters, _, _ = arguments(call)
    requant = cast(Mapping[str, Value], parameters["requant"])
    scaled = channels(parameters, SHIFT_MOST) if requant["step"] else None
    if scaled is None:
        return step
    bias, _, _, right = scaled
    if np.array_equal(bias, data(parameters["bias"])) and np.array_equal(-right, data(requant["shift"])):
        return step
    structure = call.kernel.structure(with_channels(parameters, scaled))
    return replace(step, calls=(Call(call.kernel, (structure, *call.arguments[1:])),))


def conv(step: Step, call: Call, optimize: str) -> Step:
    """CONV_2D: 1x1 of few channels has a kernel of its own."""
    parameters, _, _ = arguments(call)
    if _has_few_channels(parameters) and (scaled := _plain(parameters)):
        structure = POINTWISE_FEW.structure(with_channels(parameters, scaled))
        overlap = conv_overlap(cast(Mapping[str, Value], parameters["window"]), 2, is_read_again=True)
        call = Call(POINTWISE_FEW, (structure, *call.arguments[1:]))
        return replace(step, calls=(call,), overlap={step.inputs[0]: overlap})
    return with_plain_channels(step, call, optimize)


def _has_few_channels(parameters: Mapping[str, Value]) -> bool:
    window = cast(Mapping[str, int], parameters["window"])
    moves = [window[name] for name in ("kernel_h", "kernel_w", "stride_h", "stride_w")]
    if moves != [1, 1, 1, 1] or parameters["groups"] != 1:
        return False
    return window["in_c"] <= FEW_INPUTS or window["out_c"] <= FEW_OUTPUTS


def depthwise(step: Step, call: Call, optimize: str) -> Step:
    """DEPTHWISE_CONV_2D of 3x3: there is one packing, and `optimize` makes no difference."""
    parameters, _, _ = arguments(call)
    window = cast(Mapping[str, int], parameters["window"])
    shape = [window[name] for name in ("kernel_h", "kernel_w", "dilation_h", "dilation_w")]
    if shape != [3, 3, 1, 1] or parameters["multiplier"] != 1 or not (scaled := _plain(parameters)):
        return step
    structure = DEPTHWISE_3X3.structure(with_channels(parameters, scaled))
    return replace(step, calls=(Call(DEPTHWISE_3X3, (structure, *call.arguments[1:])),))


def _plain(parameters: Mapping[str, Value]) -> Scaled | None:
    """Return `packing.channels` with small shifts and biases, and no multiplier of 0; None if that can't be."""
    scaled = channels(parameters, SHIFT_MOST)
    if scaled is None or np.any(np.abs(scaled[0]) >= BIAS_LIMIT):
        return None
    bias, weights, multiplier, _ = scaled
    # Channels whose scale is next to nothing.
    dead = multiplier == 0
    bias[dead], weights[dead], multiplier[dead] = 0, 0, MULTIPLIER_LEAST
    return scaled


CONV = _kernel("alpharho_conv", window.convolution(2), "alpharho_conv", WindowRow())
POINTWISE_FEW = _kernel(
    "alpharho_pointwise_few", window.convolution(2, is_read_again=True), "alpharho_conv", WindowRow()
)
DEPTHWISE_ROW = _kernel("alpharho_depthwise_row", window.depthwise_row, "alpharho_depthwise")
DEPTHWISE = _kernel("alpharho_depthwise", window.depthwise, "alpharho_depthwise", RingRow(DEPTHWISE_ROW))
DEPTHWISE_3X3_ROW = _kernel("alpharho_depthwise_3x3_row", window.depthwise_row, "alpharho_depthwise")
DEPTHWISE_3X3 = _kernel("alpharho_depthwise_3x3", window.depthwise, "alpharho_depthwise", RingRow(DEPTHWISE_3X3_ROW))
TRANSPOSE_CONV = _kernel("alpharho_transpose_conv", window.transposed, "alpharho_transpose_conv")
AVERAGE_POOL = _kernel("alpharho_average_pool", window.pool, "alpharho_pool", WindowRow())
MAX_POOL = _kernel("alpharho_max_pool", window.pool, "alpharho_pool", WindowRow())
DENSE = _kernel("alpharho_dense", reduce.dense, "alpharho_dense")
MEAN = _kernel("alpharho_mean", reduce.mean, "alpharho_mean")
REDUCE_MAX = _kernel("alpharho_reduce_max", reduce.mean, "alpharho_reduce")
REDUCE_MIN = _kernel("alpharho_reduce_min", reduce.mean, "alpharho_reduce")
RESIZE_BILINEAR = _kernel("alpharho_resize_bilinear", resize.bilinear, "alpharho_resize_bilinear")
RESIZE_NEAREST = _kernel("alpharho_resize_nearest", resize.nearest, "alpharho_resize_nearest")
SOFTMAX = _kernel("alpharho_softmax", reduce.softmax, "alpharho_softmax")
ADD = _kernel("alpharho_add", elementwise.broadcast_pairs, "alpharho_add", PairsRow(flat))
SUB = _kernel("alpharho_sub", elementwise.broadcast_pairs, "alpharho_add", PairsRow(flat))
MAXIMUM = _kernel("alpharho_maximum", elementwise.broadcast_pairs, "alpharho_extremum", PairsRow(flat))
MINIMUM = _kernel("alpharho_minimum", elementwise.broadcast_pairs, "alpharho_extremum", PairsRow(flat))
PRELU = _kernel("alpharho_prelu", elementwise.broadcast_pairs, "alpharho_prelu", PairsRow(flat))
MUL = _kernel("alpharho_mul", elementwise.broadcast_pairs, "alpharho_mul")
TABLE = _kernel("alpharho_table", elementwise.table, None, ValuesRow())
QUANTIZE = _kernel("alpharho_quantize", elementwise.quantize)
DEQUANTIZE = _kernel("alpharho_dequantize", elementwise.dequantize)
PAD = _kernel("alpharho_pad", move.pad, "alpharho_pad")
GATHER = _kernel("alpharho_gather", move.gather, "alpharho_gather")
PLACE = _kernel("alpharho_place", move.place)
COPY = _kernel("alpharho_copy", move.copy)
FILL = _kernel("alpharho_fill", move.fill)

SET = KernelSet(
    "portable",
    "portable.h",
    (
        CONV, POINTWISE_FEW, TRANSPOSE_CONV, DEPTHWISE, DEPTHWISE_ROW, DEPTHWISE_3X3, DEPTHWISE_3X3_ROW, AVERAGE_POOL,
        MAX_POOL, DENSE, MEAN, SOFTMAX, ADD, SUB, MUL, MAXIMUM, MINIMUM, PRELU, TABLE, QUANTIZE, DEQUANTIZE, PAD,
        GATHER, REDUCE_MAX, REDUCE_MIN, RESIZE_BILINEAR, RESIZE_NEAREST, PLACE, COPY, FILL,
    ),
    replacements={CONV: conv, DEPTHWISE: depthwise},
)  # fmt: skip
