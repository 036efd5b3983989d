"""Random networks of one operator: shapes, windows, scales and weights, with the corners that hurt drawn often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from graph.types import Array

Int8 = npt.NDArray[np.int8]

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
# Ordinary scales, and some that make shifts beyond 24 and 31 bits, left shifts, and multipliers of 0.
ORDINARY = st.floats(2.0**-10, 0.25, width=32)
EXTREME = st.sampled_from([1e-12, 1e-9, 1e-7, 3e-5, 0.5, 1.0, 2.0, 64.0, 1e4, 1e6, 2.0**-7, 1 / 255])
scales = st.one_of(ORDINARY, ORDINARY, EXTREME)
zero_points = st.one_of(st.integers(-128, 127), st.sampled_from([-128, 127, 0, -1, 1]))
activations = st.sampled_from(list(ACTIVATIONS))
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Case:
    """A network and inputs for it: as many runs as the lists are long.

    `oracle` names LiteRT's kernels to compare with: its reference kernels, but for operators that they lack. "tflm" is
    TFLite-Micro, for SUM: LiteRT's reference kernel reads a multiplier that it has not set.
    """

    model: bytes
    runs: Sequence[Sequence[Array]]
    oracle: str = "reference"


EACH_VALUE: list[list[Int8]] = [[np.arange(-128, 128).astype(np.int8).reshape(1, 256)]]


def pictures(seed: int, *shapes: Sequence[int]) -> list[list[Int8]]:
    """Return inputs of several kinds for tensors of the given shapes: random, extreme, constant."""
    rng = np.random.default_rng(seed)

    def random(shape: Sequence[int]) -> Int8:
        return rng.integers(-128, 128, shape).astype(np.int8)

    runs = [[random(s) for s in shapes] for _ in range(2)]
    runs.append([rng.choice(np.array([-128, 127], np.int8), s) for s in shapes])
    runs.append([np.full(s, rng.choice([-128, 127]), np.int8) for s in shapes])
    return runs


def weights(seed: int, shape: Sequence[int], kind: str) -> Int8:
    """Return int8 weights: random, all at an end, or with dead channels (zeros)."""
    rng = np.random.default_rng(seed)
    if kind == "ends":
        return rng.choice(np.array([-127, 127], np.int8), shape)
    if kind == "top":
        return np.full(shape, rng.choice([-127, 127]), np.int8)
    w = rng.integers(-127, 128, shape).astype(np.int8)
    return w * rng.integers(0, 2, shape).astype(np.int8) if kind == "sparse" else w


weight_kinds = st.sampled_from(["random", "random", "ends", "top", "sparse"])


@st.composite
def windows(draw: st.DrawFn, dilated: bool = True) -> dict[str, int]:
    """Draw size, kernel, stride, dilation and padding for which there is an output."""
    size = [draw(st.integers(1, 9)) for _ in range(2)]
    padding = draw(st.integers(0, 1))
    kernel = [draw(st.integers(1, 5 if padding == 0 else min(5, s))) for s in size]
    stride = [draw(st.integers(1, 3)) for _ in range(2)]
    dilation = [1, 1]
    if dilated and stride == [1, 1] and draw(st.booleans()):
        most = [3 if padding == 0 or k == 1 else min(3, (s - 1) // (k - 1)) for s, k in zip(size, kernel, strict=True)]
        dilation = [draw(st.integers(1, max(1, m))) for m in most]
    out = []
    for s, k, step, d in zip(size, kernel, stride, dilation, strict=True):
        out.append(-(-s // step) if padding == 0 else (s + step - (k - 1) * d - 1) // step)
    return {
        "h": size[0], "w": size[1], "kh": kernel[0], "kw": kernel[1], "sh": stride[0], "sw": stride[1],
        "dh": dilation[0], "dw": dilation[1], "padding": padding, "oh": out[0], "ow": out[1],
    }  # fmt: skip


def biases(draw: st.DrawFn, seed: int, channels: int) -> npt.NDArray[np.int32]:
    """Draw int32 biases, small or over all of int32."""
    size = draw(st.sampled_from([0, 1000, 1 << 20, 2**31 - 1]))
    return np.random.default_rng(seed + 1).integers(-size, size + 1, channels).astype(np.int32)


def channel_scales(draw: st.DrawFn, channels: int) -> list[float]:
    """Draw one scale for all channels, or one for each."""
    return draw(st.lists(scales, min_size=channels, max_size=channels)) if draw(st.booleans()) else [draw(scales)]
