"""Operators that take values out of a tensor by steps: SLICE, STRIDED_SLICE, TRANSPOSE, SPLIT, UNPACK.

Each output is a view of the input as numpy has it: a start, and how far apart the elements of each dimension are. One
kernel copies all of them; an output that is the whole input in its order stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from compilers.aot import checks, lower_move
from compilers.aot.operands import At, Value
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

GATHER_DIMS = 6
View = npt.NDArray[np.int8]
Index: TypeAlias = "int | slice[int | None, int | None, int | None] | EllipsisType | None"


def slice_(graph: Graph, operator: Operator) -> Step:
    """Lower SLICE."""
    source = checks.activation_input(graph, operator)
    begins, sizes = (checks.constant_ints(graph, operator, position).reshape(-1) for position in (1, 2))
    if len(begins) != len(source.shape) or len(sizes) != len(source.shape):
        graph.fail(f"{len(begins)} begins and {len(sizes)} sizes for {len(source.shape)} dimensions", operator, source)
    ends = [n if size == -1 else begin + size for begin, size, n in zip(begins, sizes, source.shape, strict=True)]
    limits = list(zip(begins.tolist(), map(int, ends), source.shape, strict=True))
    if not all(0 <= begin < end <= n for begin, end, n in limits):
        graph.fail(f"begins {begins.tolist()} and sizes {sizes.tolist()} leave {list(source.shape)}", operator, source)
    return _step(graph, operator, source, [_base(source)[tuple(slice(begin, end) for begin, end, _ in limits)]])


def strided_slice(graph: Graph, operator: Operator) -> Step:
    """Lower STRIDED_SLICE, whose rules are those of Python's indexes, with bits for what is left out."""
    source = checks.activation_input(graph, operator)
    begins, ends, strides = (checks.constant_ints(graph, operator, position).reshape(-1) for position in (1, 2, 3))
    if not len(begins) == len(ends) == len(strides) or not strides.all():
        graph.fail(f"begins {begins.tolist()}, ends {ends.tolist()}, strides {strides.tolist()}", operator, source)
    if operator.options["Offset"]:
        graph.fail("ends that count from the begins are not supported", operator, source)

    def is_set(mask: str, i: int) -> bool:
        return bool(int(operator.options[mask]) >> i & 1)

    index: list[Index] = []
    for i, (begin, end, stride) in enumerate(zip(begins.tolist(), ends.tolist(), strides.tolist(), strict=True)):
        if is_set("EllipsisMask", i):
            index.append(...)
        elif is_set("NewAxisMask", i):
            index.append(None)
        elif is_set("ShrinkAxisMask", i):
            index.append(0 if is_set("BeginMask", i) else begin)
        else:
            first, last = (None if is_set(m, i) else n for m, n in (("BeginMask", begin), ("EndMask", end)))
            index.append(slice(first, last, stride))
    if Ellipsis not in index:
        index.append(...)
    try:
        view = _base(source)[tuple(index)]
    except IndexError:
        graph.fail(f"begins {begins.tolist()} leave {list(source.shape)}", operator, source)
    return _step(graph, operator, source, [view])


def transpose(graph: Graph, operator: Operator) -> Step:
    """Lower TRANSPOSE."""
    source = checks.activation_input(graph, operator)
    order = checks.constant_ints(graph, operator, 1).reshape(-1).tolist()
    rank = len(source.shape)
    if sorted(axis % max(rank, 1) for axis in order) != list(range(rank)) or not all(-rank <= a < rank for a in order):
        graph.fail(f"order {order} of {rank} dimensions", operator, source)
    return _step(graph, operator, source, [_base(source).transpose(order)])


