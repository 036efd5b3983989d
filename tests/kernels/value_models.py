"""Random networks of one operator that computes values: element by element, over a dimension, or dense."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from graph.builder import Builder
from tests.kernels.cases import (
    ACTIVATIONS,
    EACH_VALUE,
    ORDINARY,
    Case,
    activations,
    biases,
    channel_scales,
    pictures,
    scales,
    seeds,
    weight_kinds,
    weights,
    zero_points,
)


@st.composite
def dense(draw: st.DrawFn) -> Case:
    """Draw a FULLY_CONNECTED, scaled per tensor or per channel, with or without bias, on one row or several."""
    b, seed = Builder(), draw(seeds)
    rows, depth, channels = draw(st.integers(1, 3)), draw(st.integers(1, 40)), draw(st.integers(1, 9))
    in_scale, kernel_scales = draw(scales), channel_scales(draw, channels)
    keep = draw(st.booleans())
    in_shape = (1, rows, depth) if keep else draw(st.sampled_from([(rows, depth), (rows, 1, 1, depth)]))
    x = b.tensor(in_shape, scale=in_scale, zero_point=draw(zero_points))
    kernel = b.tensor((channels, depth), scale=kernel_scales, data=weights(seed, (channels, depth), draw(weight_kinds)))
    inputs = [x, kernel, -1]
    if draw(st.booleans()):
        bias_scale = float(np.float32(in_scale) * np.float32(kernel_scales[0]))
        inputs[2] = b.tensor((channels,), "int32", scale=bias_scale, data=biases(draw, seed, channels))
    out_shape = (*in_shape[:-1], channels) if keep else (rows, channels)
    y = b.tensor(out_shape, scale=draw(scales), zero_point=draw(zero_points))
    options = {"FusedActivationFunction": ACTIVATIONS[draw(activations)], "KeepNumDims": keep}
    b.operator("FULLY_CONNECTED", inputs, [y], options, "FullyConnectedOptions", version=5)
    return Case(b.finish([x], [y]), pictures(seed, in_shape))


@st.composite
def binary(draw: st.DrawFn, name: str) -> Case:
    """Draw an operator of two tensors: equal shapes, broadcasting, a constant on either side, a tensor with itself.

    PRELU has the output's shape on the left; MAXIMUM and MINIMUM have one scale for all.
    """
    b, seed = Builder(), draw(seeds)
    rank = draw(st.integers(1, 4))
    full = [draw(st.integers(1, 5)) for _ in range(rank)]
    shapes = [list(full), list(full)]
    kind = draw(st.sampled_from(["equal", "broadcast", "scalar", "self"]))
    one = (draw(scales), draw(zero_points)) if name in ("MAXIMUM", "MINIMUM") else None
    if kind == "broadcast":
        for shape in shapes:
            for i in range(rank):
                shape[i] = draw(st.sampled_from([full[i], 1]))
        shapes[1] = shapes[1][draw(st.integers(0, rank - 1)) :]
    elif kind == "scalar":
        shapes[draw(st.integers(0, 1))] = draw(st.sampled_from([[], [1]]))
    if name == "PRELU":
        shapes[0] = list(full)
    constant = None if kind == "self" else draw(st.sampled_from([None, None, 0, 1]))
    tensors, inputs = [], []
    for i, shape in enumerate(shapes):
        data = weights(seed, shape, "random") if i == constant else None
        scale, zero_point = one or (draw(scales), draw(zero_points))
        tensors.append(b.tensor(shape, scale=scale, zero_point=zero_point, data=data))
        if data is None:
            inputs.append(i)
    if kind == "self":
        tensors, inputs = [tensors[0], tensors[0]], [0]
    out = np.broadcast_shapes(*(tuple(s) for s in shapes))
    scale, zero_point = one or (draw(scales), draw(zero_points))
    y = b.tensor(out, scale=scale, zero_point=zero_point)
    table = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}.get(name)
    options = {"FusedActivationFunction": ACTIVATIONS[draw(activations)]} if table else {}
    b.operator(name, tensors, [y], options, table, version=1 if name == "PRELU" else None)
    given_tensors = list(dict.fromkeys(tensors[i] for i in inputs))
    return Case(b.finish(given_tensors, [y]), pictures(seed, *(shapes[i] for i in inputs)))


@st.composite
def reduction(draw: st.DrawFn, name: str) -> Case:
    """Draw a MEAN, SUM, REDUCE_MAX or REDUCE_MIN over neighboring dimensions."""
    b = Builder()
    rank = draw(st.integers(2, 4))
    shape = [draw(st.integers(1, 8)) for _ in range(rank)]
    first = draw(st.integers(0, rank - 1))
    last = draw(st.integers(first, rank - 1))
    axes = [a - draw(st.sampled_from([0, rank])) for a in range(first, last + 1)]
    keep = draw(st.booleans())
    out = [1 if first <= i <= last else s for i, s in enumerate(shape) if keep or not first <= i <= last]
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.tensor(shape, scale=scale, zero_point=zero_point)
    axis = b.tensor((len(axes),), "int32", data=axes)
    if name in ("MEAN", "SUM"):
        scale, zero_point = draw(scales), draw(zero_points)
    y = b.tensor(out, scale=scale, zero_point=zero_point)
    b.operator(name, [x, axis], [y], {"KeepDims": keep}, "ReducerOptions")
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape), "tflm" if name == "SUM" else "reference")


@st.composite
def softmax(draw: st.DrawFn) -> Case:
    """Draw a SOFTMAX of up to 300 classes."""
    b = Builder()
    shape = [draw(st.integers(1, 3)), draw(st.integers(1, 300))]
    in_scale = draw(st.one_of(scales, st.sampled_from([1e-12, 7.8e-9, 1e-6, 7.9, 8.1, 31.0, 33.0, 1e9])))
    x = b.tensor(shape, scale=in_scale, zero_point=draw(zero_points))
    y = b.tensor(shape, scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], {"Beta": draw(st.sampled_from([1.0, 1.0, 0.5, 3.0]))}, "SoftmaxOptions")
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


@st.composite
def unary(draw: st.DrawFn, name: str) -> Case:
    """Draw a function of one value and all 256 values for it."""
    b = Builder()
    x = b.tensor((1, 256), scale=draw(scales), zero_point=draw(zero_points))
    y = b.tensor((1, 256), scale=draw(scales), zero_point=draw(zero_points))
    b.operator(name, [x], [y])
    return Case(b.finish([x], [y]), EACH_VALUE)


@st.composite
def quantize(draw: st.DrawFn) -> Case:
    """Draw a QUANTIZE from int8, uint8 or float32 to int8, or from int8 to uint8, and all values or floats for it."""
    b = Builder()
    source, target = draw(
        st.sampled_from([("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("float32", "int8")])
    )
    each = np.arange(256).astype(np.uint8).reshape(1, 256)

    def tensor(dtype: str) -> int:
        if dtype == "float32":
            return b.tensor((1, 256), dtype)
        zero_point = draw(zero_points) + (128 if dtype == "uint8" else 0)
        return b.tensor((1, 256), dtype, scale=draw(scales), zero_point=zero_point)

    x, y = tensor(source), tensor(target)
    b.operator("QUANTIZE", [x], [y], version=2)
    if source != "float32":
        return Case(b.finish([x], [y]), [[each.view(source)]])
    # Halves between two steps and the floats next to them, and others over twice the range.
    scale = np.float32(b.tensors[y].quant.scale)
    halves = ((each.astype(np.float32) - 128 - b.tensors[y].quant.zero_point + np.float32(0.5)) * scale).astype(
        np.float32
    )
    others = (np.random.default_rng(draw(seeds)).uniform(-512, 512, (1, 256)) * scale).astype(np.float32)
    near = [np.nextafter(halves, np.float32(end), dtype=np.float32) for end in (-np.inf, np.inf)]
    return Case(b.finish([x], [y]), [[halves], [others], *[[values] for values in near], [halves * 0]])


@st.composite
def dequantize(draw: st.DrawFn) -> Case:
    """Draw a DEQUANTIZE and all 256 values for it."""
    b = Builder()
    x = b.tensor((1, 256), scale=draw(scales), zero_point=draw(zero_points))
    y = b.tensor((1, 256), "float32")
    b.operator("DEQUANTIZE", [x], [y], version=2)
    return Case(b.finish([x], [y]), EACH_VALUE)


@st.composite
def curve(draw: st.DrawFn, name: str) -> Case:
    """Draw a LOGISTIC, TANH or ELU, which the reference computes in float32, and all 256 values for it."""
    b = Builder()
    x = b.tensor((1, 256), scale=draw(scales), zero_point=draw(zero_points))
    out_scale = {"LOGISTIC": st.just(1 / 256), "TANH": st.one_of(st.just(1 / 128), ORDINARY)}.get(name, scales)
    y = b.tensor((1, 256), scale=draw(out_scale), zero_point=draw(zero_points))
    b.operator(name, [x], [y], version=1)
    return Case(b.finish([x], [y]), EACH_VALUE, "builtin" if name == "ELU" else "reference")


@st.composite
def leaky_relu(draw: st.DrawFn) -> Case:
    """Draw a LEAKY_RELU and all 256 values for it."""
    b = Builder()
    x = b.tensor((1, 256), scale=draw(scales), zero_point=draw(zero_points))
    y = b.tensor((1, 256), scale=draw(scales), zero_point=draw(zero_points))
    alpha = draw(st.one_of(st.floats(0, 2, width=32), st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 1e-9])))
    b.operator("LEAKY_RELU", [x], [y], {"Alpha": alpha}, "LeakyReluOptions")
    return Case(b.finish([x], [y]), EACH_VALUE)


@st.composite
def absolute(draw: st.DrawFn) -> Case:
    """Draw an ABS with and without rescaling, and all 256 values for it."""
    b = Builder()
    scale = draw(scales)
    x = b.tensor((1, 256), scale=scale, zero_point=draw(zero_points))
    y = b.tensor((1, 256), scale=draw(st.one_of(st.just(scale), scales)), zero_point=draw(zero_points))
    b.operator("ABS", [x], [y])
    return Case(b.finish([x], [y]), EACH_VALUE)


# As trained networks have them: of one order of magnitude, hardly ever equal.
ordinary = st.floats(2.0**-7, 2.0**-3, width=32)
# And some for which results lie halfway between two steps.
halfway = ordinary.flatmap(lambda s: st.sampled_from([[s, s, s], [s, s, 2 * s], [s, 0.125, s], [2 * s, s, 4 * s]]))


@st.composite
def typical_binary(draw: st.DrawFn, name: str) -> Case:
    """Draw an ADD or MUL of one shape, or a MUL with one value a channel on either side."""
    b = Builder()
    full = (1, draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 20)))
    shapes = [full, full]
    side = draw(st.sampled_from([None, 0, 1] if name == "MUL" else [None]))
    if side is not None:
        shapes[side] = (1, 1, 1, full[3])
    scale = draw(st.lists(ordinary, min_size=3, max_size=3) | halfway)
    tensors = [b.tensor(s, scale=x, zero_point=draw(zero_points)) for s, x in zip(shapes, scale, strict=False)]
    y = b.tensor(full, scale=scale[2], zero_point=draw(zero_points))
    options = {"FusedActivationFunction": ACTIVATIONS[draw(activations)]}
    b.operator(name, tensors, [y], options, "AddOptions" if name == "ADD" else "MulOptions")
    return Case(b.finish(tensors, [y]), pictures(draw(seeds), *shapes))


@st.composite
def typical_mean(draw: st.DrawFn) -> Case:
    """Draw a MEAN over height and width, up to more pixels than 16 bits hold the sum of."""
    b = Builder()
    side = st.sampled_from([1, 2, 7, 16, 17])
    shape = (1, draw(side), draw(side), 4 * draw(st.integers(1, 4)))
    x = b.tensor(shape, scale=draw(ordinary), zero_point=draw(zero_points))
    axis = b.tensor((2,), "int32", data=[1, 2])
    y = b.tensor((1, 1, 1, shape[3]), scale=draw(ordinary), zero_point=draw(zero_points))
    b.operator("MEAN", [x, axis], [y], {"KeepDims": True}, "ReducerOptions")
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


@st.composite
def typical_unary(draw: st.DrawFn, name: str) -> Case:
    """Draw a function of one value for some number of values."""
    b = Builder()
    shape = (1, draw(st.integers(1, 40)))
    x = b.tensor(shape, scale=draw(ordinary), zero_point=draw(zero_points))
    y = b.tensor(shape, scale=draw(ordinary), zero_point=draw(zero_points))
    b.operator(name, [x], [y])
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


@st.composite
def typical_dense(draw: st.DrawFn) -> Case:
    """Draw a FULLY_CONNECTED, one scale a channel or one for all, outputs within a few times int8."""
    b, seed = Builder(), draw(seeds)
    rows, depth, channels = draw(st.integers(1, 2)), draw(st.integers(1, 160)), draw(st.integers(1, 10))
    x = b.tensor((rows, depth), scale=1.0, zero_point=draw(zero_points))
    one = st.floats(2.0**-12, 2.0**-3, width=32)
    kernel_scales = draw(st.lists(one, min_size=channels, max_size=channels) | one.map(lambda s: [s]))
    shape = (channels, depth)
    kernel = b.tensor(shape, scale=kernel_scales, data=weights(seed, shape, draw(weight_kinds)))
    size_of_bias = draw(st.sampled_from([0, 1000, 1 << 20]))
    values = np.random.default_rng(seed + 1).integers(-size_of_bias, size_of_bias + 1, channels)
    bias = b.tensor((channels,), "int32", scale=kernel_scales[0], data=values)
    y = b.tensor((rows, channels), scale=draw(st.sampled_from([1.0, 3.0])), zero_point=draw(zero_points))
    options = {"FusedActivationFunction": ACTIVATIONS[draw(activations)], "KeepNumDims": False}
    b.operator("FULLY_CONNECTED", [x, kernel, bias], [y], options, "FullyConnectedOptions", version=5)
    return Case(b.finish([x], [y]), pictures(seed, (rows, depth)))
