"""Requantization of accumulators, computed at build time: multipliers, shifts, folded biases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import quantize_multiplier
from compilers.aot.operands import Constant, Value
from graph.types import Tensor


def per_channel(source: Tensor, kernel: Tensor, target: Tensor) -> list[tuple[int, int]]:
    """Return (multiplier, shift) of each scale of a convolution's kernel (`PopulateConvolutionQuantizationParams`)."""
    in_scale, out_scale = float(source.quant.scale), float(target.quant.scale)
    return [quantize_multiplier(in_scale * s / out_scale) for s in kernel.quant.scales]


def fields(pairs: list[tuple[int, int]], target: Tensor, limits: tuple[int, int]) -> dict[str, Value]:
    """Return the fields of `struct alpharho_requant`."""
    return {
        "multiplier": Constant("multiplier", np.array([m for m, _ in pairs], np.int32)),
        "shift": Constant("shift", np.array([s for _, s in pairs], np.int8)),
        "step": int(len(pairs) > 1),
        "zero_point": target.quant.zero_point,
        "min": limits[0],
        "max": limits[1],
    }


def folded_bias(bias: npt.NDArray[np.int64], sums: npt.NDArray[np.int64], zero_point: int) -> Constant:
    """Return bias - zero_point * (sum of the channel's weights), which makes kernels free of the zero point.

    It wraps like int32, as the reference's sum does.
    """
    return Constant("bias", wrapped(bias - zero_point * sums))


def wrapped(sums: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return sums as int32 holds them (`arithmetic.wrap32`)."""
    return sums.astype(np.uint64).astype(np.uint32).view(np.int32)
