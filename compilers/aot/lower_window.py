"""Operators with a sliding window: CONV_2D, DEPTHWISE_CONV_2D and 2-D pooling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compilers.aot import checks, requant
from compilers.aot.operands import At, Constant, Scratch, Value
from compilers.aot.operators import PADDINGS, POOL_LIMIT, SIDE_LIMIT, WINDOW_LIMIT
from compilers.aot.overlap import conv_overlap
from compilers.aot.pads import folded_padding
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

# A word of scratch holds the inputs of two pixels.
PAIR_BYTES = 4


@dataclass(frozen=True)
class Window:
    """`struct alpharho_window`: pairs are (height, width)."""

    source: tuple[int, int, int]
    target: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]

    def fields(self) -> dict[str, Value]:
        """Return the fields in the order of the declaration."""
        (in_h, in_w, in_c), (out_h, out_w, out_c) = self.source, self.target
        values: dict[str, Value] = {"in_w": in_w, "out_w": out_w}
        values |= {"in_h": in_h, "in_c": in_c, "out_h": out_h, "out_c": out_c}
        for name in ("kernel", "stride", "dilation"):
            pair: tuple[int, int] = getattr(self, name)
            values |= {f"{name}_h": pair[0], f"{name}_w": pair[1]}
        return values | {"pad_top": self.pad[0], "pad_left": self.pad[1]}

    @property
    def extent(self) -> tuple[int, int]:
        """Input rows and columns from the first to the last tap."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1


def window(graph: Graph, operator: Operator, kernel: tuple[int, int], channels: int) -> Window:
    """Return the window of an operator on (1, h, w, c) and check the output's shape against it."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    options = operator.options
    if len(source.shape) != 4 or source.shape[0] != 1:
        graph.fail(f"shape {list(source.shape)}, expected a batch of 1, height, width and channels", operator, source)
    stride = int(options["StrideH"]), int(options["StrideW"])
    dilation = int(options.get("DilationHFactor", 1)), int(options.get("DilationWFactor", 1))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if not all(0 < x < WINDOW_LIMIT for x in (*stride, *dilation, *kernel, *extent)):
        graph.fail(f"kernel {kernel}, stride {stride}, dilation {dilation}: out of range", operator, target)
    if options["Padding"] not in PADDINGS:
        graph.fail(f"padding {options['Padding']}, expected SAME or VALID", operator, target)
    same = PADDINGS[int(options["Padding"])] == "SAME"
    # Folded padding comes with VALID only.
    top, bottom, left, right = folded_padding(operator)
    padded = source.shape[1] + top + bottom, source.shape[2] + left + right
    sizes, pads = [], []
    for size, before, reach, step in zip(padded, (top, left), extent, stride, strict=True):
        sizes.append(-(-size // step) if same else (size + step - reach) // step)
        pads.append(before + max((sizes[-1] - 1) * step + reach - size, 0) // 2)
    checks.expect_shape(graph, operator, target, (1, *sizes, channels))
    expect_sides(graph, operator, source, target)
    return Window(
        (source.shape[1], source.shape[2], source.shape[3]), (sizes[0], sizes[1], channels), kernel, stride, dilation,
        (pads[0], pads[1]),
    )  # fmt: skip


def expect_sides(graph: Graph, operator: Operator, *tensors: Tensor) -> None:
    """Check that heights and channels of (1, h, w, c) are what a window's fields hold."""
    for tensor in tensors:
        _, height, _, channels = tensor.shape
        if max(height, channels) >= SIDE_LIMIT:
            most = f"height and channels are at most {SIDE_LIMIT - 1}"
            graph.fail(f"shape {list(tensor.shape)}: {most}; put a sequence along the width", operator, tensor)


