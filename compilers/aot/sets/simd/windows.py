"""Kernel set `simd`: which steps have a kernel of their own there, and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.operands import Constant, Scratch, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, limits
from compilers.aot.sets import portable
from compilers.aot.sets.simd import kernels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]
Scaled = tuple[Int32, Int8, Int32, Int32]

TAPS = 4
PIXELS = 4
EXPANDED_BYTES = 2
COPIED = 16
"""Taps of a row that are copied at least."""
BLOCK = 16
"""Channels that are packed together."""
SMALL_BLOCK = 8
MOST_TAPS = 25
PADDED_ROW = 3
SIMPLE_SHIFTS = 2, 23
"""Right shifts that leave room for a zero point and half a step beside a product."""
WEIGHT_LEAST = -127
"""Two products of int8 then fit int16."""


def conv(step: Step, call: Call, optimize: str) -> Step:
    """CONV_2D of one group. There is one packing: `optimize` makes no difference."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = _scaled(parameters)
    if parameters["groups"] != 1 or scaled is None:
        return step
    count = window["out_c"]
    more = -count % BLOCK
    taps = np.pad(scaled[1], ((0, more), (0, -scaled[1].shape[1] % TAPS)))
    depth, row = taps.shape[1], window["kernel_w"] * window["in_c"]
    behind = max(0, (window["kernel_h"] - 1) * row + COPIED - depth) if row <= COPIED else 0
    quads = taps.reshape(-1, BLOCK, depth // TAPS, TAPS).transpose(0, 2, 1, 3)
    fields: dict[str, Value] = {"window": window, "depth": depth, "input_zero_point": parameters["input_zero_point"]}
    fields |= _packed(parameters, scaled, quads, np.pad(_rows(scaled), ((0, 0), (0, more))))
    return replace(
        step,
        calls=(Call(kernels.CONV, (kernels.CONV.structure(fields), source, target, Scratch())),),
        scratch=EXPANDED_BYTES * (PIXELS * depth + behind),
        overlap={source.tensor: conv_overlap(window, PIXELS)},
        apart=(),
    )


def depthwise(step: Step, call: Call, optimize: str) -> Step:
    """DEPTHWISE_CONV_2D of one output channel for each input channel."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled, count = _scaled(parameters), window["in_c"]
    if scaled is None or count < SMALL_BLOCK or window["kernel_h"] * window["kernel_w"] > MOST_TAPS:
        return portable.depthwise(step, call, optimize)
    if (window["dilation_h"], window["dilation_w"], parameters["multiplier"]) != (1, 1, 1):
        return portable.depthwise(step, call, optimize)
    pixels = 2 if count == SMALL_BLOCK and window["stride_w"] == 1 and window["out_w"] > 1 else 1
    block = BLOCK if count >= BLOCK else SMALL_BLOCK
    # The last block ends with the last channel.
    of_blocks = np.minimum(np.arange(0, count, block), count - block)[:, None] + np.arange(BLOCK)
    of_blocks = np.where(np.arange(BLOCK) < block, of_blocks, of_blocks - block)
    rows = scaled[1].reshape(count, window["kernel_h"], window["kernel_w"])
    if window["kernel_w"] == PADDED_ROW:
        rows = np.pad(rows, ((0, 0), (0, 0), (0, 1)))
    flat = rows.reshape(count, -1)
    taps = np.pad(flat, ((0, 0), (0, -flat.shape[1] % TAPS)))
    quads = taps.reshape(count, -1, TAPS)[of_blocks].transpose(0, 2, 1, 3)
    scaling = _rows(scaled)[:, of_blocks].transpose(1, 0, 2)
    fields: dict[str, Value] = {"window": window, "block": block, "pixels": pixels}
    fields |= {"input_zero_point": parameters["input_zero_point"]} | _packed(parameters, scaled, quads, scaling)
    structure = kernels.DEPTHWISE.structure(fields)
    return replace(step, calls=(Call(kernels.DEPTHWISE, (structure, source, target, Scratch())),))


def _scaled(parameters: Mapping[str, Value]) -> Scaled | None:
    """Return `packing.channels` if the kernels take its weights, (channels, taps)."""
    scaled = channels(parameters)
    return scaled if scaled is not None and scaled[1].min(initial=0) >= WEIGHT_LEAST else None


def _rows(scaled: Scaled) -> Int32:
    """Return bias, the same for inputs plus 128, multiplier, and right shift less 1, each a row of all channels."""
    bias, weights, multiplier, right = scaled
    return np.stack((bias, bias - 128 * weights.sum(axis=1, dtype=np.int32), multiplier, right - 1)).astype(np.int32)


def _packed(parameters: Mapping[str, Value], scaled: Scaled, weights: Int8, scaling: Int32) -> dict[str, Value]:
    """Return the last fields, which both structures have."""
    ends = limits(parameters)
    right = scaled[3]
    positive = cast(int, ends["min"]) >= cast(int, ends["zero_point"])
    positive = positive and SIMPLE_SHIFTS[0] <= right.min() and right.max() <= SIMPLE_SHIFTS[1]
    return {
        "weights": Constant("weights", np.ascontiguousarray(weights).reshape(-1)),
        "scaling": Constant("scaling", np.ascontiguousarray(scaling).reshape(-1)),
        "negatives": 0 if positive else 1,
    } | ends
