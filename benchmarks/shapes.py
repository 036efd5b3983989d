"""Layers of all shapes, and of random ones: each an operator of one network, with an input and an output of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graph.builder import Builder
from graph.types import Graph

SCALE, WEIGHT_SCALE = 6 / 255, 0.004
SAME = 0
KINDS = (*("conv", "pointwise", "depthwise") * 2, "dense", "add", "mul", "mean", "pool", "swish")


@dataclass(frozen=True)
class Shape:
    """A layer: `kind` conv, depthwise or dense; the side of a square map, channels in and out, how its filter moves.

    `out` of a depthwise layer is a multiple of `channels`. `add`, `mul`, `mean`, `pool` and `swish` have no filter.
    """

    kind: str
    side: int
    channels: int
    out: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1

    def __str__(self) -> str:
        moves = (f" /{self.stride}" if self.stride > 1 else "") + (
            f" dilated {self.dilation}" if self.dilation > 1 else ""
        )
        if self.kind == "dense":
            return f"FULLY_CONNECTED {self.channels} to {self.out}"
        filters = (
            f" {self.kernel}x{self.kernel}{moves}" if self.kernel > 1 or self.kind in ("conv", "depthwise") else ""
        )
        return f"{self.kind}{filters}, {self.side}x{self.side}, {self.channels} to {self.out}"


SHAPES = (
    *(Shape("conv", 16, i, o) for i, o in ((1, 4), (3, 8), (4, 4), (5, 7), (7, 5), (8, 8), (9, 17), (16, 24))),
    Shape("conv", 12, 24, 144),
    *(Shape("conv", 3, i, o) for i, o in ((64, 64), (128, 32), (256, 256), (255, 63))),
    Shape("conv", 1, 256, 128), Shape("conv", 12, 64, 64), Shape("conv", 5, 96, 16),
    *(Shape("conv", 24, i, o, 3, s) for i, o, s in ((1, 8, 1), (1, 8, 2), (3, 8, 2), (3, 16, 1), (4, 8, 1), (5, 7, 1))),
    Shape("conv", 16, 8, 8, 3), Shape("conv", 16, 16, 16, 3), Shape("conv", 16, 8, 8, 3, 1, 2),
    Shape("conv", 16, 16, 32, 3, 2),
    Shape("conv", 24, 3, 8, 5, 2), Shape("conv", 16, 8, 8, 5), Shape("conv", 16, 6, 10, 2),
    *(Shape("depthwise", 24, c, c, 3, s) for c in (3, 5, 8, 10) for s in (1, 2)),
    Shape("depthwise", 16, 24, 24, 3), Shape("depthwise", 16, 24, 24, 3, 2),
    Shape("depthwise", 3, 128, 128, 3), Shape("depthwise", 12, 64, 64, 3), Shape("depthwise", 16, 16, 16, 3, 1, 2),
    *(Shape("depthwise", 16, c, c, k, s) for c in (16, 24) for k in (5, 7) for s in (1, 2)),
    Shape("depthwise", 16, 7, 7, 5), Shape("depthwise", 24, 1, 8, 3), Shape("depthwise", 16, 4, 8, 3),
    Shape("depthwise", 16, 8, 24, 3), Shape("depthwise", 24, 1, 8, 5, 2),
    *(Shape("dense", 1, i, o) for i, o in ((64, 10), (63, 7), (10, 3), (256, 100), (640, 128))),
)  # fmt: skip


def random_shapes(count: int, seed: int = 0) -> tuple[Shape, ...]:
    """Return random layers of all kinds."""
    rng = np.random.default_rng(seed)

    def one() -> Shape:
        kind = str(rng.choice(KINDS))
        side, channels, out = int(rng.integers(1, 20)), int(rng.integers(1, 49)), int(rng.integers(1, 49))
        kernel, stride = int(rng.choice([2, 3, 3, 3, 5, 7])), int(rng.choice([1, 1, 2, 3]))
        dilation = int(rng.choice([1, 1, 1, 2])) if stride == 1 else 1
        if kind == "pointwise":
            return Shape("conv", side, channels, out, 1, int(rng.choice([1, 1, 1, 2])))
        if kind == "conv":
            return Shape(kind, side, min(channels, 24), min(out, 24), kernel, stride, dilation)
        if kind == "depthwise":
            multiplier = int(rng.choice([1, 1, 1, 2, 3]))
            return Shape(kind, side, channels, channels * multiplier, kernel, stride, dilation)
        if kind == "dense":
            return Shape(kind, 1, int(rng.integers(1, 400)), out)
        return Shape(kind, side, channels, channels, min(kernel, side) if kind == "pool" else 1)

    return tuple(one() for _ in range(count))


def network(shapes: Sequence[Shape], seed: int = 0) -> Graph:
    """Return a network with an operator for each shape, with an input and an output of its own."""
    builder, rng = Builder(), np.random.default_rng(seed)
    inputs, outputs = [], []
    for shape in shapes:
        given, made = _operator(builder, shape, rng)
        inputs += given
        outputs.append(made)
    return builder.graph(inputs, outputs)


def _operator(builder: Builder, shape: Shape, rng: np.random.Generator) -> tuple[list[int], int]:
    side = shape.side
    if shape.kind in ("conv", "depthwise", "dense"):
        return _filtered(builder, shape, rng)
    source = builder.tensor((1, side, side, shape.channels), scale=SCALE, zero_point=-128)
    if shape.kind in ("add", "mul"):
        other = builder.tensor((1, side, side, shape.channels), scale=SCALE * rng.uniform(0.3, 2), zero_point=3)
        made = builder.tensor((1, side, side, shape.channels), scale=SCALE * rng.uniform(1, 3), zero_point=-5)
        builder.operator(shape.kind.upper(), [source, other], [made], table=f"{shape.kind.title()}Options")
        return [source, other], made
    if shape.kind == "mean":
        axes = builder.tensor((2,), "int32", data=[1, 2])
        made = builder.tensor((1, 1, 1, shape.channels), scale=SCALE / 2, zero_point=-128)
        builder.operator("MEAN", [source, axes], [made], {"KeepDims": True}, "ReducerOptions")
    elif shape.kind == "pool":
        made = builder.tensor((1, side, side, shape.channels), scale=SCALE, zero_point=-128)
        options = {
            "Padding": SAME,
            "StrideW": 1,
            "StrideH": 1,
            "FilterWidth": shape.kernel,
            "FilterHeight": shape.kernel,
        }
        builder.operator("AVERAGE_POOL_2D", [source], [made], options, "Pool2DOptions")
    else:
        made = builder.tensor((1, side, side, shape.channels), scale=SCALE, zero_point=-120)
        builder.operator("HARD_SWISH", [source], [made], table="HardSwishOptions")
    return [source], made


def _filtered(builder: Builder, shape: Shape, rng: np.random.Generator) -> tuple[list[int], int]:
    side, made_side, axis = shape.side, -(-shape.side // shape.stride), 3 if shape.kind == "depthwise" else 0
    places: tuple[int, ...] = (1, side, side, shape.channels)
    made_places: tuple[int, ...] = (1, made_side, made_side, shape.out)
    filters: tuple[int, ...] = (shape.out, shape.kernel, shape.kernel, shape.channels)
    if shape.kind == "depthwise":
        filters = (1, shape.kernel, shape.kernel, shape.out)
    elif shape.kind == "dense":
        places, made_places, filters = (1, shape.channels), (1, shape.out), (shape.out, shape.channels)
    scales = [WEIGHT_SCALE] if shape.kind == "dense" else [WEIGHT_SCALE * rng.uniform(0.5, 2) for _ in range(shape.out)]
    source = builder.tensor(places, scale=SCALE, zero_point=-128)
    weights = builder.tensor(filters, scale=scales, data=rng.integers(-127, 128, filters, np.int8), axis=axis)
    data = rng.integers(-2000, 2000, shape.out)
    bias = builder.tensor((shape.out,), "int32", scale=[SCALE * scale for scale in scales], data=data)
    made = builder.tensor(made_places, scale=SCALE, zero_point=-128)
    options = {"FusedActivationFunction": 3}
    if shape.kind == "dense":
        builder.operator("FULLY_CONNECTED", [source, weights, bias], [made], options, "FullyConnectedOptions")
        return [source], made
    options |= {"Padding": SAME, "StrideH": shape.stride, "StrideW": shape.stride}
    options |= {"DilationHFactor": shape.dilation, "DilationWFactor": shape.dilation}
    if shape.kind == "depthwise":
        options |= {"DepthMultiplier": shape.out // shape.channels}
        builder.operator("DEPTHWISE_CONV_2D", [source, weights, bias], [made], options, "DepthwiseConv2DOptions")
    else:
        builder.operator("CONV_2D", [source, weights, bias], [made], options, "Conv2DOptions")
    return [source], made
