"""Random networks of one operator that moves values: padded, joined, cut, turned, resized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from graph.builder import Builder
from graph.types import OptionValue
from tests.kernels.cases import (
    Case,
    pictures,
    scales,
    seeds,
    weights,
    zero_points,
)


@st.composite
def pad(draw: st.DrawFn, name: str) -> Case:
    """Draw a PAD or PADV2."""
    b = Builder()
    shape = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 4)))]
    amounts = [[draw(st.integers(0, 3)) for _ in range(2)] for _ in shape]
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.tensor(shape, scale=scale, zero_point=zero_point)
    p = b.tensor((len(shape), 2), draw(st.sampled_from(["int32", "int64"])), data=amounts)
    out = [s + before + after for s, (before, after) in zip(shape, amounts, strict=True)]
    y = b.tensor(out, scale=scale, zero_point=zero_point)
    inputs = [x, p]
    if name == "PADV2":
        value = draw(st.integers(-128, 127))
        inputs.append(b.tensor(draw(st.sampled_from([(), (1,)])), scale=scale, zero_point=zero_point, data=[value]))
    b.operator(name, inputs, [y])
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


@st.composite
def concatenation(draw: st.DrawFn) -> Case:
    """Draw a CONCATENATION of computed and constant tensors."""
    b, seed = Builder(), draw(seeds)
    rank = draw(st.integers(1, 4))
    shape = [draw(st.integers(1, 4)) for _ in range(rank)]
    axis = draw(st.integers(0, rank - 1))
    scale, zero_point = draw(scales), draw(zero_points)
    tensors, shapes = [], []
    for i in range(draw(st.integers(1, 4))):
        part = [*shape[:axis], draw(st.integers(1, 4)), *shape[axis + 1 :]]
        data = weights(seed, part, "random") if i and draw(st.booleans()) else None
        tensors.append(b.tensor(part, scale=scale, zero_point=zero_point, data=data))
        shapes.append((part, data is None))
    out = [*shape[:axis], sum(s[axis] for s, _ in shapes), *shape[axis + 1 :]]
    y = b.tensor(out, scale=scale, zero_point=zero_point)
    options = {"Axis": axis - draw(st.sampled_from([0, rank]))}
    b.operator("CONCATENATION", tensors, [y], options, "ConcatenationOptions")
    computed = [(t, s) for t, (s, is_computed) in zip(tensors, shapes, strict=True) if is_computed]
    return Case(b.finish([t for t, _ in computed], [y]), pictures(seed, *(s for _, s in computed)))


@st.composite
def reshape(draw: st.DrawFn) -> Case:
    """Draw a RESHAPE."""
    b = Builder()
    shape = [draw(st.integers(1, 4)) for _ in range(3)]
    out = [shape[0] * shape[1], shape[2]]
    x = b.tensor(shape, scale=0.5, zero_point=3)
    s = b.tensor((2,), "int32", data=out)
    y = b.tensor(out, scale=0.5, zero_point=3)
    b.operator("RESHAPE", [x, s], [y], {}, "ReshapeOptions")
    return Case(b.finish([x], [y]), pictures(draw(seeds), shape))


def _moved(
    draw: st.DrawFn,
    name: str,
    shape: Sequence[int],
    outs: Sequence[Sequence[int]],
    constants: Mapping[int, npt.ArrayLike],
    options: Mapping[str, OptionValue] | None = None,
    table: str | None = None,
    version: int | None = None,
) -> Case:
    """Return an operator that moves the values of one tensor; `constants` are its integer inputs by position."""
    b = Builder()
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.tensor(shape, scale=scale, zero_point=zero_point)
    inputs = [x]
    for position, values in sorted(constants.items()):
        inputs.insert(position, b.tensor(np.shape(values), "int32", data=values))
    ys = [b.tensor(out, scale=scale, zero_point=zero_point) for out in outs]
    b.operator(name, inputs, ys, options, table, version)
    return Case(b.finish([x], ys), pictures(draw(seeds), shape))


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@st.composite
def slice_(draw: st.DrawFn) -> Case:
    """Draw a SLICE."""
    shape = draw(shapes)
    begins = [draw(st.integers(0, n - 1)) for n in shape]
    out = [draw(st.integers(1, n - begin)) for n, begin in zip(shape, begins, strict=True)]
    sizes = [-1 if begin + n == whole and draw(st.booleans()) else n
             for begin, n, whole in zip(begins, out, shape, strict=True)]  # fmt: skip
    return _moved(draw, "SLICE", shape, [out], {1: begins, 2: sizes})


@st.composite
def strided_slice(draw: st.DrawFn) -> Case:
    """Draw a STRIDED_SLICE: strides of either sign, ends outside, ends left out, dimensions that go or come."""
    shape = draw(shapes)
    masks = dict.fromkeys(("BeginMask", "EndMask", "ShrinkAxisMask", "NewAxisMask", "EllipsisMask"), 0)
    rows: list[tuple[int, int, int]] = []
    out: list[int] = []
    hidden = draw(st.sampled_from([None, None, draw(st.integers(0, len(shape) - 1))]))
    new_axis = draw(st.sampled_from([None, None, draw(st.integers(0, len(shape) - 1))]))
    for i, n in enumerate(shape):
        if i == new_axis:
            masks["NewAxisMask"] |= 1 << len(rows)
            rows.append((0, 1, 1))
            out.append(1)
        if i == hidden:
            masks["EllipsisMask"] |= 1 << len(rows)
            rows.append((0, 0, 1))
            out.append(n)
            continue
        bits, row, left = draw(_range(n))
        for mask, bit in zip(("BeginMask", "EndMask", "ShrinkAxisMask"), bits, strict=True):
            masks[mask] |= bit << len(rows)
        rows.append(row)
        out += [] if left is None else [left]
    begins, ends, strides = zip(*rows, strict=True)
    return _moved(draw, "STRIDED_SLICE", shape, [out], {1: begins, 2: ends, 3: strides}, masks, "StridedSliceOptions")


@st.composite
def _range(draw: st.DrawFn, n: int) -> tuple[tuple[bool, bool, bool], tuple[int, int, int], int | None]:
    """Draw the bits of a dimension of n (begin and end left out, goes), its begin, end and stride, and what is left."""
    stride = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
    begin, end = draw(st.integers(-n - 1, n + 1)), draw(st.integers(-n - 2, n + 2))
    open_begin, open_end = draw(st.booleans()), draw(st.booleans())
    if draw(st.integers(0, 4)) == 0:
        return (False, open_end, True), (draw(st.integers(-n, n - 1)), end, 1), None
    left = range(n)[slice(None if open_begin else begin, None if open_end else end, stride)]
    if not left:
        return (open_begin, open_end, False), (0, n, 1), n
    return (open_begin, open_end, False), (begin, end, stride), len(left)


@st.composite
def transpose(draw: st.DrawFn) -> Case:
    """Draw a TRANSPOSE."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    order = draw(st.permutations(range(len(shape))))
    return _moved(draw, "TRANSPOSE", shape, [[shape[i] for i in order]], {1: order})


