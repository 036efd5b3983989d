"""Kernel set `dsp`: CONV_2D, and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT32_MAX
from compilers.aot.kernel import Kernel
from compilers.aot.operands import Scratch, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, common_fields, limits, reach_of
from compilers.aot.sets.dsp import kernels
from compilers.aot.sets.dsp.windows import EXPANDED_BYTES, doubled, fit_together, joined, one_pixel, scaled_channels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]
Window = Mapping[str, int]
Scaled = tuple[Int32, Int8, Int32, Int32]

# Computed side by side.
PIXELS = 4
# Taps of a pixel are padded to this many.
BLOCK_TAPS = 4
RGB_ROW = 9
# With larger shifts, zero point and half a step do not fit beside a product.
PAIR_SHIFT_MOST = 23
# The same of joined channels whose negative sums saturate: their sums come times 2^8.
JOINED_SHIFT_MOST = PAIR_SHIFT_MOST - 7


def has_negatives(limited: Mapping[str, Value]) -> bool:
    """Return whether outputs below the zero point differ, of an output with this zero point and limits."""
    return cast(int, limited["zero_point"]) > cast(int, limited["min"])


@dataclass(frozen=True)
class Method:
    """Kernels that compute four pixels of a convolution at a time, and one, two or four `channels`.

    Each two channels' weights are joined in a half word, a + 2^8 * b.
    """

    channels: int
    pointwise: Kernel
    pointwise_any: Kernel
    any_window: Kernel
    rgb: Kernel | None = None

    def takes(self, scaled: Scaled, limited: Mapping[str, Value]) -> bool:
        """Return whether channels come in such groups, and weights and sums of each two fit together.

        Of four channels, outputs plus 128 must fit 16 bits. `limited` has the zero point and limits of the output.
        """
        bias, weights, multiplier, right = scaled
        if len(bias) % self.channels:
            return False
        if not has_negatives(limited) and np.any(right[1::2] > JOINED_SHIFT_MOST):
            return False
        if not fit_together(bias, 1, weights):
            return False
        if self.channels < 4:
            return True
        constant, right = self._rounding(right, limited)
        reach = 2 * reach_of(bias, weights)
        if not has_negatives(limited):
            reach[1::2] <<= 7
        most = (reach * multiplier >> 32) + np.abs(constant) + 2
        return bool(np.all(most <= INT32_MAX) and np.all(most >> right < 1 << 15))

    def _rounding(self, right: Int32, limited: Mapping[str, Value]) -> tuple[Int64, Int32]:
        """Return what is added to each channel's product, zero point and half a step, and right shifts."""
        zero_point = cast(int, limited["zero_point"]) + (128 if self.channels == 4 else 0)
        constant = (zero_point << right.astype(np.int64)) + (1 << (right.astype(np.int64) - 1))
        if not has_negatives(limited):
            # Sums of the second channel come times 2^8 in place of 2, and are rounded only once.
            constant[1::2] = (constant[1::2] << 7) + (1 << 6)
            right = right + np.tile([0, 7], len(right) // 2).astype(np.int32)
        return constant, right

    def packed(self, scaled: Scaled, limited: Mapping[str, Value]) -> Int32:
        """Return the constants of all channels. `scaled` has weights (channels, taps), and right shifts."""
        bias, weights, multiplier, right = scaled
        if self.channels == 1:
            dead = multiplier == 0
            columns = bias, np.where(dead, 1 << 30, multiplier), np.where(dead, 31, right) - 1
            words = np.ascontiguousarray(weights).view("<i4")
            return np.concatenate((columns[0][:, None], words, columns[1][:, None], columns[2][:, None]), axis=1)
        groups = len(bias) // self.channels
        starts, weights = joined(bias, weights)
        # Group, pair of channels, channel of it, block of four taps, and a tap's number in two bits.
        taps = weights.reshape(groups, self.channels // 2, 2, -1, 2, 2).transpose(0, 3, 5, 1, 4, 2)
        words = np.ascontiguousarray(taps).reshape(groups, -1).view("<i4")
        constant, right = self._rounding(right, limited)
        scaling = np.stack((multiplier, constant.astype(np.int32), right), axis=1).reshape(-1, 6)
        if self.channels == 4:
            scaling = np.column_stack((scaling[:, [0, 1, 3, 4]], scaling[:, 2] | scaling[:, 5] << 8))
        return np.concatenate((starts.reshape(groups, -1), words, scaling.reshape(groups, -1)), axis=1)

    def specialize(self, step: Step, call: Call, scaled: Scaled) -> Step:
        """Return the step with one of these kernels."""
        parameters, source, target = arguments(call)
        window = cast(Window, parameters["window"])
        bias, weights, multiplier, right = scaled
        size, copies = (window["kernel_h"], window["kernel_w"]), 0
        dense = (window["dilation_h"], window["dilation_w"]) == (1, 1)
        if size == (1, 1) and window["stride_h"] == window["stride_w"] == 1:
            copies = int(window["in_c"] % BLOCK_TAPS > 0)
            kernel = self.pointwise_any if copies else self.pointwise
        elif self.rgb and size == (3, 3) and window["in_c"] == 3 and dense:
            kernel = self.rgb
            taps = np.arange(weights.shape[1]).reshape(-1, RGB_ROW)
            weights = weights[:, np.concatenate((taps[:, :-1].reshape(-1), taps[:, -1]))]
        else:
            kernel, copies = self.any_window, 1
        weights = np.pad(weights, ((0, 0), (0, -weights.shape[1] % BLOCK_TAPS)))
        packed = self.packed((bias, weights, multiplier, right), limits(parameters))
        depth = weights.shape[1]
        fields = {"window": window, "depth": depth} | common_fields(parameters, packed)
        return replace(
            step,
            calls=(Call(kernel, (kernel.structure(fields), source, target, Scratch())),),
            scratch=PIXELS * depth * (EXPANDED_BYTES + copies),
            overlap={source.tensor: conv_overlap(window, PIXELS)},
            apart=(),
        )


QUADS = Method(4, kernels.POINTWISE_QUAD, kernels.POINTWISE_ANY_QUAD, kernels.CONV_QUAD, kernels.CONV_RGB_QUAD)
PAIRS = Method(2, kernels.POINTWISE, kernels.POINTWISE_ANY, kernels.CONV, kernels.CONV_RGB)
SINGLE = Method(1, kernels.POINTWISE_SINGLE, kernels.POINTWISE_ANY_SINGLE, kernels.CONV_SINGLE)


def conv(step: Step, call: Call, optimize: str, methods: Sequence[Method] = (QUADS, PAIRS)) -> Step:
    """CONV_2D of one group. `methods` are for several channels at a time, the best ones first."""
    parameters, _, _ = arguments(call)
    window = cast(Window, parameters["window"])
    scaled, method = channels(parameters, PAIR_SHIFT_MOST), SINGLE
    if scaled is not None:
        method = next((m for m in methods if m.takes(scaled, limits(parameters))), SINGLE)
    if method is SINGLE:
        scaled = channels(parameters)
    if parameters["groups"] != 1 or scaled is None:
        return step
    pixel = (window["in_h"], window["in_w"], window["out_h"], window["out_w"], window["kernel_h"], window["kernel_w"])
    if pixel == (1,) * len(pixel):
        return _pixel(step, call)
    return method.specialize(step, call, scaled)


def _pixel(step: Step, call: Call) -> Step:
    """A 1x1 convolution of one pixel is a dense layer, but for the rounding."""
    parameters, source, _ = arguments(call)
    scaled = scaled_channels(parameters)
    assert scaled is not None
    bias, weights, multiplier, shift = scaled
    constants = bias, weights, doubled(multiplier), shift
    step = one_pixel(step, call, kernels.PIXEL, 1, constants, limits(parameters))
    return replace(step, overlap={source.tensor: 0}, apart=())
