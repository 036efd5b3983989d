"""Networks of several inputs for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graph.builder import Builder

BYTES = (32, 32)
"""Bytes of the inputs of `sum_of_two`."""


def sum_of_two(path: Path) -> Path:
    """Write an ADD of two inputs of other scales, (1, 4, 1, 8), and a MAX_POOL_2D: all kernels give the same bytes."""
    b = Builder()
    x, y = b.tensor((1, 4, 1, 8), scale=0.02, zero_point=3), b.tensor((1, 4, 1, 8), scale=0.03, zero_point=-5)
    added, out = b.tensor((1, 4, 1, 8), scale=0.05, zero_point=1), b.tensor((1, 2, 1, 8), scale=0.05, zero_point=1)
    b.operator("ADD", [x, y], [added], {}, "AddOptions")
    pool = {"StrideH": 2, "StrideW": 1, "FilterHeight": 2, "FilterWidth": 1, "Padding": 1}
    b.operator("MAX_POOL_2D", [added], [out], pool, "Pool2DOptions")
    path.write_bytes(b.finish([x, y], [out]))
    return path


def example(seed: int) -> bytes:
    """Return random bytes of both inputs, one behind the other."""
    return np.random.default_rng(seed).bytes(sum(BYTES))
