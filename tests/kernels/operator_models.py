"""Random networks of one operator: shapes, windows, scales and weights, with the corners that hurt drawn often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from graph.builder import Builder
from graph.reader import parse
from graph.types import OptionValue

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
    runs: list[list[Int8]]
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
    side = draw(st.sampled_from([3, 5] if depthwise else [1, 1, 3]))
    size = draw(st.just([1, 1]) | st.lists(st.integers(1, 12), min_size=2, max_size=2))
    stride, padding = draw(st.sampled_from([1, 1, 2])), int(min(size) >= side and draw(st.booleans()))
    in_c = 4 * draw(st.integers(1, 9)) if depthwise or side == 1 else draw(st.sampled_from([3, 3, 4, 5]))
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


def corners(layer: str, depth: int, zero_point: int, activation: str) -> Case:
    """Return a convolution whose sums sweep through halves between two steps, for each right shift and either sign.

    Its scales are powers of 2, so that halves are exact; each output is one input and a bias near 2^shift. `layer` is
    "pointwise", "3x3" or "5x5" (depthwise); `depth` the input channels of a pointwise one.
    """
    b = Builder()
    shifts = np.repeat(np.arange(1, 33), 2)
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
    in_scale = draw(st.one_of(scales, st.sampled_from([1e-6, 1e-5, 7.9, 8.1, 31.0, 33.0, 1e9])))
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


@st.composite
def pad(draw: st.DrawFn, name: str) -> Case:
    """Draw a PAD or PADV2."""
    b = Builder()
    shape = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 4)))]
    amounts = [[draw(st.integers(0, 3)) for _ in range(2)] for _ in shape]
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.tensor(shape, scale=scale, zero_point=zero_point)
    p = b.tensor((len(shape), 2), draw(st.sampled_from(["int32", "int64"])), data=amounts)
    out = [s + before + after for s, (before, after) in zip(shape, amounts, strict=True)]
    y = b.tensor(out, scale=scale, zero_point=zero_point)
    inputs = [x, p]
    if name == "PADV2":
        value = draw(st.integers(-128, 127))
        inputs.append(b.tensor(draw(st.sampled_from([(), (1,)])), scale=scale, zero_point=zero_point, data=[value]))
    b.operator(name, inputs, [y])
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


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
def concatenation(draw: st.DrawFn) -> Case:
    """Draw a CONCATENATION of computed and constant tensors."""
    b, seed = Builder(), draw(seeds)
    rank = draw(st.integers(1, 4))
    shape = [draw(st.integers(1, 4)) for _ in range(rank)]
    axis = draw(st.integers(0, rank - 1))
    scale, zero_point = draw(scales), draw(zero_points)
    tensors, shapes = [], []
    for i in range(draw(st.integers(1, 4))):
        part = [*shape[:axis], draw(st.integers(1, 4)), *shape[axis + 1 :]]
        data = weights(seed, part, "random") if i and draw(st.booleans()) else None
        tensors.append(b.tensor(part, scale=scale, zero_point=zero_point, data=data))
        shapes.append((part, data is None))
    out = [*shape[:axis], sum(s[axis] for s, _ in shapes), *shape[axis + 1 :]]
    y = b.tensor(out, scale=scale, zero_point=zero_point)
    options = {"Axis": axis - draw(st.sampled_from([0, rank]))}
    b.operator("CONCATENATION", tensors, [y], options, "ConcatenationOptions")
    computed = [(t, s) for t, (s, is_computed) in zip(tensors, shapes, strict=True) if is_computed]
    return Case(b.finish([t for t, _ in computed], [y]), pictures(seed, *(s for _, s in computed)))


@st.composite
def reshape(draw: st.DrawFn) -> Case:
    """Draw a RESHAPE."""
    b = Builder()
    shape = [draw(st.integers(1, 4)) for _ in range(3)]
    out = [shape[0] * shape[1], shape[2]]
    x = b.tensor(shape, scale=0.5, zero_point=3)
    s = b.tensor((2,), "int32", data=out)
    y = b.tensor(out, scale=0.5, zero_point=3)
    b.operator("RESHAPE", [x, s], [y], {}, "ReshapeOptions")
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


def _moved(
    draw: st.DrawFn,
    name: str,
    shape: Sequence[int],
    outs: Sequence[Sequence[int]],
    constants: Mapping[int, npt.ArrayLike],
    options: Mapping[str, OptionValue] | None = None,
    table: str | None = None,
    version: int | None = None,
) -> Case:
    """Return an operator that moves the values of one tensor; `constants` are its integer inputs by position."""
    b = Builder()
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.tensor(shape, scale=scale, zero_point=zero_point)
    inputs = [x]
    for position, values in sorted(constants.items()):
        inputs.insert(position, b.tensor(np.shape(values), "int32", data=values))
    ys = [b.tensor(out, scale=scale, zero_point=zero_point) for out in outs]
    b.operator(name, inputs, ys, options, table, version)
    return Case(b.finish([x], ys), pictures(draw(seeds), shape))


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@st.composite
def slice_(draw: st.DrawFn) -> Case:
    """Draw a SLICE."""
    shape = draw(shapes)
    begins = [draw(st.integers(0, n - 1)) for n in shape]
    out = [draw(st.integers(1, n - begin)) for n, begin in zip(shape, begins, strict=True)]
    sizes = [-1 if begin + n == whole and draw(st.booleans()) else n
             for begin, n, whole in zip(begins, out, shape, strict=True)]  # fmt: skip
    return _moved(draw, "SLICE", shape, [out], {1: begins, 2: sizes})


@st.composite
def strided_slice(draw: st.DrawFn) -> Case:
    """Draw a STRIDED_SLICE: strides of either sign, ends outside, ends left out, dimensions that disappear."""
    shape = draw(shapes)
    masks, rows, out = {"BeginMask": 0, "EndMask": 0, "ShrinkAxisMask": 0}, [], list[int]()
    for i, n in enumerate(shape):
        stride = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        begin, end = draw(st.integers(-n - 1, n + 1)), draw(st.integers(-n - 2, n + 2))
        open_begin, open_end, shrinks = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 4)) == 0
        left = range(n)[slice(None if open_begin else begin, None if open_end else end, stride)]
        if shrinks:
            stride, begin, open_begin = 1, draw(st.integers(-n, n - 1)), False
        elif not left:
            begin, end, stride, left = 0, n, 1, range(n)
        masks["BeginMask"] |= open_begin << i
        masks["EndMask"] |= open_end << i
        masks["ShrinkAxisMask"] |= shrinks << i
        rows.append((begin, end, stride))
        out += [] if shrinks else [len(left)]
    begins, ends, strides = zip(*rows, strict=True)
    return _moved(
        draw, "STRIDED_SLICE", shape, [out], {1: begins, 2: ends, 3: strides}, masks, "StridedSliceOptions"
    )  # fmt: skip


@st.composite
def transpose(draw: st.DrawFn) -> Case:
    """Draw a TRANSPOSE."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    order = draw(st.permutations(range(len(shape))))
    return _moved(draw, "TRANSPOSE", shape, [[shape[i] for i in order]], {1: order})


