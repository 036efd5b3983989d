"""What the engine supports: operators with their versions and options, types, and int8 from input to output."""

from __future__ import annotations

import math
from dataclasses import dataclass

from graph.axes import is_misplaced
from graph.types import Graph, Operator, Quantization, Tensor

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}
PADDINGS = {0: "SAME", 1: "VALID"}

# The largest window, stride or dilation, far over what networks have: kernels add such numbers in int32.
WINDOW_LIMIT = 1 << 15
# Heights and channels of windows are 16 bits wide; widths, along which sequences go, are not.
SIDE_LIMIT = 1 << 16
# Over what any microcontroller addresses, and small enough that no product of sizes overflows.
TENSOR_ELEMENTS_LIMIT = 1 << 26
# Of the kernels: a row of SOFTMAX, elements of one mean or sum, elements of a window of a pool are fewer.
SOFTMAX_LIMIT = 1 << 13
REDUCED_LIMIT = 1 << 23
POOL_LIMIT = 1 << 24
RANK_LIMIT = 6
# Only int8 tensors are computed; constants may also have the other types.
DTYPES = ("int8", "int32", "int64")
# Operators that convert, and the types that tensors between them and the ends of the network may have.
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
END_DTYPES = ("uint8", "float32")


@dataclass(frozen=True)
class OperatorSpec:
    """What the schema says of an operator.

    `options` is the name of its options table; `inputs` and `outputs` are ranges of how many tensors it reads and
    writes. Versions up to
    `version` are those of LiteRT's reference kernels; later ones may mean something else.
    """

    version: int
    inputs: tuple[int, int]
    options: str | None = None
    outputs: tuple[int, int] = (1, 1)


