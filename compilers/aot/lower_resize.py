"""RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

import numpy as np

from compilers.aot import checks
from compilers.aot.arithmetic import round_half_away
from compilers.aot.operands import At, Constant, Value
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Operator, Tensor

# A position in the input is a whole number of 1024ths of a pixel, in int32.
POSITION_ONE = 1 << 10
SIDE_LIMIT = 1 << 20


def bilinear(graph: Graph, operator: Operator) -> Step:
    """Lower RESIZE_BILINEAR (`ResizeBilinearInteger`)."""
    source, target = _ends(graph, operator)
    (_, in_h, in_w, channels), (_, out_h, out_w, _) = source.shape, target.shape
    fields: dict[str, Value] = {"in_h": in_h, "in_w": in_w, "channels": channels, "out_h": out_h, "out_w": out_w}
    for along, in_size, out_size in (("h", in_h, out_h), ("w", in_w, out_w)):
        scale, offset = _positions(operator, in_size, out_size)
        if (out_size - 1) * scale + offset >= in_size * POSITION_ONE:
            graph.fail(f"from {in_size} to {out_size}, the reference reads outside its input", operator, target)
        fields |= {f"scale_{along}": scale, f"offset_{along}": offset}
    kernel = portable.RESIZE_BILINEAR
    call = Call(kernel, (kernel.structure(fields), At(source.index), At(target.index)))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,))


def _positions(operator: Operator, in_size: int, out_size: int) -> tuple[int, int]:
    """Return (scale, offset): output i is at i * scale + offset of the input."""
    scale = (POSITION_ONE * in_size + out_size // 2) // out_size
    if operator.options["AlignCorners"] and out_size > 1:
        scale = (POSITION_ONE * (in_size - 1) + (out_size - 1) // 2) // (out_size - 1)
    return scale, scale // 2 - POSITION_ONE // 2 if operator.options["HalfPixelCenters"] else 0


def nearest_neighbor(graph: Graph, operator: Operator) -> Step:
    """Lower RESIZE_NEAREST_NEIGHBOR: the rows and columns to copy are known."""
    source, target = _ends(graph, operator)
    (_, in_h, in_w, channels), (_, out_h, out_w, _) = source.shape, target.shape
    rows = np.array([_nearest(operator, y, in_h, out_h) for y in range(out_h)]) * in_w * channels
    columns = np.array([_nearest(operator, x, in_w, out_w) for x in range(out_w)]) * channels
    fields: dict[str, Value] = {
        "channels": channels, "out_h": out_h, "out_w": out_w,
        "rows": Constant("rows", rows.astype(np.int32)), "columns": Constant("columns", columns.astype(np.int32)),
    }  # fmt: skip
    kernel = portable.RESIZE_NEAREST
    call = Call(kernel, (kernel.structure(fields), At(source.index), At(target.index)))
    return Step(operator.index, operator.name, (source.index,), target.index, (call,))


def _nearest(operator: Operator, i: int, in_size: int, out_size: int) -> int:
    """Return which input is nearest to output i (`GetNearestNeighbor`, in float32)."""
    corners = bool(operator.options["AlignCorners"])
    less = int(corners and out_size > 1)
    scale = np.float32(in_size - less) / np.float32(out_size - less)
    position = float((np.float32(i) + np.float32(0.5 if operator.options["HalfPixelCenters"] else 0)) * scale)
    found = round_half_away(position) if corners else int(np.floor(position))
    return max(min(found, in_size - 1), 0)


def _ends(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    source, target = checks.activation_input(graph, operator), checks.output(graph, operator)
    if len(source.shape) != 4 or source.shape[0] != 1:
        graph.fail(f"shape {list(source.shape)}, expected 4 dimensions, the first of 1", operator, source)
    size = checks.constant_ints(graph, operator, 1).reshape(-1).tolist()
    checks.expect_shape(graph, operator, target, (1, *size, source.shape[3]))
    if max(*source.shape, *target.shape) > SIDE_LIMIT:
        graph.fail(f"a dimension is over {SIDE_LIMIT}", operator, source)
    if operator.options["AlignCorners"] and operator.options["HalfPixelCenters"]:
        graph.fail("aligned corners and half-pixel centers at a time", operator, target)
    return source, target
