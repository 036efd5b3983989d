"""From operators to steps: one function per operator, in the files that this one names."""

from __future__ import annotations

from collections.abc import Callable

from compilers.aot import (
    lower_elementwise,
    lower_move,
    lower_reduce,
    lower_resize,
    lower_slice,
    lower_transpose_conv,
    lower_unary,
    lower_window,
)
from compilers.aot.arithmetic import ScaleError
from compilers.aot.compose import compose
from compilers.aot.leave_out import Reduced, leave_out
from compilers.aot.operators import check_supported
from compilers.aot.pads import fold
from compilers.aot.sets import SETS
from compilers.aot.shapes import without_shapes
from compilers.aot.slices import with_slices
from compilers.aot.steps import Step
from graph.types import Graph, Operator

LOWER: dict[str, Callable[[Graph, Operator], Step]] = {
    "CONV_2D": lower_window.conv,
    "DEPTHWISE_CONV_2D": lower_window.depthwise,
    "AVERAGE_POOL_2D": lower_window.pool,
    "MAX_POOL_2D": lower_window.pool,
    "FULLY_CONNECTED": lower_reduce.dense,
    "MEAN": lower_reduce.mean,
    "SOFTMAX": lower_reduce.softmax,
    "ADD": lower_elementwise.add,
    "MUL": lower_elementwise.mul,
    "HARD_SWISH": lower_unary.hard_swish,
    "RELU": lower_unary.relu,
    "RELU6": lower_unary.relu,
    "RELU_N1_TO_1": lower_unary.relu,
    "QUANTIZE": lower_unary.quantize,
    "SUB": lower_elementwise.sub,
    "MAXIMUM": lower_elementwise.maximum,
    "MINIMUM": lower_elementwise.minimum,
    "PRELU": lower_elementwise.prelu,
    "SLICE": lower_slice.slice_,
    "STRIDED_SLICE": lower_slice.strided_slice,
    "TRANSPOSE": lower_slice.transpose,
    "SPLIT": lower_slice.split,
    "SPLIT_V": lower_slice.split_v,
    "UNPACK": lower_slice.unpack,
    "PACK": lower_move.pack,
    "EXPAND_DIMS": lower_move.reshape,
    "SQUEEZE": lower_move.reshape,
    "SUM": lower_reduce.total,
    "REDUCE_MAX": lower_reduce.greatest,
    "REDUCE_MIN": lower_reduce.least,
    "RESIZE_BILINEAR": lower_resize.bilinear,
    "RESIZE_NEAREST_NEIGHBOR": lower_resize.nearest_neighbor,
    "TRANSPOSE_CONV": lower_transpose_conv.transpose_conv,
    "DEQUANTIZE": lower_unary.dequantize,
    "LOGISTIC": lower_unary.logistic,
    "TANH": lower_unary.tanh,
    "LEAKY_RELU": lower_unary.leaky_relu,
    "ELU": lower_unary.elu,
    "ABS": lower_unary.absolute,
    "PAD": lower_move.pad,
    "PADV2": lower_move.pad,
    "RESHAPE": lower_move.reshape,
    "CONCATENATION": lower_move.concatenation,
}


KERNEL_SETS = tuple(SETS)
# What to save where saving one costs another: flash, instructions or RAM.
OPTIMIZE = ("size", "speed", "ram")


def reduced(graph: Graph) -> Reduced:
    """Return the network without the channels that have no effect. Raises CompileError as `lower` does."""
    return leave_out(graph, _portable(without_shapes(graph)))


def lower(graph: Graph, kernels: str = "portable", optimize: str = "size") -> tuple[Step, ...]:
    """Return one step per operator, in order, for a kernel set and one of OPTIMIZE.

    A PAD that windows can do themselves (`pads.fold`) has no step, nor has what computes a shape, or is a part of a
    function of one value (`compose`). Raises CompileError for operators, shapes, types, options and scales that LiteRT
    or our kernels do not take.
    """
    graph = without_shapes(graph)
    chosen = SETS[kernels]
    composed = compose(graph, _portable(graph))
    lowered = [chosen.specialize(step, optimize) for step in composed]
    if optimize != "ram":
        return tuple(lowered)

    def specialize(step: Step) -> Step:
        return chosen.specialize(step, optimize)

    return tuple(with_slices(step, whole, specialize) for step, whole in zip(composed, lowered, strict=True))


def _portable(graph: Graph) -> list[Step]:
    """Return one step per operator, of set portable."""
    check_supported(graph)
    steps = []
    for operator in fold(graph):
        try:
            steps.append(LOWER[operator.name](graph, operator))
        except ScaleError as e:
            graph.fail(str(e), operator, graph.tensors[operator.outputs[0]])
    return steps