SUPPORTED = {
    "CONV_2D": OperatorSpec(8, (2, 3), "Conv2DOptions"),
    "DEPTHWISE_CONV_2D": OperatorSpec(6, (2, 3), "DepthwiseConv2DOptions"),
    "FULLY_CONNECTED": OperatorSpec(14, (2, 3), "FullyConnectedOptions"),
    "ADD": OperatorSpec(5, (2, 2), "AddOptions"),
    "MUL": OperatorSpec(7, (2, 2), "MulOptions"),
    "MEAN": OperatorSpec(3, (2, 2), "ReducerOptions"),
    "AVERAGE_POOL_2D": OperatorSpec(3, (1, 1), "Pool2DOptions"),
    "MAX_POOL_2D": OperatorSpec(3, (1, 1), "Pool2DOptions"),
    "SOFTMAX": OperatorSpec(3, (1, 1), "SoftmaxOptions"),
    "HARD_SWISH": OperatorSpec(1, (1, 1)),
    "RELU": OperatorSpec(3, (1, 1)),
    "RELU6": OperatorSpec(3, (1, 1)),
    "RELU_N1_TO_1": OperatorSpec(1, (1, 1)),
    "PAD": OperatorSpec(6, (2, 2)),
    "PADV2": OperatorSpec(4, (3, 3)),
    "RESHAPE": OperatorSpec(1, (1, 2)),
    "QUANTIZE": OperatorSpec(6, (1, 1)),
    "CONCATENATION": OperatorSpec(7, (1, 64), "ConcatenationOptions"),
    "SUB": OperatorSpec(5, (2, 2), "SubOptions"),
    "MAXIMUM": OperatorSpec(4, (2, 2)),
    "MINIMUM": OperatorSpec(4, (2, 2)),
    "PRELU": OperatorSpec(1, (2, 2)),
    "SLICE": OperatorSpec(8, (3, 3)),
    "STRIDED_SLICE": OperatorSpec(4, (4, 4), "StridedSliceOptions"),
    "TRANSPOSE": OperatorSpec(8, (2, 2)),
    "EXPAND_DIMS": OperatorSpec(1, (2, 2)),
    "SQUEEZE": OperatorSpec(1, (1, 1)),
    "SPLIT": OperatorSpec(5, (2, 2), outputs=(1, 64)),
    "SPLIT_V": OperatorSpec(3, (3, 3), outputs=(1, 64)),
    "PACK": OperatorSpec(5, (1, 64), "PackOptions"),
    "UNPACK": OperatorSpec(6, (1, 1), "UnpackOptions", outputs=(1, 64)),
    "SUM": OperatorSpec(2, (2, 2), "ReducerOptions"),
    "REDUCE_MAX": OperatorSpec(3, (2, 2), "ReducerOptions"),
    "REDUCE_MIN": OperatorSpec(3, (2, 2), "ReducerOptions"),
    "RESIZE_BILINEAR": OperatorSpec(4, (2, 2), "ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": OperatorSpec(4, (2, 2), "ResizeNearestNeighborOptions"),
    "TRANSPOSE_CONV": OperatorSpec(5, (3, 4), "TransposeConvOptions"),
    "DEQUANTIZE": OperatorSpec(6, (1, 1)),
    "LOGISTIC": OperatorSpec(3, (1, 1)),
    "TANH": OperatorSpec(3, (1, 1)),
    "LEAKY_RELU": OperatorSpec(2, (1, 1), "LeakyReluOptions"),
    "ELU": OperatorSpec(1, (1, 1)),
    "ABS": OperatorSpec(3, (1, 1)),
}


def check_supported(graph: Graph) -> None:
    """Check that the engine can compile each tensor and operator, and that all is computed in int8 but at the ends.

    Raises CompileError naming file, operator and tensor.
    """
    if graph.others:
        graph.fail(f"{1 + len(graph.others)} subgraphs, expected 1 (control flow is not supported)")
    if not graph.inputs or not graph.outputs or not graph.operators:
        graph.fail("no inputs, no outputs or no operators")
    ends = _ends(graph)
    for tensor in graph.tensors:
        _check_tensor(graph, tensor, DTYPES + END_DTYPES if tensor.index in ends else DTYPES)
    for operator in graph.operators:
        _check_operator(graph, operator)
    _check_ends(graph)
    computed = {*graph.inputs, *(i for operator in graph.operators for i in operator.outputs)}
    for index in sorted(computed - ends):
        _check_computed(graph, graph.tensors[index])


def _ends(graph: Graph) -> set[int]:
    """Return the tensors of END_DTYPES that no operator but those that convert reads or writes."""
    touched = {i for o in graph.operators if o.name in CONVERSIONS for i in (*o.inputs, *o.outputs) if i >= 0}
    others = {i for o in graph.operators if o.name not in CONVERSIONS for i in (*o.inputs, *o.outputs)}
    tensors = (graph.tensors[i] for i in touched - others)
    return {t.index for t in tensors if t.data is None and t.dtype in END_DTYPES}


def _check_tensor(graph: Graph, tensor: Tensor, dtypes: tuple[str, ...]) -> None:
    if len(tensor.shape) > RANK_LIMIT:
        graph.fail(f"{len(tensor.shape)} dimensions, at most {RANK_LIMIT} are supported", tensor=tensor)
    # An open batch alone, stored as 1, is what older converters leave; LiteRT runs it as 1.
    has_open_batch = tensor.signature[:1] == (-1,) and tensor.shape[:1] == (1,)
    if min(tensor.shape + tensor.signature[int(has_open_batch) :], default=1) <= 0:
        shape = list(tensor.signature or tensor.shape)
        graph.fail(f"shape {shape} is not static; fix the batch at 1 before converting", tensor=tensor)
    if math.prod(tensor.shape) > TENSOR_ELEMENTS_LIMIT:
        graph.fail(f"shape {list(tensor.shape)} has over {TENSOR_ELEMENTS_LIMIT} elements", tensor=tensor)
    if tensor.dtype not in dtypes:
        graph.fail(
            f"{tensor.dtype}, expected int8; convert with int8 inputs, outputs and operators (TFLITE_BUILTINS_INT8)",
            tensor=tensor,
        )
    if tensor.is_sparse or tensor.is_variable:
        graph.fail("sparse and variable tensors are not supported", tensor=tensor)
    if tensor.quantization is not None:
        _check_quantization(graph, tensor, tensor.quantization)


def _check_quantization(graph: Graph, tensor: Tensor, q: Quantization) -> None:
    if not all(math.isfinite(scale) and scale > 0 for scale in q.scales):
        graph.fail("a scale is not a finite positive number", tensor=tensor)
    low, high = (0, 255) if tensor.dtype == "uint8" else (-128, 127)
    if not all(low <= zero_point <= high for zero_point in q.zero_points):
        graph.fail(f"a zero point is outside {low} to {high}", tensor=tensor)
    count = len(q.scales)
    # No engine reads the axis of a vector.
    if (
        count > 1
        and not is_misplaced(tensor)
        and (not 0 <= q.axis < len(tensor.shape) or tensor.shape[q.axis] != count)
    ):
        graph.fail(f"{count} scales for dimension {q.axis} of {list(tensor.shape)}", tensor=tensor)


def _check_operator(graph: Graph, operator: Operator) -> None:
    first = graph.tensors[operator.outputs[0]] if operator.outputs else None
    if operator.is_custom:
        graph.fail("custom operators are not supported", operator, first)
    if operator.name not in SUPPORTED:
        graph.fail(f"not supported; known: {', '.join(sorted(SUPPORTED))}", operator, first)
    spec = SUPPORTED[operator.name]
    if not 1 <= operator.version <= spec.version:
        graph.fail(f"version {operator.version}, supported are 1 to {spec.version}", operator, first)
    counts = (len(operator.inputs), spec.inputs), (len(operator.outputs), spec.outputs)
    if not all(least <= count <= most for count, (least, most) in counts):
        graph.fail(f"{len(operator.inputs)} inputs and {len(operator.outputs)} outputs", operator, first)
    if spec.options is not None and operator.options.table != spec.options:
        graph.fail(f"its options are not {spec.options}", operator)


def _check_ends(graph: Graph) -> None:
    """Check that inputs and outputs of the network are distinct and that operators compute the outputs."""
    for position, index in enumerate(graph.inputs):
        if index in graph.inputs[:position] or graph.tensors[index].data is not None:
            graph.fail("an input of the network is a constant or is listed twice", tensor=graph.tensors[index])
    computed = {i for operator in graph.operators for i in operator.outputs}
    for position, index in enumerate(graph.outputs):
        if index not in computed:
            graph.fail("an output of the network that no operator computes", tensor=graph.tensors[index])
        if index in graph.outputs[:position]:
            graph.fail("an output of the network is listed twice", tensor=graph.tensors[index])


def _check_computed(graph: Graph, tensor: Tensor) -> None:
    scales = len(tensor.quantization.scales) if tensor.quantization else 0
    if tensor.dtype != "int8" or scales != 1:
        graph.fail(
            f"{tensor.dtype} with {scales} scales, expected int8 with one; "
            "convert with int8 inputs, outputs and operators",
            tensor=tensor,
        )
