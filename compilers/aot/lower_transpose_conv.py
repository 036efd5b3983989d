"""TRANSPOSE_CONV: each pixel of the input is spread over a window of the output."""

from __future__ import annotations

import numpy as np

from compilers.aot import checks, requant
from compilers.aot.lower_window import Window, expect_sides
from compilers.aot.operands import At, Constant, Value
from compilers.aot.operators import PADDINGS, WINDOW_LIMIT
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor


def transpose_conv(graph: Graph, operator: Operator) -> Step:
    """Lower TRANSPOSE_CONV. Inputs are the output's shape, kernels (out, h, w, in), the tensor and perhaps a bias."""
    source, target = checks.activation_input(graph, operator, 2), checks.output(graph, operator)
    kernel = checks.weights(graph, operator, rank=4, axis=0)
    assert kernel.data is not None
    channels, height, width, depth = kernel.shape
    w = _window(graph, operator, source, target, kernel)
    bias = checks.bias(graph, operator, channels, position=3)
    limits = checks.fused_range(graph, operator)
    fields: dict[str, Value] = {
        "window": w.fields(),
        "input_offset": -source.quant.zero_point,
        "weights": Constant("weights", kernel.data.astype(np.int8)),
        "bias": Constant("bias", bias.astype(np.int32)),
        "requant": requant.fields(requant.per_channel(source, kernel, target), target, limits),
    }
    call = Call(
        portable.TRANSPOSE_CONV, (portable.TRANSPOSE_CONV.structure(fields), At(source.index), At(target.index))
    )
    macs = source.size // depth * height * width * depth * channels
    return Step(operator.index, operator.name, (source.index,), target.index, (call,), macs=macs)


def _window(graph: Graph, operator: Operator, source: Tensor, target: Tensor, kernel: Tensor) -> Window:
    """Return the window that slides over the output, whose shape the operator gives."""
    if len(source.shape) != 4 or source.shape[0] != 1:
        graph.fail(f"shape {list(source.shape)}, expected a batch of 1, height, width and channels", operator, source)
    shape = tuple(checks.constant_ints(graph, operator, 0).reshape(-1).tolist())
    checks.expect_shape(graph, operator, target, shape)
    channels, *sides, depth = kernel.shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] != channels or source.shape[3] != depth:
        graph.fail(f"kernel {list(kernel.shape)} from {list(source.shape)} to {list(shape)}", operator, kernel)
    stride = int(operator.options["StrideH"]), int(operator.options["StrideW"])
    if not all(0 < x < WINDOW_LIMIT for x in (*stride, *sides)):
        graph.fail(f"kernel {sides}, stride {list(stride)}: out of range", operator, target)
    if operator.options["Padding"] not in PADDINGS:
        graph.fail(f"padding {operator.options['Padding']}, expected SAME or VALID", operator, target)
    same = PADDINGS[int(operator.options["Padding"])] == "SAME"
    expect_sides(graph, operator, source, target)
    pads = [
        max((-(-size // step) - 1) * step + reach - size, 0) // 2 if same else 0
        for size, reach, step in zip(shape[1:3], sides, stride, strict=True)
    ]
    return Window(
        (source.shape[1], source.shape[2], depth), (shape[1], shape[2], channels), (sides[0], sides[1]), stride, (1, 1),
        (pads[0], pads[1]),
    )  # fmt: skip
