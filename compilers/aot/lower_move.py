"""Operators that only move values to places further apart, or not at all: PAD, PADV2, RESHAPE, CONCATENATION, PACK."""

from __future__ import annotations

import math

import numpy as np

from compilers.aot import checks, pads
from compilers.aot.operands import Argument, At, Constant, Value
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

PAD_DIMS = 4


def stays(operator: Operator, source: Tensor, target: Tensor) -> Step:
    """Return the step that does nothing: the bytes stay where they are, or are copied if the input lives on."""
    copy = Call(portable.PLACE, (At(source.index), At(target.index), 1, source.size, source.size))
    return Step(
        operator.index, operator.name, (source.index,), target.index, (), overlap={source.index: 0}, apart=(copy,)
    )


def reshape(graph: Graph, operator: Operator) -> Step:
    """Lower RESHAPE, EXPAND_DIMS and SQUEEZE."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    if source.size != target.size:
        graph.fail(f"{list(source.shape)} to {list(target.shape)}, expected as many elements", operator, target)
    return stays(operator, source, target)


def pad(graph: Graph, operator: Operator) -> Step:
    """Lower PAD, whose value is the zero point, and PADV2, which has a value of its own."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    rank = len(source.shape)
    amounts = checks.constant_ints(graph, operator, 1)
    if rank > PAD_DIMS or amounts.shape != (rank, 2) or (amounts < 0).any() or (amounts > np.iinfo(np.int32).max).any():
        graph.fail(f"paddings {amounts.tolist()} for {rank} dimensions, at most {PAD_DIMS}", operator, source)
    padded = tuple(int(s + before + after) for s, (before, after) in zip(source.shape, amounts, strict=True))
    checks.expect_shape(graph, operator, target, padded)
    if source.quant != target.quant:
        graph.fail("padding needs one scale and zero point for input and output", operator, target)
    value = pads.pad_value(graph, operator)
    if value is None:
        graph.fail("its value is not one constant int8", operator, graph.tensors[operator.inputs[2]])
    if operator.name == "PADV2" and graph.tensors[operator.inputs[2]].quantization != target.quantization:
        graph.fail("padding needs one scale and zero point for value and output", operator, target)
    fill = (1,) * (PAD_DIMS - rank)
    fields: dict[str, Value] = {
        "in": fill + source.shape,
        "out": fill + padded,
        "before": tuple(0 for _ in fill) + tuple(int(before) for before, _ in amounts),
        "value": value,
    }
    call = Call(portable.PAD, (portable.PAD.structure(fields), At(source.index), At(target.index)))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,))


def concatenation(graph: Graph, operator: Operator) -> Step:
    """Lower CONCATENATION of tensors of one scale."""
    sources, target = _sources(graph, operator)
    rank = len(target.shape)
    axis = int(operator.options["Axis"])
    if not -rank <= axis < rank or operator.options["FusedActivationFunction"]:
        graph.fail(f"axis {axis} of {rank} dimensions, or a fused activation", operator, target)
    axis %= rank
    for source in sources:
        expected = target.shape[:axis] + source.shape[axis : axis + 1] + target.shape[axis + 1 :]
        checks.expect_shape(graph, operator, source, expected)
    if sum(s.shape[axis] for s in sources) != target.shape[axis]:
        graph.fail(f"inputs do not add up to {target.shape[axis]} in dimension {axis}", operator, target)
    return _placed(operator, sources, target, math.prod(target.shape[:axis]))


def pack(graph: Graph, operator: Operator) -> Step:
    """Lower PACK of tensors of one shape and scale, as a new dimension."""
    sources, target = _sources(graph, operator)
    rank = len(target.shape)
    axis = int(operator.options["Axis"])
    if not -rank <= axis < rank or target.shape[axis] != len(sources):
        graph.fail(f"{len(sources)} inputs along axis {axis} of {list(target.shape)}", operator, target)
    axis %= rank
    for source in sources:
        checks.expect_shape(graph, operator, source, target.shape[:axis] + target.shape[axis + 1 :])
    return _placed(operator, sources, target, math.prod(target.shape[:axis]))


def _sources(graph: Graph, operator: Operator) -> tuple[list[Tensor], Tensor]:
    """Return the inputs, constant or not, and the output; all of one scale."""
    target = checks.output(graph, operator)
    if min(operator.inputs) < 0:
        graph.fail("an input is left out", operator, target)
    sources = [graph.tensors[i] for i in operator.inputs]
    for source in sources:
        if source.dtype != "int8" or source.quantization != target.quantization:
            graph.fail("expected int8 with one scale and zero point for all", operator, source)
    return sources, target


def _placed(operator: Operator, sources: list[Tensor], target: Tensor, rows: int) -> Step:
    """Return the step that puts rows of each input to their places in rows of the output."""
    pitch = target.size // rows
    calls: list[Call] = []
    offset = 0
    for source in sources:
        size = source.size // rows
        data = source.data
        start: Argument = At(source.index) if data is None else Constant(f"part{len(calls)}", data.astype(np.int8))
        calls.append(Call(portable.PLACE, (start, At(target.index, offset), rows, size, pitch)))
        offset += size
    computed = tuple(dict.fromkeys(s.index for s in sources if s.data is None))
    return Step(operator.index, operator.name, computed, target.index, tuple(calls))