@st.composite
def split(draw: st.DrawFn, name: str) -> Case:
    """Draw a SPLIT into equal parts or a SPLIT_V into others."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    if name == "SPLIT":
        sizes = [sizes[0]] * len(sizes)
    shape[axis] = sum(sizes)
    outs = [[*shape[:axis], size, *shape[axis + 1 :]] for size in sizes]
    signed = axis - draw(st.sampled_from([0, len(shape)]))
    if name == "SPLIT":
        return _moved(draw, name, shape, outs, {0: signed}, {"NumSplits": len(sizes)}, "SplitOptions")
    if draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return _moved(draw, name, shape, outs, {1: sizes, 2: signed}, {"NumSplits": len(sizes)}, "SplitVOptions")


@st.composite
def unpack(draw: st.DrawFn) -> Case:
    """Draw an UNPACK."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape) - 1))
    outs = [shape[:axis] + shape[axis + 1 :]] * shape[axis]
    options = {"Axis": axis - draw(st.sampled_from([0, len(shape)])), "Num": shape[axis]}
    return _moved(draw, "UNPACK", shape, outs, {}, options, "UnpackOptions")


@st.composite
def pack(draw: st.DrawFn) -> Case:
    """Draw a PACK of computed and constant tensors, or of a tensor with itself."""
    b, seed, shape = Builder(), draw(seeds), draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    scale, zero_point = draw(scales), draw(zero_points)
    tensors, computed = [], []
    for i in range(draw(st.integers(1, 4))):
        data = weights(seed + i, shape, "random") if i and draw(st.booleans()) else None
        tensors.append(b.tensor(shape, scale=scale, zero_point=zero_point, data=data))
        computed += [tensors[-1]] if data is None else []
    if draw(st.booleans()):
        tensors.append(tensors[0])
    axis = draw(st.integers(0, len(shape)))
    y = b.tensor([*shape[:axis], len(tensors), *shape[axis:]], scale=scale, zero_point=zero_point)
    options = {"Axis": axis - draw(st.sampled_from([0, len(shape) + 1])), "ValuesCount": len(tensors)}
    b.operator("PACK", tensors, [y], options, "PackOptions")
    return Case(b.finish(computed, [y]), pictures(seed, *[shape] * len(computed)))


@st.composite
def same_bytes(draw: st.DrawFn, name: str) -> Case:
    """Draw an EXPAND_DIMS or a SQUEEZE."""
    shape = draw(shapes)
    axis = draw(st.integers(0, len(shape)))
    longer = [*shape[:axis], 1, *shape[axis:]]
    signed = axis - draw(st.sampled_from([0, len(longer)]))
    if name == "EXPAND_DIMS":
        return _moved(draw, name, shape, [longer], {1: signed}, version=1)
    return _moved(draw, name, longer, [shape], {}, {"SqueezeDims": (signed,)}, "SqueezeOptions", version=1)


@st.composite
def resize(draw: st.DrawFn, name: str) -> Case:
    """Draw a RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, up or down, by factors that are whole or not."""
    height, width = (draw(st.integers(1, 9)) for _ in range(2))
    size = [draw(st.one_of(st.integers(1, 20), st.sampled_from([n, 2 * n, 3 * n]))) for n in (height, width)]
    corners, centers = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    channels = draw(st.integers(1, 4))
    options = {"AlignCorners": corners, "HalfPixelCenters": centers}
    table = "ResizeBilinearOptions" if name == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    outs = [(1, *size, channels)]
    return _moved(draw, name, (1, height, width, channels), outs, {1: size}, options, table, version=3)