@st.composite
def split(draw: st.DrawFn, name: str) -> Case:
    """Draw a SPLIT into equal parts or a SPLIT_V into others."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    if name == "SPLIT":
        sizes = [sizes[0]] * len(sizes)
    shape[axis] = sum(sizes)
    outs = [[*shape[:axis], size, *shape[axis + 1 :]] for size in sizes]
    signed = axis - draw(st.sampled_from([0, len(shape)]))
    if name == "SPLIT":
        return _moved(draw, name, shape, outs, {0: signed}, {"NumSplits": len(sizes)}, "SplitOptions")
    if draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return _moved(draw, name, shape, outs, {1: sizes, 2: signed}, {"NumSplits": len(sizes)}, "SplitVOptions")


@st.composite
def unpack(draw: st.DrawFn) -> Case:
    """Draw an UNPACK."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape) - 1))
    outs = [shape[:axis] + shape[axis + 1 :]] * shape[axis]
    options = {"Axis": axis - draw(st.sampled_from([0, len(shape)])), "Num": shape[axis]}
    return _moved(draw, "UNPACK", shape, outs, {}, options, "UnpackOptions")


@st.composite
def pack(draw: st.DrawFn) -> Case:
    """Draw a PACK of computed and constant tensors, or of a tensor with itself."""
    b, seed, shape = Builder(), draw(seeds), draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    scale, zero_point = draw(scales), draw(zero_points)
    tensors, computed = [], []
    for i in range(draw(st.integers(1, 4))):
        data = weights(seed + i, shape, "random") if i and draw(st.booleans()) else None
        tensors.append(b.tensor(shape, scale=scale, zero_point=zero_point, data=data))
        computed += [tensors[-1]] if data is None else []
    if draw(st.booleans()):
        tensors.append(tensors[0])
    axis = draw(st.integers(0, len(shape)))
    y = b.tensor([*shape[:axis], len(tensors), *shape[axis:]], scale=scale, zero_point=zero_point)
    options = {"Axis": axis - draw(st.sampled_from([0, len(shape) + 1])), "ValuesCount": len(tensors)}
    b.operator("PACK", tensors, [y], options, "PackOptions")
    return Case(b.finish(computed, [y]), pictures(seed, *[shape] * len(computed)))


