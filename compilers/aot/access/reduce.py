"""Access models of kernels that sum over a dimension: dense layers, means and softmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from compilers.aot.shadow import Access, Arguments, Shadow, mix, odd_factors


def mean(a: Arguments) -> Access:
    """An output is written once all that it sums is read."""
    outer, reduced, inner, seed = a.number("outer"), a.number("reduced"), a.number("inner"), a.seed
    index = np.arange(outer * inner).reshape(outer, 1, inner)
    read = np.broadcast_to(index, (outer, reduced, inner)).reshape(-1)
    factors = odd_factors(seed, reduced)[:, None]

    def compute(x: Shadow) -> Shadow:
        return mix((x.reshape(outer, reduced, inner) * factors).sum(axis=1, dtype=np.uint64).reshape(-1))

    return Access([(a.places[0], read)], (a.places[1], np.arange(outer * inner)), compute)


def _rows_of(depth_in: int, depth_out: int, rows: int, seed: int) -> Callable[[Shadow], Shadow]:
    def compute(x: Shadow) -> Shadow:
        sums = (x.reshape(rows, depth_in) * odd_factors(seed, depth_in)).sum(axis=1, dtype=np.uint64)
        return mix(sums[:, None] + odd_factors(seed + 2, depth_out)).reshape(-1)

    return compute


def dense(a: Arguments) -> Access:
    """All outputs read all of a row: the output does not overlap the input."""
    rows, depth, channels = (a.number(n) for n in ("rows", "in_c", "out_c"))
    count = rows * channels
    read = np.full(rows * depth, count)
    compute = _rows_of(depth, channels, rows, a.seed)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute, a.scratch)


def pixel(a: Arguments) -> Access:
    """All is read, then written."""
    done = dense(a)
    (place, read), (target, write) = done.reads[0], done.write
    return replace(done, reads=[(place, np.zeros_like(read))], write=(target, np.zeros_like(write)))


def softmax(a: Arguments) -> Access:
    """A row is read, then written value by value."""
    rows, depth, seed = a.number("rows"), a.number("depth"), a.seed

    def compute(x: Shadow) -> Shadow:
        each = x.reshape(rows, depth)
        sums = (each * odd_factors(seed, depth)).sum(axis=1, dtype=np.uint64)
        return mix(sums[:, None] + each).reshape(-1)

    order = np.arange(rows * depth)
    return Access([(a.places[0], order)], (a.places[1], order), compute)
