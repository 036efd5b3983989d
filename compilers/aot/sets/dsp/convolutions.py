"""Kernel set `dsp`: CONV_2D, and how its constants are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.kernel import Kernel
from compilers.aot.operands import Scratch, Value
from compilers.aot.overlap import conv_overlap
from compilers.aot.packing import arguments, channels, common_fields, limits
from compilers.aot.sets.dsp import kernels
from compilers.aot.sets.dsp.windows import EXPANDED_BYTES, doubled, fit_together, joined, one_pixel, scaled_channels
from compilers.aot.steps import Call, Step

Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Window = Mapping[str, int]
Scaled = tuple[Int32, Int8, Int32, Int32]

# Taps of a pixel are padded to this many.
BLOCK_TAPS = 4
RGB_ROW = 9
# With larger shifts, zero point and half a step do not fit beside a product.
PAIR_SHIFT_MOST = 23
# The same of joined channels whose negative sums saturate: their sums come times 2^8.
JOINED_SHIFT_MOST = PAIR_SHIFT_MOST - 8


def has_negatives(limited: Mapping[str, Value]) -> bool:
    """Return whether outputs below the zero point differ, of an output with this zero point and limits."""
    return cast(int, limited["zero_point"]) > cast(int, limited["min"])


@dataclass(frozen=True)
class Method:
    """Kernels that compute `pixels` of a convolution at a time; of `pairs` of channels, or of single ones.

    They read up to `ahead` bytes behind the expanded inputs. Two channels' weights may be `joined` in a half word,
    a + 2^8 * b, else they are two bytes.
    """

    pixels: int
    pairs: bool
    pointwise: Kernel
    any_window: Kernel
    rgb: Kernel | None = None
    ahead: int = 0
    joined: bool = False

    def takes(self, scaled: Scaled, limited: Mapping[str, Value]) -> bool:
        """Return whether the weights of two channels, and twice their sums, fit together where they are joined.

        `limited` has the zero point and limits of the output.
        """
        bias, weights, _, right = scaled
        if not self.joined:
            return True
        fits = has_negatives(limited) or bool(np.all(right[1::2] <= JOINED_SHIFT_MOST))
        return fits and fit_together(2 * bias.astype(np.int64), 2, weights)

    def packed(self, scaled: Scaled, limited: Mapping[str, Value]) -> Int32:
        """Return the constants of all channels. `scaled` has weights (channels, taps), and right shifts."""
        bias, weights, multiplier, right = scaled
        if not self.pairs:
            dead = multiplier == 0
            columns = 2 * bias, np.where(dead, 1 << 30, multiplier), np.where(dead, 31, right) - 1
            words = np.ascontiguousarray(weights).view("<i4")
            return np.concatenate((columns[0][:, None], words, columns[1][:, None], columns[2][:, None]), axis=1)
        pairs, starts = len(bias) // 2, 2 * bias
        if self.joined:
            starts, weights = joined(starts, weights)
        # Pair, channel, block of four taps, and a tap's number in two bits.
        taps = weights.reshape(pairs, 2, -1, 2, 2).transpose(0, 2, 4, 3, 1)
        words = np.ascontiguousarray(taps).reshape(pairs, -1).view("<i4")
        constant = (cast(int, limited["zero_point"]) << right) + (1 << (right - 1))
        if self.joined and not has_negatives(limited):
            # Sums of the second channel come times 2^8, and are rounded only once.
            constant[1::2] = (constant[1::2] << 8) + (1 << 7)
            right = right + np.tile([0, 8], pairs).astype(np.int32)
        scaling = np.stack((multiplier, constant, right), axis=1).reshape(pairs, 6)
        return np.concatenate((starts.reshape(pairs, 2), words, scaling), axis=1)

    def specialize(self, step: Step, call: Call, scaled: Scaled) -> Step:
        """Return the step with one of these kernels."""
        parameters, source, target = arguments(call)
        window = cast(Window, parameters["window"])
        bias, weights, multiplier, right = scaled
        size, copies = (window["kernel_h"], window["kernel_w"]), 0
        dense = (window["dilation_h"], window["dilation_w"]) == (1, 1)
        if size == (1, 1) and window["stride_h"] == window["stride_w"] == 1 and window["in_c"] % BLOCK_TAPS == 0:
            kernel = self.pointwise
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
            scratch=self.pixels * depth * (EXPANDED_BYTES + copies) + self.ahead,
            overlap={source.tensor: conv_overlap(window, self.pixels)},
            apart=(),
        )


PAIRS = Method(4, True, kernels.POINTWISE, kernels.CONV, kernels.CONV_RGB, joined=True)
SINGLE = Method(4, False, kernels.POINTWISE_SINGLE, kernels.CONV_SINGLE)


def conv(step: Step, call: Call, optimize: str, pairs: Method = PAIRS) -> Step:
    """CONV_2D of one group. `pairs` is for an even number of channels."""
    parameters, _, _ = arguments(call)
    window = cast(Window, parameters["window"])
    method, scaled = pairs, channels(parameters, PAIR_SHIFT_MOST)
    if scaled is None or window["out_c"] % 2 or not method.takes(scaled, limits(parameters)):
        method, scaled = SINGLE, channels(parameters)
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
