"""Operators of two tensors, element by element: ADD, SUB, MUL, MAXIMUM, MINIMUM, PRELU.

With a constant of one value on one side, they are functions of one value, and become tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from compilers.aot import checks, tables
from compilers.aot.arithmetic import (
    ADD_HEADROOM_BITS,
    ScaleError,
    clamp,
    quantize_multiplier,
    quantize_multiplier_below_one,
    scale,
    wrap32,
)
from compilers.aot.kernel import Kernel
from compilers.aot.lower_unary import table_step
from compilers.aot.operands import Argument, At, Constant, Value
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

BROADCAST_DIMS = 4


class _Numbers(Protocol):
    """The numbers of an operator: its value for two bytes, and the fields of its kernel's parameters."""

    def value(self, a: int, b: int) -> int: ...

    def fields(self) -> dict[str, Value]: ...


@dataclass(frozen=True)
class _Sum:
    """The numbers of ADD (`add.cc`, Prepare): both inputs to twice the larger scale, with 20 bits of headroom.

    For SUB `sign` is -1.
    """

    offsets: tuple[int, int]
    inputs: tuple[tuple[int, int], tuple[int, int]]
    output: tuple[int, int]
    zero_point: int
    limits: tuple[int, int]
    sign: int = 1

    def value(self, a: int, b: int) -> int:
        x, y = (
            scale((q + offset) << ADD_HEADROOM_BITS, *pair)
            for q, offset, pair in zip((a, b), self.offsets, self.inputs, strict=True)
        )
        return clamp(scale(x + self.sign * y, *self.output) + self.zero_point, *self.limits)

    def fields(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for i, (offset, (multiplier, shift)) in enumerate(zip(self.offsets, self.inputs, strict=True), start=1):
            values |= {f"offset{i}": offset, f"multiplier{i}": multiplier, f"shift{i}": shift}
        values |= {"multiplier": self.output[0], "shift": self.output[1]}
        return values | {"zero_point": self.zero_point, "min": self.limits[0], "max": self.limits[1]}


@dataclass(frozen=True)
class _Product:
    """The numbers of MUL (`mul.cc`, Prepare)."""

    offsets: tuple[int, int]
    output: tuple[int, int]
    zero_point: int
    limits: tuple[int, int]

    def value(self, a: int, b: int) -> int:
        product = (a + self.offsets[0]) * (b + self.offsets[1])
        return clamp(wrap32(scale(product, *self.output) + self.zero_point), *self.limits)

    def fields(self) -> dict[str, Value]:
        return {
            "offset1": self.offsets[0], "offset2": self.offsets[1], "multiplier": self.output[0],
            "shift": self.output[1], "zero_point": self.zero_point, "min": self.limits[0], "max": self.limits[1],
        }  # fmt: skip


@dataclass(frozen=True)
class _Extremum:
    """MAXIMUM and MINIMUM of bytes that all have one scale."""

    least: bool

    def value(self, a: int, b: int) -> int:
        return min(a, b) if self.least else max(a, b)

    def fields(self) -> dict[str, Value]:
        return {}


@dataclass(frozen=True)
class _Slope:
    """The numbers of PRELU (`PreluPrepare`): one multiplier for 0 and more, one for products with the slope below."""

    offsets: tuple[int, int]
    positive: tuple[int, int]
    negative: tuple[int, int]
    zero_point: int

    def value(self, a: int, b: int) -> int:
        x = a + self.offsets[0]
        scaled = scale(x, *self.positive) if x >= 0 else scale(x * (b + self.offsets[1]), *self.negative)
        return clamp(wrap32(scaled + self.zero_point))

    def fields(self) -> dict[str, Value]:
        return {
            "offset1": self.offsets[0], "multiplier1": self.positive[0], "shift1": self.positive[1],
            "offset2": self.offsets[1], "multiplier2": self.negative[0], "shift2": self.negative[1],
            "zero_point": self.zero_point,
        }  # fmt: skip


def add(graph: Graph, operator: Operator) -> Step:
    """Lower ADD."""
    a, b, target = _operands(graph, operator)
    return _binary(graph, operator, portable.ADD, _sum(a, b, target, checks.fused_range(graph, operator)))


def sub(graph: Graph, operator: Operator) -> Step:
    """Lower SUB."""
    a, b, target = _operands(graph, operator)
    return _binary(graph, operator, portable.SUB, _sum(a, b, target, checks.fused_range(graph, operator), sign=-1))


def mul(graph: Graph, operator: Operator) -> Step:
    """Lower MUL."""
    a, b, target = _operands(graph, operator)
    return _binary(graph, operator, portable.MUL, _product(a, b, target, checks.fused_range(graph, operator)))


def maximum(graph: Graph, operator: Operator) -> Step:
    """Lower MAXIMUM of tensors of one scale."""
    _check_one_scale(graph, operator)
    return _binary(graph, operator, portable.MAXIMUM, _Extremum(least=False))


def minimum(graph: Graph, operator: Operator) -> Step:
    """Lower MINIMUM of tensors of one scale."""
    _check_one_scale(graph, operator)
    return _binary(graph, operator, portable.MINIMUM, _Extremum(least=True))


def prelu(graph: Graph, operator: Operator) -> Step:
    """Lower PRELU: a computed tensor, and slopes that broadcast to its shape."""
    source, slopes, target = _operands(graph, operator)
    checks.expect_shape(graph, operator, target, source.shape)
    # LiteRT computes both ratios in float32.
    with np.errstate(over="ignore", under="ignore"):
        positive = float(source.quant.scale / target.quant.scale)
        negative = float(source.quant.scale * slopes.quant.scale / target.quant.scale)
    if not (math.isfinite(positive) and math.isfinite(negative)):
        raise ScaleError("its scales have an infinite ratio")
    numbers = _Slope(
        (-source.quant.zero_point, -slopes.quant.zero_point),
        quantize_multiplier(positive),
        quantize_multiplier(negative),
        target.quant.zero_point,
    )
    return _binary(graph, operator, portable.PRELU, numbers)


def _sum(a: Tensor, b: Tensor, target: Tensor, limits: tuple[int, int], sign: int = 1) -> _Sum:
    with np.errstate(over="ignore"):
        twice = float(np.float32(2) * max(a.quant.scale, b.quant.scale))
    inputs = tuple(quantize_multiplier_below_one(float(t.quant.scale) / twice) for t in (a, b))
    # LiteRT multiplies 2^20 and the output's scale in float32, which is exact.
    output = quantize_multiplier_below_one(twice / ((1 << ADD_HEADROOM_BITS) * float(target.quant.scale)))
    offsets = (-a.quant.zero_point, -b.quant.zero_point)
    return _Sum(offsets, (inputs[0], inputs[1]), output, target.quant.zero_point, limits, sign)


def _product(a: Tensor, b: Tensor, target: Tensor, limits: tuple[int, int]) -> _Product:
    with np.errstate(over="ignore", under="ignore"):
        ratio = float(a.quant.scale * b.quant.scale / target.quant.scale)
    if not np.isfinite(ratio):
        raise ScaleError("its scales have an infinite ratio")
    offsets = (-a.quant.zero_point, -b.quant.zero_point)
    return _Product(offsets, quantize_multiplier(ratio), target.quant.zero_point, limits)


def _check_one_scale(graph: Graph, operator: Operator) -> None:
    a, b, target = _operands(graph, operator)
    for tensor in (a, b):
        if tensor.quant.scale != target.quant.scale or tensor.quant.zero_point != target.quant.zero_point:
            graph.fail("expected one scale and zero point for both inputs and the output", operator, tensor)


def _operands(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
    """Return both inputs, one of them computed, and the output."""
    if min(operator.inputs) < 0:
        graph.fail("an input is left out", operator)
    a, b = (graph.tensors[i] for i in operator.inputs)
    for tensor in (a, b):
        if tensor.dtype != "int8" or tensor.quantization is None or len(tensor.quantization.scales) != 1:
            graph.fail("expected int8 with one scale", operator, tensor)
    if a.data is not None and b.data is not None:
        graph.fail("both inputs are constants", operator, a)
    return a, b, checks.output(graph, operator)


def _binary(graph: Graph, operator: Operator, kernel: Kernel, n: _Numbers) -> Step:
    a, b, target = _operands(graph, operator)
    shape = _broadcast(graph, operator, a, b, target)
    if b.data is not None and b.size == 1 and a.size == target.size:
        right = int(b.data.reshape(-1)[0])
        return table_step(operator, a, target, tables.table(lambda q: n.value(q, right)))
    if a.data is not None and a.size == 1 and b.size == target.size:
        left = int(a.data.reshape(-1)[0])
        return table_step(operator, b, target, tables.table(lambda q: n.value(left, q)))
    parameters = kernel.structure({"shape": shape} | n.fields())
    arguments: list[Argument] = [parameters]
    for role, tensor in (("first", a), ("second", b)):
        constant_data = None if tensor.data is None else tensor.data.astype(np.int8)
        arguments.append(At(tensor.index) if constant_data is None else Constant(role, constant_data))
    computed = tuple(dict.fromkeys(t.index for t in (a, b) if t.data is None))
    # An input that is not broadcast is read in the order in which the output is written.
    overlap = {t.index: 0 for t in (a, b) if t.data is None and t.size == target.size}
    if a.index == b.index and a.size != target.size:
        overlap = {}
    call = Call(kernel, (*arguments, At(target.index)))
    return Step(operator.index, operator.name, computed, target.index, (call,), overlap=overlap, of_two=n.value)


def _broadcast(graph: Graph, operator: Operator, a: Tensor, b: Tensor, target: Tensor) -> dict[str, Value]:
    """Return `struct alpharho_broadcast`: the output's dimensions, with neighbors joined that move alike."""
    rank = max(len(a.shape), len(b.shape))
    first, second = ((1,) * (rank - len(t.shape)) + t.shape for t in (a, b))
    if any(x != y and 1 not in (x, y) for x, y in zip(first, second, strict=True)):
        graph.fail(f"shapes {list(a.shape)} and {list(b.shape)} do not fit together", operator, target)
    checks.expect_shape(graph, operator, target, tuple(map(max, zip(first, second, strict=True))))
    joined: list[tuple[int, int, int]] = []
    for x, y in reversed(list(zip(first, second, strict=True))):
        if max(x, y) == 1:
            continue
        previous = joined[-1] if joined else None
        # Which of the two move along this dimension: the join is right if the previous one was the same.
        if previous and (previous[1] > 1, previous[2] > 1) == (x > 1, y > 1):
            joined[-1] = (previous[0] * max(x, y), previous[1] * x, previous[2] * y)
        else:
            joined.append((max(x, y), x, y))
    if len(joined) > BROADCAST_DIMS:
        graph.fail(f"shapes {list(a.shape)} and {list(b.shape)} broadcast in too many places", operator, target)
    joined += [(1, 1, 1)] * (BROADCAST_DIMS - len(joined))
    steps1, steps2 = ([0] * BROADCAST_DIMS for _ in range(2))
    size1 = size2 = 1
    for i, (_, x, y) in enumerate(joined):
        steps1[i], steps2[i] = size1 if x > 1 else 0, size2 if y > 1 else 0
        size1, size2 = size1 * x, size2 * y
    return {
        "dims": tuple(d for d, _, _ in reversed(joined)),
        "step1": tuple(reversed(steps1)),
        "step2": tuple(reversed(steps2)),
    }
