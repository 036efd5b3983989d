"""Which real values the integers of an input stand for, by its scale and zero point."""

from __future__ import annotations

import numpy as np

from calibration.checks import QuantizedTensor

USUAL_RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-128.0, 127.0))
SYMMETRIC_TOLERANCE = 0.02
"""Part by which the largest pixel of the representative data may be below the end of a usual range."""


def range_by_scale(tensor: QuantizedTensor) -> tuple[tuple[float, float] | None, str]:
    """Return the usual float range of pixels that equals what an input can hold, and where it is from.

    It is from its "scale" where an int8 or uint8 input holds it to within two steps. An int16 input is symmetric, so
    that -1..1 and 0..1 look alike: its range is "assumed". (None, "unknown") for all others.
    """
    if tensor.dtype not in ("int8", "uint8", "int16"):
        return None, "unknown"
    low, high = held_range(tensor)
    for usual in USUAL_RANGES:
        if tensor.dtype == "int16" and abs(high - usual[1]) <= SYMMETRIC_TOLERANCE * usual[1]:
            return usual, "assumed"
        if max(abs(low - usual[0]), abs(high - usual[1])) <= 2 * tensor.scale:
            return usual, "scale"
    return None, "unknown"


def held_range(tensor: QuantizedTensor) -> tuple[float, float]:
    """Return the real values that the integers of a tensor reach from and to."""
    info = np.iinfo(tensor.dtype)
    return tensor.scale * (int(info.min) - tensor.zero_point), tensor.scale * (int(info.max) - tensor.zero_point)
