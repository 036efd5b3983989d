"""Leaves out the channels of a network that have no effect. Its outputs stay equal, byte for byte.

A constant channel becomes a part of the biases of what reads it. Networks that were trained with weight decay have
many: half of the multiplications of MLPerf Tiny's visual wake words have no effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from compilers.aot import requant
from compilers.aot.bounds import Bounds, Int64, bounds_of, unknown
from compilers.aot.kept_channels import Mask, kept_channels
from compilers.aot.pads import PADS
from compilers.aot.steps import Step
from graph.types import Array, Graph, Operator, Quantization, Tensor

# Kernels compute four channels at once. Eight or sixteen cost more in each set, also where vectors hold sixteen.
MULTIPLE = 4
# Where output and input channels are in the shape of an operator's weights.
CHANNEL_AXES = {"CONV_2D": (0, 3), "FULLY_CONNECTED": (0, 1), "DEPTHWISE_CONV_2D": (3, None)}


class Reduced(NamedTuple):
    """A network without some channels. `kept` has the indexes of the last dimension that each smaller tensor keeps."""

    graph: Graph
    kept: Mapping[int, tuple[int, ...]]


def leave_out(graph: Graph, steps: Sequence[Step]) -> Reduced:
    """Return the network with the channels that have to be computed, a multiple of MULTIPLE where some are left out.

    `steps` are those of `graph`, of set portable. Tensors and operators keep their indexes; weights and biases are new.
    """
    bounds = bounds_of(graph, steps)
    masks = kept_channels(graph, steps, bounds, MULTIPLE)
    if not masks:
        return Reduced(graph, {})
    lowered = {step.index for step in steps}
    for operator in graph.operators:
        if operator.name in PADS and operator.index not in lowered and operator.inputs[0] in masks:
            # Its windows pad by themselves, and read what it read.
            source, padded = operator.inputs[0], operator.outputs[0]
            masks[padded] = masks[source]
            bounds[padded] = bounds.get(source) or unknown(len(masks[source]))
    tensors = [_smaller(tensor, masks[tensor.index]) if tensor.index in masks else tensor for tensor in graph.tensors]
    operators = []
    for operator in graph.operators:
        if operator.name in CHANNEL_AXES and not masks.keys().isdisjoint((operator.inputs[0], operator.outputs[0])):
            operator = _rewritten(graph, operator, masks, bounds, tensors)
        operators.append(operator)
    kept = {tensor: tuple(int(i) for i in np.flatnonzero(mask)) for tensor, mask in masks.items()}
    return Reduced(replace(graph, tensors=tuple(tensors), operators=tuple(operators)), kept)


def _smaller(tensor: Tensor, mask: Mask) -> Tensor:
    channels = int(mask.sum())
    signature = (*tensor.signature[:-1], channels) if tensor.signature else ()
    return replace(tensor, shape=(*tensor.shape[:-1], channels), signature=signature)


def _rewritten(
    graph: Graph, operator: Operator, masks: Mapping[int, Mask], bounds: Mapping[int, Bounds], tensors: list[Tensor]
) -> Operator:
    """Return the operator with weights and a bias of its own, which are added to `tensors`, for the kept channels."""
    source, kernel, target = (graph.tensors[i] for i in (*operator.inputs[:2], operator.outputs[0]))
    out_axis, in_axis = CHANNEL_AXES[operator.name]
    assert kernel.data is not None
    weights, bias = kernel.data, _bias(graph, operator, target.shape[-1])
    if in_axis is not None and source.index in masks:
        mask, known = masks[source.index], bounds.get(source.index) or unknown(source.shape[-1])
        # What is left out and not constant meets zeros alone.
        values = np.where(known.is_constant & ~mask, known.low - source.quant.zero_point, 0)
        by_input = np.moveaxis(weights, (out_axis, in_axis), (0, -1)).astype(np.int64)
        bias = bias + (by_input * values).reshape(len(bias), -1).sum(axis=1)
        weights = weights.compress(mask, in_axis)
    made = masks.get(target.index, np.ones(target.shape[-1], np.bool_))
    weights, bias = weights.compress(made, out_axis), bias.compress(made)
    own = graph.tensors[operator.inputs[2]] if len(operator.inputs) > 2 and operator.inputs[2] >= 0 else None
    inputs = (
        source.index,
        _added(tensors, kernel, weights, made),
        _added(tensors, own or _no_bias(kernel), requant.wrapped(bias), made),
    )
    return replace(operator, inputs=inputs)


def _bias(graph: Graph, operator: Operator, channels: int) -> Int64:
    index = operator.inputs[2] if len(operator.inputs) > 2 else -1
    data = graph.tensors[index].data if index >= 0 else None
    return np.zeros(channels, np.int64) if data is None else data.astype(np.int64).reshape(-1)


def _no_bias(kernel: Tensor) -> Tensor:
    """Return what a bias that the operator has not got would be, but for its size."""
    return Tensor(kernel.index, f"{kernel.name}_bias", (0,), "int32")


def _added(tensors: list[Tensor], like: Tensor, data: Array, made: Mask) -> int:
    """Add a constant for the output channels that stay, and return its index."""
    index = len(tensors)
    tensors.append(
        replace(like, index=index, shape=data.shape, signature=(), data=data, quantization=_of_channels(like, made))
    )
    return index


def _of_channels(tensor: Tensor, made: Mask) -> Quantization | None:
    q = tensor.quantization
    if q is None or len(q.scales) != len(made):
        return q
    scales, zeros = (
        tuple(v for v, keep in zip(values, made, strict=True) if keep) for values in (q.scales, q.zero_points)
    )
    return replace(q, scales=tuple(float(s) for s in scales), zero_points=tuple(int(z) for z in zeros))
