"""A convolution and the mean behind it, some channels at a time: the tensor between them is never whole.

The mean of a channel needs no other channel. MobileNetV2 ends in 1280 channels of 4x4 pixels, more than any other
tensor of its second half, of which only the means go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from compilers.aot.operands import At, Constant, Parameters, Scratch, Value
from compilers.aot.sets import portable
from compilers.aot.stages import aligned
from compilers.aot.steps import Call, Result, Step
from graph.types import Graph

PARTS = (2, 4, 8, 16)
"""Numbers of parts that are tried."""
CHANNEL_UNIT = 16
"""Kernels may take channels by so many."""


def with_slices(step: Step, lowered: Step, specialize: Callable[[Step], Step]) -> Step:
    """Return a lowered step that can be cut by channels, if it can be; `step` is it on the portable kernels."""
    if len(step.calls) != 1 or len(lowered.calls) != 1:
        return lowered
    call = step.calls[0]
    if call.kernel is portable.CONV and call.fields["groups"] == 1:
        return replace(lowered, slices=partial(_slice, step, lowered, specialize, _convolution))
    if call.kernel is portable.MEAN and call.fields["outer"] == 1:
        return replace(lowered, slices=partial(_slice, step, lowered, specialize, _mean))
    return lowered


Fields = Mapping[str, Value]


def _slice(
    step: Step, lowered: Step, specialize: Callable[[Step], Step], cut: Callable[[Fields, int, int], Fields],
    first: int, count: int,
) -> Call | None:  # fmt: skip
    parameters = next(a for a in step.calls[0].arguments if isinstance(a, Parameters))
    part = replace(parameters, fields=cut(parameters.fields, first, count))

    def of(call: Call) -> Call:
        return replace(call, arguments=tuple(part if isinstance(a, Parameters) else a for a in call.arguments))

    sliced = specialize(replace(step, calls=tuple(map(of, step.calls)), apart=tuple(map(of, step.apart))))
    call, whole = (s.apart or s.calls for s in (sliced, lowered))
    if call[0].kernel is not whole[0].kernel:
        return None
    of_whole = next(a for a in whole[0].arguments if isinstance(a, Parameters))
    arguments = (replace(a, whole=of_whole, first=first) if isinstance(a, Parameters) else a for a in call[0].arguments)
    return replace(call[0], arguments=tuple(arguments))


def _convolution(fields: Fields, first: int, count: int) -> Fields:
    requant = cast(Fields, fields["requant"])
    cut = {name: _part(requant[name], first, count) for name in ("multiplier", "shift") if requant["step"]}
    window = {**cast(Mapping[str, int], fields["window"]), "out_c": count}
    own = {name: _part(fields[name], first, count) for name in ("weights", "bias")}
    return {**fields, "window": window, **own, "requant": {**requant, **cut}}


def _mean(fields: Fields, first: int, count: int) -> Fields:
    return {**fields, "inner": count}


def _part(value: Value, first: int, count: int) -> Constant:
    assert isinstance(value, Constant)
    return Constant(value.role, value.data[first : first + count])


def slices_of(graph: Graph, conv: Step, mean: Step) -> Iterator[tuple[int, int]]:
    """Yield how many channels can go through a convolution and a mean at a time, and the scratch that this takes."""
    shape = graph.tensors[conv.output].shape
    if conv.slices is None or mean.slices is None or len(shape) != 4 or shape[1] * shape[2] == 1:
        return
    if mean.name != "MEAN" or graph.tensors[mean.output].size != shape[3]:
        return
    for parts in PARTS:
        channels = -(-shape[3] // parts // CHANNEL_UNIT) * CHANNEL_UNIT
        if channels < shape[3] and all(call for _, *pair in _pairs(conv, mean, shape[3], channels) for call in pair):
            yield channels, _kernel_at(graph, conv, channels) + conv.without_overlap().scratch


def _pairs(conv: Step, mean: Step, whole: int, channels: int) -> Iterator[tuple[int, Call | None, Call | None]]:
    """Yield the first channel of each part, and the calls for it."""
    assert conv.slices is not None
    assert mean.slices is not None
    for first in range(0, whole, channels):
        count = min(channels, whole - first)
        yield first, conv.slices(first, count), mean.slices(first, count)


def _kernel_at(graph: Graph, conv: Step, channels: int) -> int:
    shape = graph.tensors[conv.output].shape
    return aligned(shape[1] * shape[2] * channels)


def by_channels(graph: Graph, conv: Step, mean: Step, channels: int) -> Step:
    """Return a convolution and the mean behind it as a block that takes so many channels at a time."""
    shape, source = graph.tensors[conv.output].shape, conv.inputs[0]
    kernel_at, own = _kernel_at(graph, conv, channels), conv.without_overlap().scratch
    calls: list[Call] = []
    for first, multiply, average in _pairs(conv, mean, shape[3], channels):
        assert multiply is not None
        assert average is not None
        count = min(channels, shape[3] - first)
        buffer, target = Scratch(0, shape[1] * shape[2] * count), At(mean.output, first)
        scratch = (Scratch(kernel_at, own),) if own else ()
        result = Result(mean.output, target, count)
        calls.append(Call(multiply.kernel, (multiply.arguments[0], At(source), buffer, *scratch), conv.index))
        calls.append(Call(average.kernel, (average.arguments[0], buffer, target), mean.index, result))
    areas = [(f"STEP{conv.index:02}_CHANNELS", 0)]
    if own:
        areas.append((f"STEPS{conv.index:02}_TO_{mean.index:02}_SCRATCH", kernel_at))
    return Step(
        conv.index, "BLOCK", (source,), mean.output, (), macs=conv.macs + mean.macs, scratch=kernel_at + own,
        parts=(conv, mean), rows=tuple(calls), areas=tuple(areas),
    )  # fmt: skip