def split(graph: Graph, operator: Operator) -> Step:
    """Lower SPLIT into parts of one size."""
    source = checks.activation_input(graph, operator, 1)
    axis = _axis(graph, operator, source, checks.constant_ints(graph, operator, 0))
    count = len(operator.outputs)
    if source.shape[axis] % count:
        graph.fail(f"{source.shape[axis]} in dimension {axis} for {count} parts of one size", operator, source)
    return _parts(graph, operator, source, axis, [source.shape[axis] // count] * count)


def split_v(graph: Graph, operator: Operator) -> Step:
    """Lower SPLIT_V into parts of given sizes; one may be -1 for what the others leave."""
    source = checks.activation_input(graph, operator)
    sizes = checks.constant_ints(graph, operator, 1).reshape(-1).tolist()
    axis = _axis(graph, operator, source, checks.constant_ints(graph, operator, 2))
    rest = source.shape[axis] - sum(size for size in sizes if size >= 0)
    whole = [rest if size == -1 else size for size in sizes]
    if (
        sizes.count(-1) > 1
        or min(whole) <= 0
        or sum(whole) != source.shape[axis]
        or len(sizes) != len(operator.outputs)
    ):
        graph.fail(f"sizes {sizes} for {source.shape[axis]} in dimension {axis}", operator, source)
    return _parts(graph, operator, source, axis, whole)


def unpack(graph: Graph, operator: Operator) -> Step:
    """Lower UNPACK: each output is the input at one index of a dimension."""
    source = checks.activation_input(graph, operator)
    axis = _axis(graph, operator, source, np.array([operator.options["Axis"]], np.int64))
    if len(operator.outputs) != source.shape[axis]:
        graph.fail(f"{len(operator.outputs)} outputs for {source.shape[axis]} in dimension {axis}", operator, source)
    first = np.moveaxis(_base(source), axis, 0)
    return _step(graph, operator, source, [first[i, ...] for i in range(len(first))])


def _base(source: Tensor) -> View:
    """Return an array of a tensor's shape, of which only the views matter."""
    return np.empty(source.shape, np.int8)


def _axis(graph: Graph, operator: Operator, source: Tensor, value: npt.NDArray[np.int64]) -> int:
    rank = len(source.shape)
    if value.size != 1 or not -rank <= int(value.reshape(-1)[0]) < rank:
        graph.fail(f"axis {value.tolist()} of {rank} dimensions", operator, source)
    return int(value.reshape(-1)[0]) % rank


def _parts(graph: Graph, operator: Operator, source: Tensor, axis: int, sizes: Sequence[int]) -> Step:
    ends = np.cumsum(sizes).tolist()
    base, before = _base(source), (slice(None),) * axis
    return _step(
        graph, operator, source,
        [base[(*before, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True)],
    )  # fmt: skip


def _step(graph: Graph, operator: Operator, source: Tensor, views: Sequence[View]) -> Step:
    """Return the step that copies views of the input to the outputs, in order."""
    targets = [graph.tensors[i] for i in operator.outputs]
    for target, view in zip(targets, views, strict=True):
        checks.expect_shape(graph, operator, target, view.shape)
    start, dims = _simplified(views[0])
    if len(views) == 1 and start == 0 and dims == [(source.size, 1)]:
        return lower_move.stays(operator, source, targets[0])
    calls = tuple(_call(source, target, view) for target, view in zip(targets, views, strict=True))
    # In place, if no element goes to where a later one comes from.
    overlap = {source.index: 0} if len(views) == 1 and all(step > 0 for _, step in dims) and _rises(dims) else {}
    outputs = operator.outputs
    return Step(
        operator.index, operator.name, (source.index,), outputs[0], calls, overlap=overlap, more_outputs=outputs[1:]
    )


def _call(source: Tensor, target: Tensor, view: View) -> Call:
    start, dims = _simplified(view)
    run = 1
    if dims[-1][1] == 1:
        run, dims = dims[-1][0], dims[:-1]
    dims = [(1, 0)] * (GATHER_DIMS - len(dims)) + dims
    fields: dict[str, Value] = {
        "dims": tuple(n for n, _ in dims), "step": tuple(step for _, step in dims), "start": start, "run": run,
    }  # fmt: skip
    return Call(portable.GATHER, (portable.GATHER.structure(fields), At(source.index), At(target.index)))


def _simplified(view: View) -> tuple[int, list[tuple[int, int]]]:
    """Return where a view begins, and (size, step) of its dimensions with those joined that go on from each other."""
    base = view
    while isinstance(base.base, np.ndarray):
        base = base.base
    start = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    dims: list[tuple[int, int]] = []
    for size, step in zip(view.shape, view.strides, strict=True):
        if size == 1:
            continue
        if dims and dims[-1][1] == size * step:
            dims[-1] = (dims[-1][0] * size, step)
        else:
            dims.append((size, step))
    return start, dims or [(1, 1)]


def _rises(dims: Sequence[tuple[int, int]]) -> bool:
    """Return whether each element comes from behind the one before it."""
    extent = 0
    for size, step in reversed(dims):
        if step <= extent:
            return False
        extent += (size - 1) * step
    return True
