"""How far the output of a convolution may reach over its input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from compilers.aot.operands import Value


def conv_overlap(window: Mapping[str, Value], pixels: int) -> int:
    """Return where the output may begin, from the start of the input.

    So many pixels at a time are read first, then written.
    """
    w = cast(Mapping[str, int], window)
    (in_h, in_w, in_c), (out_h, out_w, out_c) = ([w[f"{side}_{d}"] for d in "hwc"] for side in ("in", "out"))
    row = np.clip(np.arange(out_h) * w["stride_h"] - w["pad_top"], 0, in_h)
    column = np.clip(np.arange(out_w) * w["stride_w"] - w["pad_left"], 0, in_w)
    first_read = (row[:, None] * in_w + column[None, :]).reshape(-1) * in_c
    read_later = np.minimum.accumulate(first_read[::-1])[::-1]
    next_pixel = np.arange(pixels, out_h * out_w, pixels)
    return min(0, int((read_later[next_pixel] - next_pixel * out_c).min(initial=0)))
