"""Functions of one value: each becomes a table of 256 values."""

from __future__ import annotations

from compilers.aot import checks, tables
from compilers.aot.arithmetic import activation_range
from compilers.aot.operands import At, Constant
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

LOGISTIC_SCALE = 1 / 256


def table_step(operator: Operator, source: Tensor, target: Tensor, table: tables.Table) -> Step:
    """Return the step that looks up each value of `source` in a table."""
    call = Call(portable.TABLE, (Constant("table", table), At(source.index), At(target.index), source.size))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,), overlap={source.index: 0})


def _unary(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    checks.expect_shape(graph, operator, target, source.shape)
    return source, target


def hard_swish(graph: Graph, operator: Operator) -> Step:
    """Lower HARD_SWISH."""
    source, target = _unary(graph, operator)
    return table_step(operator, source, target, tables.hard_swish(source.quant, target.quant))


def relu(graph: Graph, operator: Operator) -> Step:
    """Lower RELU, RELU6 and RELU_N1_TO_1 that stand alone."""
    source, target = _unary(graph, operator)
    limits = activation_range(operator.name, target.quant.scale, target.quant.zero_point)
    return table_step(operator, source, target, tables.relu(source.quant, target.quant, limits))


def leaky_relu(graph: Graph, operator: Operator) -> Step:
    """Lower LEAKY_RELU."""
    source, target = _unary(graph, operator)
    alpha = float(operator.options["Alpha"])
    return table_step(operator, source, target, tables.leaky_relu(source.quant, target.quant, alpha))


def quantize(graph: Graph, operator: Operator) -> Step:
    """Lower QUANTIZE from int8, uint8 or float32 to int8, or from int8 to uint8."""
    source, target = _unary(graph, operator)
    types = source.dtype, target.dtype
    if types not in (("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("float32", "int8")):
        graph.fail(f"from {source.dtype} to {target.dtype} is not supported", operator, target)
    for tensor in (source, target):
        if tensor.dtype != "float32" and (tensor.quantization is None or len(tensor.quantization.scales) != 1):
            graph.fail(f"{tensor.dtype} without a scale of its own", operator, tensor)
    if source.dtype != "float32":
        return table_step(operator, source, target, tables.requantize(source.quant, target.quant, types))
    thresholds = Constant("thresholds", tables.thresholds(target.quant))
    call = Call(portable.QUANTIZE, (thresholds, At(source.index), At(target.index), source.size))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,), overlap={source.index: 0})


def dequantize(graph: Graph, operator: Operator) -> Step:
    """Lower DEQUANTIZE from int8 to float32."""
    source, target = _unary(graph, operator)
    if (source.dtype, target.dtype) != ("int8", "float32") or len(source.quant.scales) != 1:
        graph.fail(f"from {source.dtype} to {target.dtype} is not supported", operator, target)
    values = Constant("values", tables.float_values(source.quant))
    call = Call(portable.DEQUANTIZE, (values, At(source.index), At(target.index), source.size))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,))


def absolute(graph: Graph, operator: Operator) -> Step:
    """Lower ABS."""
    source, target = _unary(graph, operator)
    return table_step(operator, source, target, tables.absolute(source.quant, target.quant))


def logistic(graph: Graph, operator: Operator) -> Step:
    """Lower LOGISTIC."""
    source, target = _unary(graph, operator)
    if float(target.quant.scale) != LOGISTIC_SCALE:
        graph.fail(f"its output scale is {float(target.quant.scale):.6g}, expected 1/256", operator, target)
    return table_step(operator, source, target, tables.of_floats(source.quant, target.quant, tables.float_logistic))


def tanh(graph: Graph, operator: Operator) -> Step:
    """Lower TANH."""
    source, target = _unary(graph, operator)
    return table_step(operator, source, target, tables.of_floats(source.quant, target.quant, tables.float_tanh))


def elu(graph: Graph, operator: Operator) -> Step:
    """Lower ELU."""
    source, target = _unary(graph, operator)
    return table_step(operator, source, target, tables.of_floats(source.quant, target.quant, tables.float_elu))
