"""Random networks of one operator with a sliding window."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from graph.builder import Builder
from graph.reader import parse
from tests.kernels.cases import (
    ACTIVATIONS,
    Case,
    activations,
    biases,
    channel_scales,
    pictures,
    scales,
    seeds,
    weight_kinds,
    weights,
    windows,
    zero_points,
)


@st.composite
def conv(draw: st.DrawFn, depthwise: bool = False) -> Case:
    """Draw a CONV_2D, grouped or not, or a DEPTHWISE_CONV_2D."""
    b, w, seed = Builder(), draw(windows()), draw(seeds)
    if depthwise:
        in_c = draw(st.integers(1, 6))
        out_c = in_c * draw(st.sampled_from([1, 1, 1, 2, 3]))
        kernel_shape, axis = (1, w["kh"], w["kw"], out_c), 3
    else:
        groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
        in_c, out_c = groups * draw(st.integers(1, 6)), groups * draw(st.integers(1, 5))
        kernel_shape, axis = (out_c, w["kh"], w["kw"], in_c // groups), 0
    x = b.tensor((1, w["h"], w["w"], in_c), scale=draw(scales), zero_point=draw(zero_points))
    kernel = b.tensor(
        kernel_shape, scale=channel_scales(draw, out_c), axis=axis,
        data=weights(seed, kernel_shape, draw(weight_kinds)),
    )  # fmt: skip
    bias = b.tensor((out_c,), "int32", scale=1.0, data=biases(draw, seed, out_c))
    y = b.tensor((1, w["oh"], w["ow"], out_c), scale=draw(scales), zero_point=draw(zero_points))
    options = {
        "Padding": w["padding"], "StrideH": w["sh"], "StrideW": w["sw"], "DilationHFactor": w["dh"],
        "DilationWFactor": w["dw"], "FusedActivationFunction": ACTIVATIONS[draw(activations)],
    }  # fmt: skip
    name, table = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    if depthwise:
        options["DepthMultiplier"] = out_c // in_c
    b.operator(name, [x, kernel, bias], [y], options, table)
    return Case(b.finish([x], [y]), pictures(seed, (1, w["h"], w["w"], in_c)))


# Scales of weights, with input and output of scale 1, for right shifts of 1 to 31 and multipliers at their ends.
right_shifts = st.one_of(
    st.floats(2.0**-14, 2.0**-4, width=32),
    st.sampled_from([2.0**-n * f for n in range(1, 33) for f in (0.5, 0.99999994)]),
)


@st.composite
def typical(draw: st.DrawFn, depthwise: bool = False) -> Case:
    """Draw a convolution as networks have them, which kernel sets have kernels of their own for."""
    b, seed = Builder(), draw(seeds)
    side = draw(st.sampled_from([3, 3, 5, 7] if depthwise else [1, 1, 2, 3, 3, 4]))
    size = draw(st.just([1, 1]) | st.lists(st.integers(1, 12), min_size=2, max_size=2))
    stride, padding = draw(st.sampled_from([1, 1, 2, 2, 4])), int(min(size) >= side and draw(st.booleans()))
    in_c = 4 * draw(st.integers(1, 9)) if depthwise or side == 1 else draw(st.sampled_from([1, 2, 3, 3, 4, 5, 16, 32]))
    if depthwise:
        in_c = draw(st.sampled_from([in_c, in_c, *range(1, 12)]))
    if side == 1:
        stride = 1
        in_c = draw(st.sampled_from([in_c, in_c, 64, 68, 128, 132]))
    out_c = in_c if depthwise else draw(st.integers(1, 9))
    out = [-(-s // stride) if padding == 0 else (s - side + stride) // stride for s in size]
    shape, axis = ((1, side, side, out_c), 3) if depthwise else ((out_c, side, side, in_c), 0)
    x = b.tensor((1, *size, in_c), scale=1.0, zero_point=draw(zero_points))
    kernel_scales = draw(st.lists(right_shifts, min_size=out_c, max_size=out_c) | right_shifts.map(lambda s: [s]))
    kernel = b.tensor(shape, scale=kernel_scales, axis=axis, data=weights(seed, shape, draw(weight_kinds)))
    size_of_bias = draw(st.sampled_from([0, 1000, 1 << 20, 1 << 29, 1 << 30]))
    values = np.random.default_rng(seed + 1).integers(-size_of_bias, size_of_bias + 1, out_c)
    bias = b.tensor((out_c,), "int32", scale=1.0, data=values)
    y = b.tensor((1, *out, out_c), scale=draw(st.sampled_from([1.0, 1.0, 0.02])), zero_point=draw(zero_points))
    options = {
        "Padding": padding, "StrideH": stride, "StrideW": stride,
        "FusedActivationFunction": ACTIVATIONS[draw(activations)],
    }  # fmt: skip
    name, table = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    if depthwise:
        options["DepthMultiplier"] = 1
    b.operator(name, [x, kernel, bias], [y], options, table)
    return Case(b.finish([x], [y]), pictures(seed, (1, *size, in_c)))


@st.composite
def few_channels(draw: st.DrawFn) -> Case:
    """Draw a 1x1 convolution of up to 11 channels, with small sums, so that channels fit together."""
    b, seed = Builder(), draw(seeds)
    size, in_c, out_c = [draw(st.integers(1, 9)) for _ in range(2)], draw(st.integers(1, 11)), draw(st.integers(1, 9))
    x = b.tensor((1, *size, in_c), scale=1.0, zero_point=draw(zero_points))
    shape = (out_c, 1, 1, in_c)
    factors = draw(st.lists(st.floats(2.0**-14, 2.0**-3, width=32), min_size=out_c, max_size=out_c))
    kernel = b.tensor(shape, scale=factors, axis=0, data=weights(seed, shape, draw(weight_kinds)))
    values = np.random.default_rng(seed + 1).integers(-30000, 30001, out_c)
    bias = b.tensor((out_c,), "int32", scale=1.0, data=values)
    y = b.tensor((1, *size, out_c), scale=1.0, zero_point=draw(zero_points))
    options = {"Padding": 0, "StrideH": 1, "StrideW": 1, "FusedActivationFunction": ACTIVATIONS[draw(activations)]}
    b.operator("CONV_2D", [x, kernel, bias], [y], options, "Conv2DOptions")
    return Case(b.finish([x], [y]), pictures(seed, (1, *size, in_c)))


@st.composite
def word_rows(draw: st.DrawFn) -> Case:
    """Draw a convolution of four taps in a row of its window, with padding on both sides of the input or on one."""
    b, seed = Builder(), draw(seeds)
    in_c = draw(st.sampled_from([1, 2]))
    shape = (4 * draw(st.integers(1, 3)), draw(st.integers(1, 5)), 4 // in_c, in_c)
    size, strides = [draw(st.integers(5, 12)) for _ in range(2)], [draw(st.integers(1, 3)) for _ in range(2)]
    x = b.tensor((1, *size, in_c), scale=1.0, zero_point=draw(zero_points))
    factors = draw(st.lists(st.floats(2.0**-14, 2.0**-3, width=32), min_size=shape[0], max_size=shape[0]))
    kernel = b.tensor(shape, scale=factors, axis=0, data=weights(seed, shape, "random"))
    values = np.random.default_rng(seed + 1).integers(-30000, 30001, shape[0])
    bias = b.tensor((shape[0],), "int32", scale=1.0, data=values)
    out = [-(-side // stride) for side, stride in zip(size, strides, strict=True)]
    y = b.tensor((1, *out, shape[0]), scale=1.0, zero_point=draw(zero_points))
    options = {"Padding": 0, "StrideH": strides[0], "StrideW": strides[1], "FusedActivationFunction": 0}
    b.operator("CONV_2D", [x, kernel, bias], [y], options, "Conv2DOptions")
    return Case(b.finish([x], [y]), pictures(seed, (1, *size, in_c)))


def corners(
    layer: str, depth: int, zero_point: int, activation: str, shift_most: int = 31, channels_each: int = 2
) -> Case:
    """Return a convolution whose sums sweep through halves between two steps, for right shifts and either sign.

    Its scales are powers of 2, so that halves are exact; each output is one input and a bias near 2^shift. `layer` is
    "pointwise", "3x3" or "5x5" (depthwise); `depth` the input channels of a pointwise one. Each shift is that of
    `channels_each` channels.
    """
    b = Builder()
    shifts = np.repeat(np.arange(1, shift_most + 2), channels_each)
    channels = len(shifts)
    in_c = depth if layer == "pointwise" else channels
    x = b.tensor((1, 16, 16, in_c), scale=1.0, zero_point=0)
    side = 1 if layer == "pointwise" else int(layer[0])
    shape, axis = ((channels, 1, 1, depth), 0) if side == 1 else ((1, side, side, channels), 3)
    kernel_values = np.zeros(shape, np.int8)
    if side == 1:
        kernel_values[np.arange(channels), 0, 0, np.arange(channels) % depth] = 1
    else:
        kernel_values[0, side // 2, side // 2] = 1
    # A scale of 2^-s is a multiplier of 2^30 and a right shift of s - 1.
    scale = [2.0**-s for s in np.maximum(shifts, 2)]
    kernel = b.tensor(shape, scale=scale, axis=axis, data=kernel_values)
    # Halves, and for small shifts more steps away than int8 has.
    halves = np.minimum(1 << (shifts - 1), 1 << 29) * np.where(np.arange(channels) % 2, -3, 1)
    bias = b.tensor((channels,), "int32", scale=1.0, data=np.clip(halves, -(1 << 29), 1 << 29))
    y = b.tensor((1, 16, 16, channels), scale=1.0, zero_point=zero_point)
    options = {"Padding": 0, "StrideH": 1, "StrideW": 1, "FusedActivationFunction": ACTIVATIONS[activation]}
    if side == 1:
        b.operator("CONV_2D", [x, kernel, bias], [y], options, "Conv2DOptions")
    else:
        b.operator(
            "DEPTHWISE_CONV_2D", [x, kernel, bias], [y], options | {"DepthMultiplier": 1}, "DepthwiseConv2DOptions"
        )
    sweep = np.broadcast_to(np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1), (1, 16, 16, in_c))
    return Case(b.finish([x], [y]), [[sweep]])


@st.composite
def pool(draw: st.DrawFn, name: str) -> Case:
    """Draw a pooling."""
    b, w = Builder(), draw(windows(dilated=False))
    channels, scale, zero_point = draw(st.integers(1, 5)), draw(scales), draw(zero_points)
    x = b.tensor((1, w["h"], w["w"], channels), scale=scale, zero_point=zero_point)
    y = b.tensor((1, w["oh"], w["ow"], channels), scale=scale, zero_point=zero_point)
    options = {
        "Padding": w["padding"], "StrideH": w["sh"], "StrideW": w["sw"], "FilterHeight": w["kh"],
        "FilterWidth": w["kw"], "FusedActivationFunction": ACTIVATIONS[draw(activations)],
    }  # fmt: skip
    b.operator(name, [x], [y], options, "Pool2DOptions")
    return Case(b.finish([x], [y]), pictures(draw(seeds), (1, w["h"], w["w"], channels)))


@st.composite
def behind_pad(draw: st.DrawFn, window: st.SearchStrategy[Case]) -> Case:
    """Draw a network of one window, and have a PAD or PADV2 make its input."""
    graph, b, seed = parse(draw(window).model, "case"), Builder(), draw(seeds)
    b.tensors = list(graph.tensors)
    padded = graph.tensors[graph.inputs[0]]
    totals = [draw(st.integers(0, min(size - 1, 5))) for size in padded.shape[1:3]]
    amounts = [[0, 0], *([before := draw(st.integers(0, total)), total - before] for total in totals), [0, 0]]
    shape = [size - sum(pair) for size, pair in zip(padded.shape, amounts, strict=True)]
    scale, zero_point = float(padded.quant.scale), padded.quant.zero_point
    x = b.tensor(shape, scale=scale, zero_point=zero_point)
    inputs = [x, b.tensor((4, 2), "int32", data=amounts)]
    if draw(st.booleans()):
        value = draw(st.sampled_from([zero_point, zero_point, -128, 5]))
        inputs.append(b.tensor((1,), scale=scale, zero_point=zero_point, data=[value]))
    b.operator("PADV2" if len(inputs) > 2 else "PAD", inputs, [padded.index])
    b.operators += graph.operators
    return Case(b.finish([x], graph.outputs), pictures(seed, shape))


@st.composite
def transpose_conv(draw: st.DrawFn) -> Case:
    """Draw a TRANSPOSE_CONV: strides up to 3, kernels smaller and larger than they are, with or without bias."""
    b, seed = Builder(), draw(seeds)
    size = [draw(st.integers(1, 5)) for _ in range(2)]
    kernel_size = [draw(st.integers(1, 4)) for _ in range(2)]
    stride = [draw(st.integers(1, 3)) for _ in range(2)]
    padding, in_c, out_c = draw(st.integers(0, 1)), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    out = [s * n if padding == 0 else (n - 1) * s + k for n, s, k in zip(size, stride, kernel_size, strict=True)]
    if padding == 0:
        out = [n - draw(st.integers(0, s - 1)) for n, s in zip(out, stride, strict=True)]
    out_shape, shape = [1, *out, out_c], (out_c, *kernel_size, in_c)
    x = b.tensor((1, *size, in_c), scale=draw(scales), zero_point=draw(zero_points))
    kernel = b.tensor(shape, scale=channel_scales(draw, out_c), data=weights(seed, shape, draw(weight_kinds)))
    inputs = [b.tensor((4,), "int32", data=out_shape), kernel, x]
    if draw(st.booleans()):
        inputs.append(b.tensor((out_c,), "int32", scale=1.0, data=biases(draw, seed, out_c)))
    y = b.tensor(out_shape, scale=draw(scales), zero_point=draw(zero_points))
    options = {
        "Padding": padding, "StrideH": stride[0], "StrideW": stride[1],
        "FusedActivationFunction": ACTIVATIONS[draw(activations)],
    }  # fmt: skip
    b.operator("TRANSPOSE_CONV", inputs, [y], options, "TransposeConvOptions", version=4)
    return Case(b.finish([x], [y]), pictures(seed, (1, *size, in_c)))
