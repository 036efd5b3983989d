"""The kernels of set `mve`."""

from __future__ import annotations

from functools import partial

from compilers.aot.access import elementwise, reduce, window
from compilers.aot.kernel import Kernel, PairsRow, RingRow, ValuesRow, WindowRow
from compilers.aot.sets import portable

_kernel = partial(Kernel, "mve")

CONV = _kernel("alpharho_mve_conv", window.convolution(4), "alpharho_mve_conv", WindowRow())
CONV_RGB = _kernel("alpharho_mve_conv_rgb", window.convolution(4), "alpharho_mve_conv", WindowRow())
POINTWISE = _kernel("alpharho_mve_pointwise", window.convolution(4), "alpharho_mve_conv", WindowRow())
PIXEL = _kernel("alpharho_mve_pixel", reduce.dense, "alpharho_mve_dense")
DEPTHWISE_ROW = _kernel("alpharho_mve_depthwise_row", window.depthwise_row, "alpharho_mve_depthwise")
DEPTHWISE = _kernel(
    "alpharho_mve_depthwise", window.depthwise, "alpharho_mve_depthwise", RingRow(DEPTHWISE_ROW, "pixels_at_once")
)
DEPTHWISE_5X5_ROW = _kernel("alpharho_mve_depthwise_5x5_row", window.depthwise_row, "alpharho_mve_depthwise")
DEPTHWISE_5X5 = _kernel(
    "alpharho_mve_depthwise_5x5", window.depthwise, "alpharho_mve_depthwise",
    RingRow(DEPTHWISE_5X5_ROW, "pixels_at_once"),
)  # fmt: skip
DEPTHWISE_ANY_ROW = _kernel("alpharho_mve_depthwise_any_row", window.depthwise_row, "alpharho_mve_depthwise")
DEPTHWISE_ANY = _kernel(
    "alpharho_mve_depthwise_any", window.depthwise, "alpharho_mve_depthwise", RingRow(DEPTHWISE_ANY_ROW)
)
DENSE = _kernel("alpharho_mve_dense", reduce.dense, "alpharho_mve_dense")
MEAN = _kernel("alpharho_mve_mean", reduce.mean, "alpharho_mean")
ADD = _kernel(
    "alpharho_mve_add", elementwise.pairs, "alpharho_mve_add", PairsRow(lambda fields, size: {**fields, "size": size})
)
ADD_EXACT = _kernel("alpharho_mve_add_exact", elementwise.broadcast_pairs, "alpharho_add", PairsRow(portable.flat))
MUL = _kernel("alpharho_mve_mul", elementwise.times_row, "alpharho_mve_mul")
AVERAGE_POOL = _kernel("alpharho_mve_average_pool", window.pool, "alpharho_pool", WindowRow())
TABLE = _kernel("alpharho_mve_table", elementwise.table, None, ValuesRow())

KERNELS = (
    CONV, CONV_RGB, POINTWISE, PIXEL, DEPTHWISE, DEPTHWISE_ROW, DEPTHWISE_5X5, DEPTHWISE_5X5_ROW, DEPTHWISE_ANY,
    DEPTHWISE_ANY_ROW, DENSE, MEAN, AVERAGE_POOL, ADD, ADD_EXACT, MUL, TABLE,
)  # fmt: skip
