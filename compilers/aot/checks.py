"""What the lowering of several operators asks of its tensors. All raise CompileError by `Graph.fail`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import activation_range
from compilers.aot.operators import ACTIVATIONS
from graph.types import Graph, Operator, Tensor


def activation_input(graph: Graph, operator: Operator, position: int = 0) -> Tensor:
    """Return an input that is computed, not constant."""
    tensor = graph.tensors[operator.inputs[position]]
    if operator.inputs[position] < 0 or tensor.data is not None:
        graph.fail(f"input {position} is a constant, expected a computed tensor", operator, tensor)
    return tensor


def output(graph: Graph, operator: Operator) -> Tensor:
    """Return the output."""
    return graph.tensors[operator.outputs[0]]


def expect_shape(graph: Graph, operator: Operator, tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Check that a tensor has the shape that the operator gives or takes."""
    if tensor.shape != shape:
        graph.fail(f"shape {list(tensor.shape)}, expected {list(shape)}", operator, tensor)


def fused_range(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Return the int8 limits of the fused activation."""
    code = operator.options["FusedActivationFunction"]
    tensor = output(graph, operator)
    if code not in ACTIVATIONS:
        graph.fail(f"fused activation {code}, supported are {', '.join(ACTIVATIONS.values())}", operator, tensor)
    low, high = activation_range(ACTIVATIONS[int(code)], tensor.quant.scale, tensor.quant.zero_point)
    if low > high:
        graph.fail("its scale and zero point leave nothing of the activation's range", operator, tensor)
    return low, high


def constant_ints(graph: Graph, operator: Operator, position: int) -> npt.NDArray[np.int64]:
    """Return a constant input of integers (axes, paddings), as int64 in its shape."""
    tensor = graph.tensors[operator.inputs[position]]
    if operator.inputs[position] < 0 or tensor.data is None or tensor.dtype == "int8":
        graph.fail(f"input {position} is not a constant of int32 or int64", operator, tensor)
    return tensor.data.astype(np.int64)


def weights(graph: Graph, operator: Operator, rank: int, axis: int) -> Tensor:
    """Return input 1 checked as a kernel: constant int8 of `rank`, symmetric, scaled per tensor or along `axis`."""
    tensor = graph.tensors[operator.inputs[1]]
    if operator.inputs[1] < 0 or tensor.data is None or tensor.dtype != "int8" or len(tensor.shape) != rank:
        graph.fail(f"its weights are not a constant int8 tensor of {rank} dimensions", operator, tensor)
    q = tensor.quantization
    if q is None or any(q.zero_points):
        graph.fail("weights need scales, and zero points of 0", operator, tensor)
    if len(q.scales) > 1 and q.axis != axis:
        graph.fail(f"weights are scaled along dimension {q.axis}, expected {axis}", operator, tensor)
    return tensor


def bias(graph: Graph, operator: Operator, channels: int, position: int = 2) -> npt.NDArray[np.int64]:
    """Return an input checked as a bias of `channels` int32 values; zeros where it is left out."""
    index = operator.inputs[position] if len(operator.inputs) > position else -1
    if index < 0:
        return np.zeros(channels, np.int64)
    tensor = graph.tensors[index]
    if tensor.data is None or tensor.dtype != "int32" or tensor.size != channels:
        graph.fail(f"its bias is not a constant of {channels} int32 values", operator, tensor)
    if tensor.quantization is not None and any(tensor.quantization.zero_points):
        graph.fail("a bias needs zero points of 0", operator, tensor)
    return tensor.data.astype(np.int64).reshape(-1)
