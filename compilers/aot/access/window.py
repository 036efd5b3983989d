"""Access models of kernels with a sliding window: convolutions and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.shadow import Access, Arguments, Shadow, Times, Window, mix, odd_factors, of_bytes


def _taps(window: Window, along: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return (out, kernel) input coordinates along "h" or "w", and which of them are inside the input."""
    out, kernel = window[f"out_{along}"], window[f"kernel_{along}"]
    origin = np.arange(out) * window[f"stride_{along}"] - window["pad_top" if along == "h" else "pad_left"]
    at = origin[:, None] + np.arange(kernel) * window[f"dilation_{along}"]
    return at, (at >= 0) & (at < window[f"in_{along}"])


def _slide(window: Window, x: Shadow, padding: Shadow, seed: int) -> Shadow:
    """Return (out_h, out_w, c) sums over each window of (in_h, in_w, c), each tap times a number of its own."""
    (ys, y_in), (xs, x_in) = _taps(window, "h"), _taps(window, "w")
    factors = odd_factors(seed + 1, ys.shape[1] * xs.shape[1]).reshape(ys.shape[1], xs.shape[1])
    total = np.zeros((window["out_h"], window["out_w"], x.shape[2]), np.uint64)
    for ky in range(ys.shape[1]):
        for kx in range(xs.shape[1]):
            inside = y_in[:, ky][:, None] & x_in[:, kx][None, :]
            area = np.ix_(np.where(y_in[:, ky], ys[:, ky], 0), np.where(x_in[:, kx], xs[:, kx], 0))
            total += np.where(inside[:, :, None], x[area], padding) * factors[ky, kx]
    return total


def convolution(pixels_at_once: int, is_read_again: bool = False) -> Callable[[Arguments], Access]:
    """Pixels k * count and the next count - 1 are read at time k, group by group, and written at time k.

    With `is_read_again` they are read for each channel, after some are written.
    """

    def model(a: Arguments) -> Access:
        window, seed, groups = a.window, a.seed, cast(int, a.fields.get("groups", 1))
        padding = of_bytes(a.number("input_zero_point"))

        def compute(x: Shadow) -> Shadow:
            coefficients = odd_factors(seed, window["in_c"]).reshape(groups, -1)
            grouped = x.reshape(window["in_h"], window["in_w"], groups, -1)
            sums = (grouped * coefficients).sum(axis=3, dtype=np.uint64)
            totals = _slide(window, sums, padding * coefficients.sum(axis=1, dtype=np.uint64), seed)
            return _channels(totals, window["out_c"], seed, a.first)

        read, write = _pixel_times(window, pixels_at_once, groups > 1 or is_read_again)
        return Access([(a.places[0], read)], (a.places[1], write), compute, a.scratch)

    return model


