"""How far the output of a convolution may reach over its input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.operands import Value


def conv_overlap(window: Mapping[str, Value], pixels: int, is_read_again: bool = False) -> int:
    """Return where the output may begin, from the start of the input.

    So many pixels at a time are read first, then written; with `is_read_again` for each channel.
    """
    w = cast(Mapping[str, int], window)
    (in_h, in_w, in_c), (out_h, out_w, out_c) = ([w[f"{side}_{d}"] for d in "hwc"] for side in ("in", "out"))
    row = _first_inside(np.arange(out_h) * w["stride_h"] - w["pad_top"], w["dilation_h"], in_h)
    column = _first_inside(np.arange(out_w) * w["stride_w"] - w["pad_left"], w["dilation_w"], in_w)
    first_read = (row[:, None] * in_w + column[None, :]).reshape(-1) * in_c
    read_later = np.minimum.accumulate(first_read[::-1])[::-1]
    read = np.arange(0 if is_read_again else pixels, out_h * out_w, pixels)
    written = np.minimum(read + pixels, out_h * out_w) if is_read_again else read
    return min(0, int((read_later[read] - written * out_c).min(initial=0)))


def _first_inside(first_tap: npt.NDArray[np.int64], dilation: int, size: int) -> npt.NDArray[np.int64]:
    """Return the first tap of each window that is not in the padding before the input."""
    passed = -(-np.maximum(-first_tap, 0) // dilation) * dilation
    return np.minimum(first_tap + passed, size)
