"""Access models of kernels that compute each value from one value of each input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from compilers.aot.operands import At, Constant, Scratch
from compilers.aot.shadow import Access, Arguments, Shadow, Times, mix, odd_factors, of_bytes

FLOAT_BYTES = 4


def table(a: Arguments) -> Access:
    """Value i is read, then written."""
    (size,), seed = a.integers, a.seed
    order = np.arange(size)
    return Access([(a.places[0], order)], (a.places[1], order), lambda x: mix(x ^ mix(seed)))


def quantize(a: Arguments) -> Access:
    """The four bytes of value i are read, then its byte is written."""
    (size,), seed = a.integers, a.seed
    factors = odd_factors(seed, FLOAT_BYTES)

    def compute(x: Shadow) -> Shadow:
        return mix((x.reshape(size, FLOAT_BYTES) * factors).sum(axis=1, dtype=np.uint64))

    order = np.arange(size)
    return Access([(a.places[0], np.repeat(order, FLOAT_BYTES))], (a.places[1], order), compute)


def dequantize(a: Arguments) -> Access:
    """Value i is read, then its four bytes are written."""
    (size,), seed = a.integers, a.seed
    factors, order = odd_factors(seed, FLOAT_BYTES), np.arange(size)

    def compute(x: Shadow) -> Shadow:
        return mix((x[:, None] * factors).reshape(-1))

    return Access([(a.places[0], order)], (a.places[1], np.repeat(order, FLOAT_BYTES)), compute)


def broadcast_pairs(a: Arguments) -> Access:
    """Element i is read, then written. An input that is broadcast counts as read until the end."""
    shape = cast(Mapping[str, tuple[int, ...]], a.fields["shape"])
    grids = np.meshgrid(*(np.arange(d) for d in shape["dims"]), indexing="ij")
    return _pairs_of(
        a, *(np.sum([g * s for g, s in zip(grids, shape[n], strict=True)], axis=0) for n in ("step1", "step2"))
    )


def pairs(a: Arguments) -> Access:
    """Elements of two inputs of one shape are read, then the output's element is written."""
    order = np.arange(a.number("size"))
    return _pairs_of(a, order, order)


def times_row(a: Arguments) -> Access:
    """Rows of `size` elements, and one such row as the second input."""
    rows, size = a.number("rows"), a.number("size")
    order = np.arange(rows * size)
    return _pairs_of(a, order, order % size)


def _pairs_of(a: Arguments, first: Times, second: Times) -> Access:
    """Elements `first` and `second` of the inputs make each element of the output."""
    size, seed = first.size, a.seed
    operands = [v for v in a.all if isinstance(v, At | Scratch | Constant)][:2]
    indices = first.reshape(-1), second.reshape(-1)
    sizes = [int(i.max(initial=0)) + 1 for i in indices]
    reads = [
        (v, np.arange(size) if n == size else np.full(n, size))
        for v, n in zip(operands, sizes, strict=True)
        if not isinstance(v, Constant)
    ]

    def compute(*shadows: Shadow) -> Shadow:
        computed, total = iter(shadows), np.zeros(size, np.uint64)
        for factor, operand, index in zip(odd_factors(seed, 2), operands, indices, strict=True):
            x = of_bytes(operand.data) if isinstance(operand, Constant) else next(computed)
            total += x[index] * factor
        return mix(total)

    return Access(reads, (a.places[-1], np.arange(size)), compute)