def _pixel_times(window: Window, count: int, is_read_again: bool) -> tuple[Times, Times]:
    read = np.full((window["in_h"], window["in_w"]), -1, np.int64)
    pixel = np.arange(window["out_h"] * window["out_w"]).reshape(window["out_h"], window["out_w"])
    (ys, y_in), (xs, x_in) = _taps(window, "h"), _taps(window, "w")
    for ky in range(ys.shape[1]):
        for kx in range(xs.shape[1]):
            area = np.ix_(ys[y_in[:, ky], ky], xs[x_in[:, kx], kx])
            read[area] = np.maximum(read[area], pixel[np.ix_(y_in[:, ky], x_in[:, kx])])
    write = np.repeat(pixel.reshape(-1) // count, window["out_c"])
    # With groups, a pixel's first outputs are written before its last inputs are read.
    last = np.repeat(read.reshape(-1) // count + int(is_read_again), window["in_c"])
    return last, write


def _channels(totals: Shadow, channels: int, seed: int, first: int = 0) -> Shadow:
    """Return the outputs of (..., groups) totals: each channel's from its group's, and its own number.

    The channels are those of a layer from `first` on.
    """
    repeated = np.repeat(totals, channels // totals.shape[-1], axis=-1)
    return mix(repeated + odd_factors(seed + 2, first + channels)[first:]).reshape(-1)


def transposed(a: Arguments) -> Access:
    """Each input pixel is added to a window of the output. The input may be read until the end: the output is apart."""
    window, seed = a.window, a.seed
    height, width = window["kernel_h"], window["kernel_w"]
    factors = odd_factors(seed + 1, height * width).reshape(height, width)
    coefficients = odd_factors(seed, window["in_c"])

    def compute(x: Shadow) -> Shadow:
        sums = (x.reshape(window["in_h"], window["in_w"], -1) * coefficients).sum(axis=2, dtype=np.uint64)
        last = [(window[f"in_{d}"] - 1) * window[f"stride_{d}"] for d in "hw"]
        full = np.zeros((last[0] + height + window["out_h"] + window["pad_top"],
                         last[1] + width + window["out_w"] + window["pad_left"]), np.uint64)  # fmt: skip
        for ky in range(height):
            for kx in range(width):
                rows = slice(ky, ky + last[0] + 1, window["stride_h"])
                columns = slice(kx, kx + last[1] + 1, window["stride_w"])
                full[rows, columns] += sums * factors[ky, kx]
        inside = full[window["pad_top"] :, window["pad_left"] :][: window["out_h"], : window["out_w"]]
        return _channels(inside[:, :, None], window["out_c"], seed)

    count = window["out_h"] * window["out_w"] * window["out_c"]
    read = np.full(window["in_h"] * window["in_w"] * window["in_c"], count)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute)


def depthwise(a: Arguments) -> Access:
    """Input rows are copied up to the last that output row y reads; then row y is written. Others are never read."""
    window, seed = a.window, a.seed
    ys, _ = _taps(window, "h")
    # When input row r is copied: at the first y whose last tap is at or after r.
    time = np.searchsorted(ys[:, -1], np.arange(window["in_h"]), side="left")
    rows = np.arange(window["in_h"])
    inside = (time < window["out_h"]) & (rows >= ys[np.minimum(time, window["out_h"] - 1), 0])
    read = np.repeat(np.where(inside, time, -1), window["in_w"] * window["in_c"])
    write = np.repeat(np.arange(window["out_h"]), window["out_w"] * window["out_c"])

    def compute(x: Shadow) -> Shadow:
        shape = window["in_h"], window["in_w"], window["in_c"]
        padding = of_bytes(a.number("input_zero_point"))
        return _channels(_slide(window, x.reshape(shape), padding, seed), window["out_c"], seed)

    return Access([(a.places[0], read)], (a.places[1], write), compute, a.scratch)


def depthwise_row(a: Arguments) -> Access:
    """All of the ring may be read until the row is done."""
    window, seed, y = a.window, a.seed, a.integers[0]
    rows = (window["kernel_h"] - 1) * window["dilation_h"] + 1
    width = (window["out_w"] - 1) * window["stride_w"] + (window["kernel_w"] - 1) * window["dilation_w"] + 1
    places = (y * window["stride_h"] + np.arange(rows)) % rows
    padded = {**window, "in_h": rows, "in_w": width, "out_h": 1, "pad_top": 0, "pad_left": 0}

    def compute(ring: Shadow) -> Shadow:
        x = ring.reshape(rows, width, window["in_c"])[places]
        return _channels(_slide(padded, x, np.zeros(1, np.uint64), seed), window["out_c"], seed)

    count = window["out_w"] * window["out_c"]
    read = np.full(rows * width * window["in_c"], count)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute)


def pool(a: Arguments) -> Access:
    """Windows are read until the end: the output does not overlap the input."""
    window, seed = a.window, a.seed
    shape = window["in_h"], window["in_w"], window["in_c"]
    count = window["out_h"] * window["out_w"] * window["out_c"]

    def compute(x: Shadow) -> Shadow:
        return mix(_slide(window, x.reshape(shape), np.zeros(1, np.uint64), seed)).reshape(-1)

    read = np.full(int(np.prod(shape)), count)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute)
