"""What each kernel does to shadow values (see `shadow`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.shadow import NEVER, Access, Arguments, Shadow, Times, Window, mix, odd_factors, of_bytes
from compilers.aot.steps import At, Call, Constant, Parameters, Scratch


def access(call: Call) -> Access:
    """Return what a call does to memory. Raises KeyError for a kernel without a model."""
    parameters = next((a.fields for a in call.arguments if isinstance(a, Parameters)), {})
    return _MODELS[call.function](Arguments(call, parameters))


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


def _conv(pixels_at_once: int) -> Callable[[Arguments], Access]:
    """Pixels k * count and the next count - 1 are read at time k, group by group, and written at time k."""

    def model(a: Arguments) -> Access:
        window, seed, groups = a.window, a.seed, cast(int, a.fields.get("groups", 1))
        padding = of_bytes(a.number("input_zero_point"))

        def compute(x: Shadow) -> Shadow:
            coefficients = odd_factors(seed, window["in_c"]).reshape(groups, -1)
            grouped = x.reshape(window["in_h"], window["in_w"], groups, -1)
            sums = (grouped * coefficients).sum(axis=3, dtype=np.uint64)
            totals = _slide(window, sums, padding * coefficients.sum(axis=1, dtype=np.uint64), seed)
            return _channels(totals, window["out_c"], seed)

        read, write = _pixel_times(window, pixels_at_once, groups)
        return Access([(a.places[0], read)], (a.places[1], write), compute, a.scratch)

    return model


def _pixel_times(window: Window, count: int, groups: int) -> tuple[Times, Times]:
    read = np.full((window["in_h"], window["in_w"]), -1, np.int64)
    pixel = np.arange(window["out_h"] * window["out_w"]).reshape(window["out_h"], window["out_w"])
    (ys, y_in), (xs, x_in) = _taps(window, "h"), _taps(window, "w")
    for ky in range(ys.shape[1]):
        for kx in range(xs.shape[1]):
            area = np.ix_(ys[y_in[:, ky], ky], xs[x_in[:, kx], kx])
            read[area] = np.maximum(read[area], pixel[np.ix_(y_in[:, ky], x_in[:, kx])])
    write = np.repeat(pixel.reshape(-1) // count, window["out_c"])
    # With groups, a pixel's first outputs are written before its last inputs are read.
    last = np.repeat(read.reshape(-1) // count + int(groups > 1), window["in_c"])
    return last, write


def _pointwise_apart(a: Arguments) -> Access:
    """All channels read all of a pixel: the output lies apart."""
    done = _conv(1)(a)
    ((place, times),) = done.reads
    return replace(done, reads=[(place, np.full(len(times), int(done.write[1].max(initial=0)) + 1))])


def _channels(totals: Shadow, channels: int, seed: int) -> Shadow:
    """Return the outputs of (..., groups) totals: each channel's from its group's, and its own number."""
    repeated = np.repeat(totals, channels // totals.shape[-1], axis=-1)
    return mix(repeated + odd_factors(seed + 2, channels)).reshape(-1)


def _depthwise(a: Arguments) -> Access:
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


def _depthwise_row(a: Arguments) -> Access:
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


def _table(a: Arguments) -> Access:
    (size,), seed = a.integers, a.seed
    order = np.arange(size)
    return Access([(a.places[0], order)], (a.places[1], order), lambda x: mix(x ^ mix(seed)))


def _elementwise(a: Arguments) -> Access:
    """Element i is read, then written. An input that is broadcast counts as read until the end."""
    shape = cast(Mapping[str, tuple[int, ...]], a.fields["shape"])
    grids = np.meshgrid(*(np.arange(d) for d in shape["dims"]), indexing="ij")
    return _pairs(
        a, *(np.sum([g * s for g, s in zip(grids, shape[n], strict=True)], axis=0) for n in ("step1", "step2"))
    )


def _elements(a: Arguments) -> Access:
    order = np.arange(a.number("size"))
    return _pairs(a, order, order)


def _times_row(a: Arguments) -> Access:
    """Rows of `size` elements, and one such row as the second input."""
    rows, size = a.number("rows"), a.number("size")
    order = np.arange(rows * size)
    return _pairs(a, order, order % size)


def _pairs(a: Arguments, first: Times, second: Times) -> Access:
    """Elements `first` and `second` of the inputs make each element of the output."""
    size, seed = first.size, a.seed
    operands = [v for v in a.call.arguments if isinstance(v, At | Scratch | Constant)][:2]
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


def _mean(a: Arguments) -> Access:
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


def _dense(a: Arguments) -> Access:
    rows, depth, channels = (a.number(n) for n in ("rows", "in_c", "out_c"))
    count = rows * channels
    read = np.full(rows * depth, count)
    compute = _rows_of(depth, channels, rows, a.seed)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute, a.scratch)


def _pixel(a: Arguments) -> Access:
    """All is read, then written."""
    done = _dense(a)
    (place, read), (target, write) = done.reads[0], done.write
    return replace(done, reads=[(place, np.zeros_like(read))], write=(target, np.zeros_like(write)))


def _softmax(a: Arguments) -> Access:
    rows, depth, seed = a.number("rows"), a.number("depth"), a.seed

    def compute(x: Shadow) -> Shadow:
        each = x.reshape(rows, depth)
        sums = (each * odd_factors(seed, depth)).sum(axis=1, dtype=np.uint64)
        return mix(sums[:, None] + each).reshape(-1)

    order = np.arange(rows * depth)
    return Access([(a.places[0], order)], (a.places[1], order), compute)


def _pool(a: Arguments) -> Access:
    window, seed = a.window, a.seed
    shape = window["in_h"], window["in_w"], window["in_c"]
    count = window["out_h"] * window["out_w"] * window["out_c"]

    def compute(x: Shadow) -> Shadow:
        return mix(_slide(window, x.reshape(shape), np.zeros(1, np.uint64), seed)).reshape(-1)

    read = np.full(int(np.prod(shape)), count)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute)


def _pad(a: Arguments) -> Access:
    before, source, target = (cast(tuple[int, ...], a.fields[n]) for n in ("before", "in", "out"))
    inside = tuple(slice(b, b + s) for b, s in zip(before, source, strict=True))

    def compute(x: Shadow) -> Shadow:
        out = np.full(target, of_bytes(a.number("value"))[0], np.uint64)
        out[inside] = x.reshape(source)
        return out.reshape(-1)

    count = int(np.prod(target))
    read = np.full(int(np.prod(source)), count)
    return Access([(a.places[0], read)], (a.places[1], np.arange(count)), compute)


def _place(a: Arguments) -> Access:
    """Copied piece by piece, which is not safe over itself: reads count as after the writes."""
    rows, size, pitch = a.integers
    written = np.full((rows, pitch), NEVER, np.int64)
    written[:, :size] = 0
    constant = next((v for v in a.call.arguments if isinstance(v, Constant)), None)

    def compute(*shadows: Shadow) -> Shadow:
        x = of_bytes(constant.data) if constant is not None else shadows[0]
        out = np.zeros((rows, pitch), np.uint64)
        out[:, :size] = x.reshape(rows, size)
        return out.reshape(-1)[: (rows - 1) * pitch + size]

    reads = [] if constant is not None else [(a.places[0], np.ones(rows * size, np.int64))]
    return Access(reads, (a.places[-1], written.reshape(-1)[: (rows - 1) * pitch + size]), compute)


def _copy(a: Arguments) -> Access:
    (size,) = a.integers
    return Access([(a.places[0], np.ones(size, np.int64))], (a.places[1], np.zeros(size, np.int64)), lambda x: x)


def _fill(a: Arguments) -> Access:
    value, size = a.integers
    return Access([], (a.places[0], np.zeros(size, np.int64)), lambda: np.repeat(of_bytes(value), size))


_MODELS: dict[str, Callable[[Arguments], Access]] = {
    "alpharho_conv": _conv(2),
    "alpharho_pointwise": _pointwise_apart,
    "alpharho_depthwise": _depthwise,
    "alpharho_depthwise_row": _depthwise_row,
    "alpharho_dense": _dense,
    "alpharho_mean": _mean,
    "alpharho_softmax": _softmax,
    "alpharho_average_pool": _pool,
    "alpharho_max_pool": _pool,
    "alpharho_add": _elementwise,
    "alpharho_mul": _elementwise,
    "alpharho_table": _table,
    "alpharho_pad": _pad,
    "alpharho_place": _place,
    "alpharho_copy": _copy,
    "alpharho_fill": _fill,
    "alpharho_dsp_conv": _conv(4),
    "alpharho_dsp_conv_rgb": _conv(4),
    "alpharho_dsp_pointwise": _conv(4),
    "alpharho_dsp_pixel": _pixel,
    "alpharho_dsp_depthwise": _depthwise,
    "alpharho_dsp_depthwise_row": _depthwise_row,
    "alpharho_dsp_depthwise_wide": _depthwise,
    "alpharho_dsp_depthwise_wide_row": _depthwise_row,
    "alpharho_dsp_dense": _dense,
    "alpharho_dsp_mean": _mean,
    "alpharho_dsp_add": _elements,
    "alpharho_dsp_mul": _times_row,
    "alpharho_dsp_table": _table,
    "alpharho_mve_conv": _conv(4),
    "alpharho_mve_conv_rgb": _conv(4),
    "alpharho_mve_pointwise": _conv(4),
    "alpharho_mve_depthwise": _depthwise,
    "alpharho_mve_depthwise_row": _depthwise_row,
    "alpharho_mve_dense": _dense,
    "alpharho_mve_pixel": _dense,
    "alpharho_mve_mean": _mean,
    "alpharho_mve_add": _elements,
    "alpharho_mve_mul": _times_row,
    "alpharho_mve_table": _table,
}
