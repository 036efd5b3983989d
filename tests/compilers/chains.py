"""Random chains of layers that can be blocks, for the tests that run them row by row."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis
import numpy as np
from hypothesis import strategies as st

from graph.builder import Builder
from tests.kernels.cases import Case, pictures, seeds, weights, zero_points

SCALE = 0.05
NOT_SHRUNK = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]


@dataclass
class Chain:
    """A network under construction: the tensor that comes next reads `tensor`, of `shape` (height, width, channels)."""

    builder: Builder
    draw: st.DrawFn
    seed: int
    tensor: int
    shape: tuple[int, int, int]

    def output(self, shape: tuple[int, int, int]) -> int:
        self.shape = shape
        self.tensor = self.builder.tensor((1, *shape), scale=SCALE, zero_point=self.draw(zero_points))
        return self.tensor

    def filter(self, shape: tuple[int, ...], channels: int, axis: int) -> tuple[int, int]:
        self.seed += 1
        data = weights(self.seed, shape, "random")
        scale = [2.0 ** -self.draw(st.integers(5, 9)) for _ in range(channels)]
        kernel = self.builder.tensor(shape, scale=scale, axis=axis, data=data)
        values = np.random.default_rng(self.seed).integers(-2000, 2000, channels)
        return kernel, self.builder.tensor((channels,), "int32", scale=1.0, data=values)

    def pad(self, side: int) -> None:
        """Put padding around the tensor, mostly so little that a window does it itself."""
        height, width, channels = self.shape
        amounts = [self.draw(st.integers(0, side)) for _ in range(4)]
        before, source = self.builder.tensors[self.tensor], self.tensor
        self.shape = (height + amounts[0] + amounts[1], width + amounts[2] + amounts[3], channels)
        self.tensor = self.builder.tensor((1, *self.shape), scale=SCALE, zero_point=before.quant.zero_point)
        pairs = [0, 0, *amounts, 0, 0]
        self.builder.operator("PAD", [source, self.builder.tensor((4, 2), "int32", data=pairs)], [self.tensor])

    def window(self, side: int, stride: int) -> tuple[int, list[int]]:
        """Draw the padding, and return it with the output's height and width."""
        if side > 1 and self.draw(st.booleans()):
            self.pad(side - 1)
        same = any(s < side for s in self.shape[:2]) or self.draw(st.booleans())
        return int(not same), [-(-s // stride) if same else (s - side + stride) // stride for s in self.shape[:2]]

    def conv(self, side: int, stride: int, channels: int = 0) -> None:
        channels = channels or self.draw(st.sampled_from([1, 3, 4, 8, 9]))
        kernel, bias = self.filter((channels, side, side, self.shape[2]), channels, 0)
        dilation = self.draw(st.sampled_from([1, 1, 2])) if stride == 1 else 1
        padding, (h, w) = self.window((side - 1) * dilation + 1, stride)
        options = {"Padding": padding, "StrideH": stride, "StrideW": stride, "FusedActivationFunction": 0}
        options |= {"DilationHFactor": dilation, "DilationWFactor": dilation}
        x = self.tensor
        self.builder.operator("CONV_2D", [x, kernel, bias], [self.output((h, w, channels))], options, "Conv2DOptions")

    def depthwise(self) -> None:
        side, stride = self.draw(st.sampled_from([3, 3, 5, 2])), self.draw(st.sampled_from([1, 1, 2, 2, 3]))
        channels = self.shape[2]
        kernel, bias = self.filter((1, side, side, channels), channels, 3)
        padding, (h, w) = self.window(side, stride)
        options = {"Padding": padding, "StrideH": stride, "StrideW": stride, "FusedActivationFunction": 3}
        options["DepthMultiplier"] = 1
        x = self.tensor
        y = self.output((h, w, channels))
        self.builder.operator("DEPTHWISE_CONV_2D", [x, kernel, bias], [y], options, "DepthwiseConv2DOptions")

    def pool(self) -> None:
        name, side = self.draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), self.draw(st.integers(2, 3))
        stride = self.draw(st.integers(1, 3))
        padding, (h, w) = self.window(side, stride)
        options = {"Padding": padding, "StrideH": stride, "StrideW": stride, "FilterHeight": side, "FilterWidth": side}
        source, shape = self.tensor, (h, w, self.shape[2])
        self.shape, zero_point = shape, self.builder.tensors[source].quant.zero_point
        self.tensor = self.builder.tensor((1, *shape), scale=SCALE, zero_point=zero_point)
        self.builder.operator(name, [source], [self.tensor], options, "Pool2DOptions")

    def table(self) -> None:
        x = self.tensor
        self.builder.operator("HARD_SWISH", [x], [self.output(self.shape)])

    def mean(self) -> None:
        source, channels = self.tensor, self.shape[2]
        axes = self.builder.tensor((2,), "int32", data=[1, 2])
        self.tensor = self.builder.tensor((1, channels), scale=SCALE, zero_point=self.draw(zero_points))
        self.builder.operator("MEAN", [source, axes], [self.tensor], {"KeepDims": False}, "ReducerOptions")

    def add(self, other: int) -> None:
        pair = [self.tensor, other] if self.draw(st.booleans()) else [other, self.tensor]
        y = self.output(self.shape)
        self.builder.operator("ADD", pair, [y], {"FusedActivationFunction": 0}, "AddOptions")


@st.composite
def chains(draw: st.DrawFn) -> Case:
    """Draw layers one after the other, some of which are added to an earlier tensor of their shape."""
    builder, seed = Builder(), draw(seeds)
    shape = draw(st.integers(1, 11)), draw(st.integers(1, 9)), draw(st.sampled_from([1, 3, 4, 8]))
    x = builder.tensor((1, *shape), scale=SCALE, zero_point=draw(zero_points))
    chain = Chain(builder, draw, seed, x, shape)
    if draw(st.booleans()):
        chain.conv(draw(st.sampled_from([2, 3])), draw(st.sampled_from([1, 2])))
    earlier = {chain.shape: chain.tensor}
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["conv", "conv", "depthwise", "depthwise", "window", "pool", "table", "add"]))
        if kind == "add" and earlier.get(chain.shape, chain.tensor) != chain.tensor:
            chain.add(earlier[chain.shape])
        elif kind == "depthwise":
            chain.depthwise()
        elif kind == "window":
            chain.conv(draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 1, 2, 3])))
        elif kind == "pool":
            chain.pool()
        elif kind == "table":
            chain.table()
        else:
            chain.conv(1, 1)
        if draw(st.booleans()):
            earlier[chain.shape] = chain.tensor
    return Case(builder.finish([x], [chain.tensor]), pictures(seed, (1, *shape))[:3])