def conv(graph: Graph, operator: Operator) -> Step:
    """Lower CONV_2D, grouped or not. Kernels are (out, h, w, in / groups)."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    kernel = checks.weights(graph, operator, rank=4, axis=0)
    channels, height, width, depth = kernel.shape
    w = window(graph, operator, (height, width), channels)
    groups = source.shape[3] // depth
    if groups * depth != source.shape[3] or channels % groups:
        graph.fail(f"kernel {list(kernel.shape)} does not divide {source.shape[3]} channels", operator, kernel)
    return _convolution(operator, source, target, w, groups, _filter_fields(graph, operator, kernel, channel_axis=0))


def _convolution(
    operator: Operator, source: Tensor, target: Tensor, w: Window, groups: int, filters: dict[str, Value]
) -> Step:
    fields: dict[str, Value] = {"window": w.fields(), "groups": groups, **filters}
    parameters = portable.CONV.structure(fields)
    through_scratch = Call(portable.CONV, (parameters, At(source.index), At(target.index), Scratch()))
    taps = w.kernel[0] * w.kernel[1] * w.source[2] // groups
    return Step(
        operator.index, operator.name, (source.index,), target.index, (through_scratch,),
        macs=target.size * taps,
        scratch=PAIR_BYTES * taps,
        overlap={source.index: conv_overlap(w.fields(), pixels=2)} if groups == 1 else {},
    )  # fmt: skip


def depthwise(graph: Graph, operator: Operator) -> Step:
    """Lower DEPTHWISE_CONV_2D. Kernels are (1, h, w, out); out channel i reads in channel i // (out / in).

    One that makes several channels of one is a convolution, and costs less as such.
    """
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    kernel = checks.weights(graph, operator, rank=4, axis=3)
    one, height, width, channels = kernel.shape
    w = window(graph, operator, (height, width), channels)
    if one != 1 or channels % source.shape[3]:
        graph.fail(f"kernel {list(kernel.shape)} does not fit {source.shape[3]} channels", operator, kernel)
    multiplier, filters = channels // source.shape[3], _filter_fields(graph, operator, kernel, channel_axis=3)
    if source.shape[3] == 1 and multiplier > 1:
        return _convolution(operator, source, target, w, 1, filters)
    fields: dict[str, Value] = {"window": w.fields(), "multiplier": multiplier, **filters}
    call = Call(
        portable.DEPTHWISE, (portable.DEPTHWISE.structure(fields), At(source.index), At(target.index), Scratch())
    )
    row_bytes = ((w.target[1] - 1) * w.stride[1] + w.extent[1]) * source.shape[3]
    return Step(
        operator.index, operator.name, (source.index,), target.index, (call,),
        macs=target.size * height * width,
        scratch=w.extent[0] * row_bytes,
        overlap={source.index: _depthwise_overlap(w)},
    )  # fmt: skip


def pool(graph: Graph, operator: Operator) -> Step:
    """Lower AVERAGE_POOL_2D and MAX_POOL_2D, whose input and output have one scale."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    kernel = int(operator.options["FilterHeight"]), int(operator.options["FilterWidth"])
    w = window(graph, operator, kernel, source.shape[-1])
    elements = min(kernel[0], source.shape[1]) * min(kernel[1], source.shape[2])
    if elements >= POOL_LIMIT:
        graph.fail(f"windows of {elements} elements, fewer than {POOL_LIMIT} are supported", operator, source)
    if source.quant != target.quant:
        graph.fail("pooling needs one scale and zero point for input and output", operator, target)
    low, high = checks.fused_range(graph, operator)
    pooling = portable.AVERAGE_POOL if operator.name == "AVERAGE_POOL_2D" else portable.MAX_POOL
    parameters = pooling.structure({"window": w.fields(), "min": low, "max": high})
    call = Call(pooling, (parameters, At(source.index), At(target.index)))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,))


def _filter_fields(graph: Graph, operator: Operator, kernel: Tensor, channel_axis: int) -> dict[str, Value]:
    """Return the fields that convolutions share, with the weights in (out, taps) order."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    assert kernel.data is not None
    channels = kernel.shape[channel_axis]
    by_channel = np.moveaxis(kernel.data, channel_axis, 0).reshape(channels, -1).astype(np.int8)
    bias = checks.bias(graph, operator, channels)
    return {
        "input_zero_point": source.quant.zero_point,
        "weights": Constant("weights", by_channel),
        "bias": requant.folded_bias(bias, by_channel.astype(np.int64).sum(axis=1), source.quant.zero_point),
        "requant": requant.fields(
            requant.per_channel(source, kernel, target), target, checks.fused_range(graph, operator)
        ),
    }


def _depthwise_overlap(w: Window) -> int:
    """Return where the output may begin, from the input's start: a row goes out once its inputs are in scratch."""
    (in_h, in_w, in_c), (out_h, out_w, out_c) = w.source, w.target
    y = np.arange(out_h - 1)
    top = y * w.stride[0] - w.pad[0]
    # The first input row that is copied for row y + 1; rows that the stride passes over never are.
    unread = np.clip(np.maximum(top + w.extent[0], top + w.stride[0]), 0, in_h)
    margin = unread * in_w * in_c - (y + 1) * out_w * out_c
    return min(0, int(margin[unread < in_h].min(initial=0)))
