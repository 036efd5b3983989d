"""Kernel set `dsp` (Armv7E-M): which steps have a kernel of their own there, and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot import dsp_elementwise
from compilers.aot.arithmetic import INT8_MAX, INT8_MIN, INT32_MAX, INT32_MIN, clamp, scale
from compilers.aot.lower_window import conv_overlap
from compilers.aot.steps import At, Call, Constant, Parameters, Scratch, Step, Value

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]

# Taps of a pixel are padded to this many; pixels are computed this many at a time.
UNIT_TAPS = 8
PIXELS = 4
EXPANDED_BYTES = 2
# Twice a sum must be int32.
SUM_LIMIT = 1 << 30
DEPTHWISE_SIDES = (3, 5)
RGB_ROW = 9
DENSE_LEAST = 4


def specialise(step: Step) -> Step:
    """Return the step with this set's kernel, or as it is where there is none for it."""
    if len(step.calls) != 1:
        return step
    call = step.calls[0]
    if call.function == "kernel_conv":
        return _conv(step, call)
    if call.function == "kernel_depthwise":
        return _depthwise(step, call)
    if call.function == "kernel_dense":
        return _dense(step, call)
    if call.function in ("kernel_add", "kernel_mul", "kernel_mean", "kernel_table"):
        return dsp_elementwise.specialise(step, call)
    return step


def _conv(step: Step, call: Call) -> Step:
    parameters, source, target = _arguments(call)
    window = cast(Window, parameters["window"])
    channels = _channels(parameters)
    if parameters["groups"] != 1 or channels is None:
        return step
    bias, weights, multiplier, shift = channels
    kernel = window["kernel_h"], window["kernel_w"]
    dense = (window["dilation_h"], window["dilation_w"]) == (1, 1)
    copies = 0
    if kernel == (1, 1) and window["stride_h"] == window["stride_w"] == 1 and window["in_c"] % 4 == 0:
        function = "kernel_dsp_pointwise"
    elif kernel == (3, 3) and window["in_c"] == 3 and dense:
        function = "kernel_dsp_conv_rgb"
        taps = np.arange(weights.shape[1]).reshape(-1, RGB_ROW)
        weights = weights[:, np.concatenate((taps[:, :-1].reshape(-1), taps[:, -1]))]
    else:
        function, copies = "kernel_dsp_conv", 1
    depth = -(-weights.shape[1] // UNIT_TAPS) * UNIT_TAPS
    padded = np.pad(weights, ((0, 0), (0, depth - weights.shape[1])))
    words = np.ascontiguousarray(padded).view("<i4")
    packed = np.concatenate((bias[:, None], words, multiplier[:, None], shift[:, None]), axis=1)
    fields = {"window": window, "depth": depth} | _common_fields(parameters, packed)
    return replace(
        step,
        calls=(Call(function, (Parameters("kernel_dsp_conv", fields), source, target, Scratch())),),
        scratch=PIXELS * depth * (EXPANDED_BYTES + copies),
        overlap={source.tensor: conv_overlap(window, PIXELS)},
        apart=(),
    )


def _depthwise(step: Step, call: Call) -> Step:
    parameters, source, target = _arguments(call)
    window = cast(Window, parameters["window"])
    channels = _channels(parameters)
    side = window["kernel_h"]
    if channels is None or side not in DEPTHWISE_SIDES or window["kernel_w"] != side or window["in_c"] % 4:
        return step
    if (window["dilation_h"], window["dilation_w"], parameters["multiplier"]) != (1, 1, 1):
        return step
    bias, weights, multiplier, shift = channels
    groups = window["in_c"] // 4
    # (group, tap, channel), doubled, then halves of words: channels 0 and 2, 1 and 3.
    taps = (2 * weights.astype(np.int16)).reshape(groups, 4, -1).transpose(0, 2, 1)[:, :, [0, 2, 1, 3]]
    words = np.ascontiguousarray(taps.astype("<i2")).view("<i4").reshape(groups, -1)
    scaling = np.stack((multiplier, shift), axis=1).reshape(groups, -1)
    packed = np.concatenate(((2 * bias).reshape(groups, 4), words, scaling), axis=1)
    fields = {"window": window} | _common_fields(parameters, packed)
    return replace(
        step,
        calls=(Call("kernel_dsp_depthwise", (Parameters("kernel_dsp_depthwise", fields), source, target, Scratch())),),
    )


def _dense(step: Step, call: Call) -> Step:
    parameters, _, _ = _arguments(call)
    if cast(int, parameters["in_c"]) % 4 or cast(int, parameters["out_c"]) < DENSE_LEAST:
        return step
    return replace(step, calls=(Call("kernel_dsp_dense", call.arguments),))


def _arguments(call: Call) -> tuple[Mapping[str, Value], At, At]:
    parameters, source, target = call.arguments[:3]
    assert isinstance(parameters, Parameters)
    assert isinstance(source, At)
    assert isinstance(target, At)
    return parameters.fields, source, target


def _channels(parameters: Mapping[str, Value]) -> tuple[Int32, Int8, Int32, Int32] | None:
    """Return bias, weights, multiplier and right shift - 1 of each output channel.

    None if the set's requantisation does not hold: it wants shifts to the right, and sums that can be doubled. Channels
    for which it does not, but whose output is the same for all inputs, become such that it does: networks have those,
    with next to no weights and a bias at its limit.
    """
    bias, weights = _data(parameters["bias"]), _data(parameters["weights"])
    requant = cast(Mapping[str, Value], parameters["requant"])
    multiplier, shift = _data(requant["multiplier"]), _data(requant["shift"]).astype(np.int32)
    reach = np.abs(bias.astype(np.int64)) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    # A multiplier of 0, of channels whose scale is next to nothing, gives 0 with any shift.
    right = np.where(multiplier == 0, 1, -shift)
    multiplier, right = (np.broadcast_to(a.astype(np.int32), bias.shape).copy() for a in (multiplier, right))
    bias, weights = bias.astype(np.int32), weights.astype(np.int8)
    for i in np.flatnonzero((reach >= SUM_LIMIT) | (right < 1)):
        value = _constant(bias[i], weights[i], int(multiplier[i]), -int(right[i]), requant)
        if value is None:
            return None
        # A sum of four times the value, quartered.
        bias[i], weights[i], multiplier[i], right[i] = 4 * value, 0, 1 << 30, 1
    return bias, weights, multiplier, right - 1


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


def _data(value: Value) -> Int32 | Int8:
    assert isinstance(value, Constant)
    return cast(Int32, value.data)


def _common_fields(parameters: Mapping[str, Value], packed: Int32) -> dict[str, Value]:
    requant = cast(Mapping[str, Value], parameters["requant"])
    return {
        "input_zero_point": parameters["input_zero_point"],
        "packed": Constant("packed", packed.reshape(-1).astype(np.int32)),
        "zero_point": requant["zero_point"],
        "min": requant["min"],
        "max": requant["max"],
    }
