"""Kernel set `rv32` (RISC-V of 32 bits with multiplication), and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.access import elementwise, window
from compilers.aot.kernel import Kernel, PairsRow, RingRow, WindowRow
from compilers.aot.operands import Scratch, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, common_fields, reach_of, with_channels
from compilers.aot.sets import portable
from compilers.aot.sets.dsp.elementwise import add
from compilers.aot.sets.kernel_set import KernelSet
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Scaled = tuple[Int32, Int8, Int32, Int32]

PIXELS = CHANNELS = TAPS = 4
"""That are computed together."""
PAIR_BYTES = 4
"""Of scratch, for a tap of two pixels."""
SUM_LIMIT = 1 << 29
"""Four times a sum is int32."""
STRIDE_MOST = 2
SHIFT_MOST = 21
"""With larger shifts, zero point and half a step do not fit beside a product."""

_kernel = partial(Kernel, "rv32")

CONV = _kernel("alpharho_rv32_conv", window.convolution(PIXELS), "alpharho_rv32_conv", WindowRow())
DEPTHWISE_ROW = _kernel("alpharho_rv32_depthwise_row", window.depthwise_row, "alpharho_depthwise")
DEPTHWISE = _kernel("alpharho_rv32_depthwise", window.depthwise, "alpharho_depthwise", RingRow(DEPTHWISE_ROW))
WIDE_ROWS = {
    width: _kernel(f"alpharho_rv32_depthwise_{width}_row", window.depthwise_row, "alpharho_depthwise")
    for width in (3, 5, 7)
}
WIDE = {
    width: _kernel(f"alpharho_rv32_depthwise_{width}", window.depthwise, "alpharho_depthwise", RingRow(row))
    for width, row in WIDE_ROWS.items()
}
"""For windows so wide."""
ADD = _kernel(
    "alpharho_rv32_add", elementwise.pairs, "alpharho_rv32_add", PairsRow(lambda fields, size: {**fields, "size": size})
)


def conv(step: Step, call: Call, optimize: str) -> Step:
    """CONV_2D of one group and several pixels. There is one packing: `optimize` makes no difference."""
    parameters, source, target = arguments(call)
    w = cast(Mapping[str, int], parameters["window"])
    scaled = _scaled(parameters)
    if parameters["groups"] != 1 or scaled is None or w["out_h"] * w["out_w"] == 1:
        return step
    depth = scaled[1].shape[1] + -scaled[1].shape[1] % TAPS
    fields: dict[str, Value] = {"window": w, "depth": depth} | common_fields(parameters, _packed(scaled))
    return replace(
        step,
        calls=(Call(CONV, (CONV.structure(fields), source, target, Scratch())),),
        scratch=PIXELS // 2 * PAIR_BYTES * depth,
        overlap={source.tensor: conv_overlap(w, PIXELS)},
        apart=(),
    )


def depthwise(step: Step, call: Call, optimize: str) -> Step:
    """DEPTHWISE_CONV_2D, with the parameters of the portable kernel."""
    parameters, source, target = arguments(call)
    scaled, kernel = _scaled(parameters), _depthwise_kernel(parameters)
    if scaled is None or kernel is None:
        return portable.depthwise(step, call, optimize)
    structure = kernel.structure(with_channels(parameters, scaled))
    return replace(step, calls=(Call(kernel, (structure, source, target, Scratch())),))


def _depthwise_kernel(parameters: Mapping[str, Value]) -> Kernel | None:
    w = cast(Mapping[str, int], parameters["window"])
    if w["dilation_w"] != 1 or w["stride_w"] > STRIDE_MOST:
        return None
    sides = w["kernel_h"], w["kernel_w"]
    if sides == (3, 3) and w["dilation_h"] == parameters["multiplier"] == 1:
        return DEPTHWISE
    return WIDE.get(w["kernel_w"]) if w["out_w"] >= PIXELS else None


def _scaled(parameters: Mapping[str, Value]) -> Scaled | None:
    """Return `packing.channels` if the kernels can round all sums."""
    scaled = channels(parameters, SHIFT_MOST)
    return scaled if scaled is not None and reach_of(*scaled[:2]).max(initial=0) < SUM_LIMIT else None


def _packed(scaled: Scaled) -> Int32:
    """Return the constants of all channels, four by four; zeros for those that are missing in the last four."""
    more = -len(scaled[0]) % CHANNELS
    bias, multiplier, right = (np.pad(numbers, (0, more)).reshape(-1, CHANNELS) for numbers in scaled[::2] + scaled[3:])
    taps = np.pad(scaled[1], ((0, more), (0, -scaled[1].shape[1] % TAPS)))
    groups = len(bias)
    pairs = taps.reshape(groups, CHANNELS, -1, 2).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(pairs).reshape(groups, -1).view("<i4")
    shifts = right.astype(np.int8).view("<i4")
    return np.concatenate((bias, words, multiplier, shifts), axis=1)


SET = KernelSet(
    "rv32",
    "rv32.h",
    (CONV, DEPTHWISE, DEPTHWISE_ROW, *WIDE.values(), *WIDE_ROWS.values(), ADD),
    replacements={
        portable.CONV: conv,
        portable.DEPTHWISE: depthwise,
        portable.ADD: partial(add, kernel=ADD),
    },
)
