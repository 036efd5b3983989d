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
from compilers.aot.sets.simd import kernels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]

LANES = 8
PIXELS = 4
EXPANDED_BYTES = 2
MOST_TAPS = 25


def conv(step: Step, call: Call, optimize: str) -> Step:
    """CONV_2D of one group. There is one packing: `optimize` makes no difference."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = channels(parameters)
    if parameters["groups"] != 1 or scaled is None:
        return step
    depth = scaled[1].shape[1] + scaled[1].shape[1] % 2
    fields: dict[str, Value] = {"window": window, "depth": depth, **_packed(parameters, scaled)}
    return replace(
        step,
        calls=(Call(kernels.CONV, (kernels.CONV.structure(fields), source, target, Scratch())),),
        scratch=PIXELS * EXPANDED_BYTES * depth,
        overlap={source.tensor: conv_overlap(window, PIXELS)},
        apart=(),
    )


def depthwise(step: Step, call: Call, optimize: str) -> Step:
    """DEPTHWISE_CONV_2D of one output channel for each input channel."""
    parameters, source, target = arguments(call)
    window = cast(Window, parameters["window"])
    scaled = channels(parameters)
    if scaled is None or window["in_c"] % LANES or window["kernel_h"] * window["kernel_w"] > MOST_TAPS:
        return step
    if (window["dilation_h"], window["dilation_w"], parameters["multiplier"]) != (1, 1, 1):
        return step
    structure = kernels.DEPTHWISE.structure({"window": window, **_packed(parameters, scaled)})
    return replace(step, calls=(Call(kernels.DEPTHWISE, (structure, source, target, Scratch())),))


def _packed(parameters: Mapping[str, Value], scaled: tuple[Int32, Int8, Int32, Int32]) -> dict[str, Value]:
    """Return the last fields, which both structures have. `scaled` has weights (channels, taps)."""
    bias, weights, multiplier, right = scaled
    more = -len(bias) % LANES
    pairs = np.pad(weights, ((0, more), (0, weights.shape[1] % 2))).reshape(-1, LANES, (weights.shape[1] + 1) // 2, 2)
    scaling = np.pad(np.stack((bias, multiplier, right - 1)), ((0, 0), (0, more))).reshape(3, -1, LANES)
    return {
        "input_zero_point": parameters["input_zero_point"],
        "weights": Constant("weights", np.ascontiguousarray(pairs.transpose(0, 2, 1, 3)).reshape(-1)),
        "scaling": Constant("scaling", np.ascontiguousarray(scaling.transpose(1, 0, 2)).reshape(-1).astype(np.int32)),
    } | limits(parameters)
