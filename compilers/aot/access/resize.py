"""Access models of kernels that change height and width."""

from __future__ import annotations

from typing import cast

import numpy as np

from compilers.aot.operands import Constant
from compilers.aot.shadow import Access, Arguments, Shadow, Times, mix, odd_factors

POSITION_BITS = 10


def bilinear(a: Arguments) -> Access:
    """Each output is made of four pixels. The input may be read until the end: the output is apart."""
    in_h, in_w, channels, out_h, out_w = (a.number(name) for name in ("in_h", "in_w", "channels", "out_h", "out_w"))
    top, bottom, rest_y = neighbors(in_h, out_h, a.number("scale_h"), a.number("offset_h"))
    left, right, rest_x = neighbors(in_w, out_w, a.number("scale_w"), a.number("offset_w"))
    factors = odd_factors(a.seed, 4)

    def compute(x: Shadow) -> Shadow:
        image = x.reshape(in_h, in_w, channels)
        corners = [(ys, xs) for ys in (top, bottom) for xs in (left, right)]
        total = sum((image[np.ix_(*corner)] * f for corner, f in zip(corners, factors, strict=True)), np.uint64(0))
        weights = mix(rest_y)[:, None] + mix(rest_x + (1 << POSITION_BITS))
        return mix((total + weights[:, :, None]).reshape(-1))

    count = out_h * out_w * channels
    return Access([(a.places[0], np.full(in_h * in_w * channels, count))], (a.places[1], np.arange(count)), compute)


def neighbors(in_size: int, out_size: int, scale: int, offset: int) -> tuple[Times, Times, Times]:
    """Return for each output row or column the two of the input that it lies between, and how far from the first."""
    position = np.arange(out_size) * scale + offset
    low = np.maximum(position >> POSITION_BITS, 0)
    high = np.minimum((position + (1 << POSITION_BITS) - 1) >> POSITION_BITS, in_size - 1)
    return low, high, np.where(low == high, 0, position - (low << POSITION_BITS))


def nearest(a: Arguments) -> Access:
    """Each output is a pixel. The input may be read until the end: the output is apart."""
    rows, columns = (cast(Constant, a.fields[name]).data.astype(np.int64) for name in ("rows", "columns"))
    channels = a.number("channels")
    index = (rows[:, None, None] + columns[:, None] + np.arange(channels)).reshape(-1)
    read = np.full(int(index.max()) + 1, index.size)
    return Access([(a.places[0], read)], (a.places[1], np.arange(index.size)), lambda x: x[index])
