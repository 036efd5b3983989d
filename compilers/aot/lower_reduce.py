"""Operators that go over a dimension: FULLY_CONNECTED, MEAN, SUM, REDUCE_MAX, REDUCE_MIN and SOFTMAX."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from compilers.aot import checks, requant, tables
from compilers.aot.arithmetic import INT32_MAX, quantize_multiplier
from compilers.aot.kernel import Kernel
from compilers.aot.operands import At, Constant, Value
from compilers.aot.operators import REDUCED_LIMIT, SOFTMAX_LIMIT
from compilers.aot.round_once import ratio
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

# LiteRT refuses a dense layer whose bias scale is off by more than this part of the output's scale, and a softmax
# whose output scale is off 1/256 by more than this part.
BIAS_SCALE_TOLERANCE = 0.02
SOFTMAX_SCALE, SOFTMAX_TOLERANCE = 1 / 256, 0.001


def dense(graph: Graph, operator: Operator) -> Step:
    """Lower FULLY_CONNECTED. Kernels are (out, in); the input is read as rows of `in`."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    kernel = checks.weights(graph, operator, rank=2, axis=0)
    assert kernel.data is not None
    channels, depth = kernel.shape
    if operator.options["WeightsFormat"]:
        graph.fail("shuffled weights are not supported", operator, kernel)
    if source.size % depth:
        graph.fail(f"{source.size} inputs do not divide into rows of {depth}", operator, source)
    rows = source.size // depth
    keep = operator.options["KeepNumDims"]
    checks.expect_shape(graph, operator, target, (*source.shape[:-1], channels) if keep else (rows, channels))
    bias = checks.bias(graph, operator, channels)
    folded = requant.folded_bias(bias, kernel.data.astype(np.int64).sum(axis=1), source.quant.zero_point)
    fields: dict[str, Value] = {
        "rows": rows,
        "in_c": depth,
        "out_c": channels,
        "weights": Constant("weights", kernel.data.astype(np.int8)),
        "bias": folded,
    }
    if len(kernel.quant.scales) == 1:
        _check_bias_scale(graph, operator)
    low, high = checks.fused_range(graph, operator)
    fields |= _round_once_fields(graph, operator, folded)
    fields |= {"zero_point": target.quant.zero_point, "min": low, "max": high}
    call = Call(portable.DENSE, (portable.DENSE.structure(fields), At(source.index), At(target.index)))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,), macs=rows * channels * depth)


def _round_once_fields(graph: Graph, operator: Operator, bias: Constant) -> dict[str, Value]:
    """Return multiplier, shift and limit of each channel, or the one of all."""
    source, kernel = (graph.tensors[i] for i in operator.inputs[:2])
    target = checks.output(graph, operator)
    assert kernel.data is not None
    in_scale, out_scale = float(source.quant.scale), float(target.quant.scale)
    reals = [in_scale * s / out_scale for s in kernel.quant.scales]
    # How far from 0 the accumulator of each channel can get.
    reach = np.abs(kernel.data.astype(np.int64)).sum(axis=1) * 128 + np.abs(bias.data.astype(np.int64))
    if len(reals) == 1:
        reach = reach.max(keepdims=True)
    if any(real * int(r) >= INT32_MAX for real, r in zip(reals, reach, strict=True)):
        graph.fail("its scales lead out of int32, where the reference is undefined", operator, target)
    ratios = [ratio(real, min(max(int(r), 1), INT32_MAX)) for real, r in zip(reals, reach, strict=True)]
    return {
        "multiplier": Constant("multiplier", np.array([r.multiplier for r in ratios], np.int64)),
        "shift": Constant("shift", np.array([r.shift for r in ratios], np.int8)),
        "limit": Constant("limit", np.array([r.limit for r in ratios], np.int32)),
        "step": int(len(ratios) > 1),
    }


def _check_bias_scale(graph: Graph, operator: Operator) -> None:
    source, kernel = (graph.tensors[i] for i in operator.inputs[:2])
    index = operator.inputs[2] if len(operator.inputs) > 2 else -1
    if index < 0 or graph.tensors[index].quantization is None:
        return
    product = float(source.quant.scale) * float(kernel.quant.scale)
    off = abs(product - float(graph.tensors[index].quant.scale)) / float(checks.output(graph, operator).quant.scale)
    if off > BIAS_SCALE_TOLERANCE:
        graph.fail("its scale is not that of input times weights", operator, graph.tensors[index])


@dataclass(frozen=True)
class _Reduction:
    """A tensor seen as (outer, reduced, inner), of which the middle goes."""

    source: Tensor
    target: Tensor
    outer: int
    reduced: int
    inner: int

    @property
    def ratio(self) -> float:
        """The input's scale by the output's."""
        return float(self.source.quant.scale) / float(self.target.quant.scale)

    def fields(self) -> dict[str, Value]:
        return {"outer": self.outer, "reduced": self.reduced, "inner": self.inner}

    def step(self, operator: Operator, kernel: Kernel, fields: dict[str, Value]) -> Step:
        source, target = self.source.index, self.target.index
        call = Call(kernel, (kernel.structure(fields), At(source), At(target)))
        return Step(operator.index, operator.name, (source,), target, (call,), overlap={source: 0})


