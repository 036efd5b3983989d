"""Networks with channels that have no effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from graph.builder import Builder
from tests.compilers.chains import SCALE, Chain
from tests.kernels.cases import Case, pictures, seeds, zero_points

RELU6 = 3


@dataclass
class SilentChain(Chain):
    """Layers of which many channels give one value, or read nothing of some channels."""

    def filter(self, shape: tuple[int, ...], channels: int, axis: int) -> tuple[int, int]:
        kernel, bias = super().filter(shape, channels, axis)
        rng = np.random.default_rng(self.seed)
        weights, biases = (np.array(self.builder.tensors[i].data) for i in (kernel, bias))
        by_channel = np.moveaxis(weights, axis, 0)
        for channel in np.flatnonzero(rng.random(channels) < 0.6):
            # Nothing but a bias, the zero point, or an end of int8 in spite of some small weights.
            by_channel[channel] = rng.integers(-1, 2, by_channel.shape[1:]) if rng.random() < 0.4 else 0
            biases[channel] = rng.choice([0, *rng.integers(-3000, 3000, 2), 1 << 24, -1 << 24])
        if axis == 0:
            weights[..., rng.random(shape[-1]) < 0.2] = 0
        for index, data in ((kernel, weights), (bias, biases)):
            before = self.builder.tensors[index]
            q = before.quant
            self.builder.tensors[index] = type(before)(index, before.name, before.shape, before.dtype, q, data)
        return kernel, bias

    def dense(self, features: int) -> None:
        """End with FULLY_CONNECTED on so many values."""
        kernel, bias = self.filter((7, features), 7, 0)
        source, answer = self.tensor, self.builder.tensor((1, 7), scale=SCALE, zero_point=self.draw(zero_points))
        self.builder.operator("FULLY_CONNECTED", [source, kernel, bias], [answer], table="FullyConnectedOptions")
        self.tensor = answer

    def flat(self) -> int:
        """Put all values behind each other, and return how many they are."""
        count, source = int(np.prod(self.shape)), self.tensor
        zero_point = self.builder.tensors[source].quant.zero_point
        self.tensor = self.builder.tensor((1, count), scale=SCALE, zero_point=zero_point)
        shape = self.builder.tensor((2,), "int32", data=[1, count])
        self.builder.operator("RESHAPE", [source, shape], [self.tensor])
        return count


@st.composite
def silent_networks(draw: st.DrawFn) -> Case:
    """Draw layers one after the other; the last is FULLY_CONNECTED, or a convolution or what is behind it."""
    builder, seed = Builder(), draw(seeds)
    shape = draw(st.integers(3, 8)), draw(st.integers(3, 8)), draw(st.sampled_from([1, 3, 8]))
    x = builder.tensor((1, *shape), scale=SCALE, zero_point=draw(zero_points))
    chain = SilentChain(builder, draw, seed, x, shape)
    chain.conv(draw(st.sampled_from([1, 3])), 1, draw(st.sampled_from([8, 13, 16])))
    for _ in range(draw(st.integers(1, 4))):
        match draw(st.sampled_from(["conv", "conv", "depthwise", "depthwise", "pool", "table", "add"])):
            case "conv":
                chain.conv(draw(st.sampled_from([1, 1, 3])), 1, draw(st.sampled_from([6, 12, 16])))
            case "depthwise":
                chain.depthwise()
            case "pool":
                chain.pool()
            case "table":
                chain.table()
            case _:
                before, at = chain.tensor, chain.shape
                chain.conv(1, 1, at[2])
                chain.add(before)
    match draw(st.sampled_from(["mean", "flat", "nothing"])):
        case "mean":
            chain.mean()
            chain.dense(chain.shape[2])
        case "flat":
            chain.dense(chain.flat())
    return Case(builder.finish([x], [chain.tensor]), pictures(seed, (1, *shape)))


def silenced(seed: int = 0) -> bytes:
    """Return the file of 1x1 and depthwise 3x3 of 16 channels, the first five of which give one value, then 1x1."""
    rng, b = np.random.default_rng(seed), Builder()
    x = source = b.tensor((1, 6, 6, 8), scale=SCALE, zero_point=3)
    options = {"StrideH": 1, "StrideW": 1, "FusedActivationFunction": RELU6}
    for name, shape, axis in (
        ("CONV_2D", (16, 1, 1, 8), 0),
        ("DEPTHWISE_CONV_2D", (1, 3, 3, 16), 3),
        ("CONV_2D", (6, 1, 1, 16), 0),
    ):
        data, bias = rng.integers(1, 127, shape), rng.integers(-99, 99, shape[axis])
        if shape[axis] == 16:
            np.moveaxis(data, axis, 0)[:5] = 0
            bias[:5] = -1000
        kernel = b.tensor(shape, scale=[0.01] * shape[axis], axis=axis, data=data)
        y = b.tensor((1, 6, 6, shape[axis]), scale=SCALE, zero_point=-128)
        more = {"DepthMultiplier": 1} if axis else {}
        table = "DepthwiseConv2DOptions" if axis else "Conv2DOptions"
        b.operator(name, [x, kernel, b.tensor((len(bias),), "int32", data=bias)], [y], {**options, **more}, table)
        x = y
    return b.finish([source], [x])
