"""Inputs that C computes by itself: values of a generator, each held for some elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MULTIPLIER, INCREMENT = 1664525, 1013904223


def noise(inputs: Sequence[tuple[str, int]], seed: int, hold: int) -> list[bytes]:
    """Return the bytes of each input, of a type and so many elements, for a seed, as the generated C computes them."""
    state, filled = seed, []
    for dtype, elements in inputs:
        size = elements if dtype == "float32" else elements * np.dtype(dtype).itemsize
        values = np.empty(-(-size // hold), np.uint8)
        for i in range(len(values)):
            state = (state * MULTIPLIER + INCREMENT) & 0xFFFFFFFF
            values[i] = state >> 24
        held = np.repeat(values, hold)[:size]
        filled.append((held.view(np.int8) / np.float32(64)).tobytes() if dtype == "float32" else held.tobytes())
    return filled
