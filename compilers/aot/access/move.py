"""Access models of kernels that only move values."""

from __future__ import annotations

from typing import cast

import numpy as np

from compilers.aot.operands import Constant
from compilers.aot.shadow import NEVER, Access, Arguments, Shadow, of_bytes


def pad(a: Arguments) -> Access:
    """The input may be read until the end: the output does not overlap the input."""
    before, source, target = (cast(tuple[int, ...], a.fields[n]) for n in ("before", "in", "out"))
    inside = tuple(slice(b, b + s) for b, s in zip(before, source, strict=True))

    def compute(x: Shadow) -> Shadow:
        out = np.full(target, of_bytes(a.number("value"))[0], np.uint64)
        out[inside] = x.reshape(source)
        return out.reshape(-1)

    count = int(np.prod(target))
    read = np.full(int(np.prod(source)), count)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute)


def gather(a: Arguments) -> Access:
    """Element by element in the output's order."""
    dims, steps = (cast(tuple[int, ...], a.fields[name]) for name in ("dims", "step"))
    index = np.full(1, a.number("start"))
    for size, step in zip((*dims, a.number("run")), (*steps, 1), strict=True):
        index = (index[:, None] + np.arange(size) * step).reshape(-1)
    order = np.arange(index.size)
    read = np.full(int(index.max()) + 1, -1, np.int64)
    read[index] = order
    return Access([(a.places[0], read)], (a.places[1], order), lambda x: x[index])


def place(a: Arguments) -> Access:
    """Copied piece by piece, which is not safe over itself: reads count as after the writes."""
    rows, size, pitch = a.integers
    written = np.full((rows, pitch), NEVER, np.int64)
    written[:, :size] = 0
    constant = next((v for v in a.all if isinstance(v, Constant)), None)

    def compute(*shadows: Shadow) -> Shadow:
        x = of_bytes(constant.data) if constant is not None else shadows[0]
        out = np.zeros((rows, pitch), np.uint64)
        out[:, :size] = x.reshape(rows, size)
        return out.reshape(-1)[: (rows - 1) * pitch + size]

    reads = [] if constant is not None else [(a.places[0], np.ones(rows * size, np.int64))]
    return Access(reads, (a.places[-1], written.reshape(-1)[: (rows - 1) * pitch + size]), compute)


def copy(a: Arguments) -> Access:
    """The output does not overlap the input: reads count as after the writes."""
    (size,) = a.integers
    return Access([(a.places[0], np.ones(size, np.int64))], (a.places[1], np.zeros(size, np.int64)), lambda x: x)


def fill(a: Arguments) -> Access:
    """Nothing is read."""
    value, size = a.integers
    return Access([], (a.places[0], np.zeros(size, np.int64)), lambda: np.repeat(of_bytes(value), size))