@st.composite
def same_bytes(draw: st.DrawFn, name: str) -> Case:
    """Draw an EXPAND_DIMS or a SQUEEZE."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape)))
    longer = [*shape[:axis], 1, *shape[axis:]]
    signed = axis - draw(st.sampled_from([0, len(longer)]))
    if name == "EXPAND_DIMS":
        return _moved(draw, name, shape, [longer], {1: signed}, version=1)
    return _moved(draw, name, longer, [shape], {}, {"SqueezeDims": (signed,)}, "SqueezeOptions", version=1)


@st.composite
def resize(draw: st.DrawFn, name: str) -> Case:
    """Draw a RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, up or down, by factors that are whole or not."""
    height, width = (draw(st.integers(1, 9)) for _ in range(2))
    size = [draw(st.one_of(st.integers(1, 20), st.sampled_from([n, 2 * n, 3 * n]))) for n in (height, width)]
    corners, centers = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    channels = draw(st.integers(1, 4))
    options = {"AlignCorners": corners, "HalfPixelCenters": centers}
    table = "ResizeBilinearOptions" if name == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    outs = [(1, *size, channels)]
    return _moved(draw, name, (1, height, width, channels), outs, {1: size}, options, table, version=3)


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
    rows, depth, channels = draw(st.integers(1, 2)), 4 * draw(st.integers(1, 40)), draw(st.integers(1, 10))
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


# Cases that kernel sets are fast for.
TYPICAL: dict[str, st.SearchStrategy[Case]] = {
    "CONV_2D": typical(),
    "DEPTHWISE_CONV_2D": typical(depthwise=True),
    "FULLY_CONNECTED": typical_dense(),
    "ADD": typical_binary("ADD"),
    "MUL": typical_binary("MUL"),
    "MEAN": typical_mean(),
    "HARD_SWISH": typical_unary("HARD_SWISH"),
}

OPERATORS: dict[str, st.SearchStrategy[Case]] = {
    "CONV_2D": conv(),
    "DEPTHWISE_CONV_2D": conv(depthwise=True),
    "FULLY_CONNECTED": dense(),
    "ADD": binary("ADD"),
    "MUL": binary("MUL"),
    "MEAN": reduction("MEAN"),
    "SUM": reduction("SUM"),
    "REDUCE_MAX": reduction("REDUCE_MAX"),
    "REDUCE_MIN": reduction("REDUCE_MIN"),
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR"),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "SOFTMAX": softmax(),
    "HARD_SWISH": unary("HARD_SWISH"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6"),
    "QUANTIZE": unary("QUANTIZE"),
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "RESHAPE": reshape(),
    "CONCATENATION": concatenation(),
    "SUB": binary("SUB"),
    "MAXIMUM": binary("MAXIMUM"),
    "MINIMUM": binary("MINIMUM"),
    "PRELU": binary("PRELU"),
    "SLICE": slice_(),
    "STRIDED_SLICE": strided_slice(),
    "TRANSPOSE": transpose(),
    "SPLIT": split("SPLIT"),
    "SPLIT_V": split("SPLIT_V"),
    "UNPACK": unpack(),
    "PACK": pack(),
    "EXPAND_DIMS": same_bytes("EXPAND_DIMS"),
    "SQUEEZE": same_bytes("SQUEEZE"),
    "TRANSPOSE_CONV": transpose_conv(),
    "LOGISTIC": curve("LOGISTIC"),
    "TANH": curve("TANH"),
    "LEAKY_RELU": leaky_relu(),
    "ELU": curve("ELU"),
    "ABS": absolute(),
}

# Windows behind a PAD, as most files that do not come from Keras' SAME have them.
PADDED: dict[str, st.SearchStrategy[Case]] = {
    name: behind_pad(OPERATORS[name]) for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")
}
TYPICAL_PADDED = {name: behind_pad(TYPICAL[name]) for name in ("CONV_2D", "DEPTHWISE_CONV_2D")}