def mean(graph: Graph, operator: Operator) -> Step:
    """Lower MEAN over neighboring dimensions (`QuantizedMeanOrSum`)."""
    reduction = _reduction(graph, operator)
    return _scaled_sum(graph, operator, reduction, _mean_multiplier(reduction.ratio, reduction.reduced))


def total(graph: Graph, operator: Operator) -> Step:
    """Lower SUM over neighboring dimensions (`QuantizedMeanOrSum`).

    As TFLite-Micro computes it: LiteRT's reference kernel for int8 reads a multiplier that it has not set.
    """
    reduction = _reduction(graph, operator)
    return _scaled_sum(graph, operator, reduction, quantize_multiplier(reduction.ratio))


def _scaled_sum(graph: Graph, operator: Operator, reduction: _Reduction, scale: tuple[int, int]) -> Step:
    if reduction.reduced >= REDUCED_LIMIT:
        problem = f"over {reduction.reduced} values, fewer than {REDUCED_LIMIT} are supported"
        graph.fail(problem, operator, reduction.source)
    fields = reduction.fields() | {
        "offset": -reduction.source.quant.zero_point * reduction.reduced,
        "multiplier": scale[0], "shift": scale[1], "zero_point": reduction.target.quant.zero_point,
    }  # fmt: skip
    return reduction.step(operator, portable.MEAN, fields)


def greatest(graph: Graph, operator: Operator) -> Step:
    """Lower REDUCE_MAX over neighboring dimensions."""
    return _extremum(graph, operator, portable.REDUCE_MAX)


def least(graph: Graph, operator: Operator) -> Step:
    """Lower REDUCE_MIN over neighboring dimensions."""
    return _extremum(graph, operator, portable.REDUCE_MIN)


def _extremum(graph: Graph, operator: Operator, kernel: Kernel) -> Step:
    reduction = _reduction(graph, operator)
    source, target = reduction.source.quant, reduction.target.quant
    if source.scale != target.scale or source.zero_point != target.zero_point:
        graph.fail("expected one scale and zero point for input and output", operator, reduction.target)
    return reduction.step(operator, kernel, reduction.fields())


def _reduction(graph: Graph, operator: Operator) -> _Reduction:
    """Return what an operator reduces. Only neighboring dimensions are supported."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    rank = len(source.shape)
    axes = {int(a) for a in checks.constant_ints(graph, operator, 1).reshape(-1)}
    if not all(-rank <= a < rank for a in axes):
        graph.fail(f"axes {sorted(axes)} of {rank} dimensions", operator, source)
    axes = {a % rank for a in axes}
    kept = tuple(1 if i in axes else s for i, s in enumerate(source.shape))
    if not operator.options["KeepDims"]:
        kept = tuple(s for i, s in enumerate(source.shape) if i not in axes)
    checks.expect_shape(graph, operator, target, kept)
    # Neighbors that are both reduced, or both not, are one dimension; those of size 1 belong anywhere.
    sizes = [(i in axes, s) for i, s in enumerate(source.shape) if s > 1]
    runs = [(reduced, math.prod(s for _, s in run)) for reduced, run in itertools.groupby(sizes, lambda x: x[0])]
    kinds = [reduced for reduced, _ in runs]
    if kinds.count(True) > 1:
        graph.fail(f"axes {sorted(axes)} are not neighbors, which is not supported", operator, source)
    at = kinds.index(True) if True in kinds else len(runs)
    outer, inner = math.prod(s for _, s in runs[:at]), math.prod(s for _, s in runs[at + 1 :])
    return _Reduction(source, target, outer, runs[at][1] if at < len(runs) else 1, inner)


def _mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """Return (multiplier, shift) of real / count: the quotient gets as many more bits as fit."""
    multiplier, shift = quantize_multiplier(real)
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << more) // count, shift - more


def softmax(graph: Graph, operator: Operator) -> Step:
    """Lower SOFTMAX over the last dimension, with a table of the 256 exponentials that can occur."""
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    checks.expect_shape(graph, operator, target, source.shape)
    if not source.shape:
        graph.fail("softmax of a scalar", operator, source)
    off = abs(float(target.quant.scale) - SOFTMAX_SCALE)
    if target.quant.zero_point != -128 or off > SOFTMAX_SCALE * SOFTMAX_TOLERANCE:
        graph.fail("softmax gives scale 1/256 and zero point -128 only", operator, target)
    exponentials = tables.softmax_exponentials(source.quant.scale, float(operator.options["Beta"]))
    depth = source.shape[-1]
    if depth >= SOFTMAX_LIMIT:
        graph.fail(f"softmax over {depth} values, fewer than {SOFTMAX_LIMIT} are supported", operator, source)
    fields: dict[str, Value] = {"rows": source.size // depth, "depth": depth, "exp": Constant("exp", exponentials)}
    call = Call(portable.SOFTMAX, (portable.SOFTMAX.structure(fields), At(source.index), At(target.index)))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,), overlap={source.index: 0})
