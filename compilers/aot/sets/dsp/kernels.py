"""The kernels of set `dsp`."""

from __future__ import annotations

from functools import partial

from compilers.aot.access import elementwise, reduce, window
from compilers.aot.kernel import Kernel, PairsRow, RingRow, ValuesRow, WindowRow

_kernel = partial(Kernel, "dsp")

CONV = _kernel("alpharho_dsp_conv", window.convolution(4), "alpharho_dsp_conv", WindowRow())
CONV_RGB = _kernel("alpharho_dsp_conv_rgb", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE = _kernel("alpharho_dsp_pointwise", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE_ANY = _kernel("alpharho_dsp_pointwise_any", window.convolution(4), "alpharho_dsp_conv", WindowRow())
CONV_QUAD = _kernel("alpharho_dsp_conv_quad", window.convolution(4), "alpharho_dsp_conv", WindowRow())
CONV_RGB_QUAD = _kernel("alpharho_dsp_conv_rgb_quad", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE_QUAD = _kernel("alpharho_dsp_pointwise_quad", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE_ANY_QUAD = _kernel("alpharho_dsp_pointwise_any_quad", window.convolution(4), "alpharho_dsp_conv", WindowRow())
CONV_SINGLE = _kernel("alpharho_dsp_conv_single", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE_SINGLE = _kernel("alpharho_dsp_pointwise_single", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE_ANY_SINGLE = _kernel(
    "alpharho_dsp_pointwise_any_single", window.convolution(4), "alpharho_dsp_conv", WindowRow()
)
PIXEL = _kernel("alpharho_dsp_pixel", reduce.pixel, "alpharho_dsp_dense")
DEPTHWISE_ROW = _kernel("alpharho_dsp_depthwise_row", window.depthwise_row, "alpharho_dsp_depthwise")
DEPTHWISE = _kernel("alpharho_dsp_depthwise", window.depthwise, "alpharho_dsp_depthwise", RingRow(DEPTHWISE_ROW))
DEPTHWISE_WIDE_ROW = _kernel("alpharho_dsp_depthwise_wide_row", window.depthwise_row, "alpharho_dsp_depthwise")
DEPTHWISE_WIDE = _kernel(
    "alpharho_dsp_depthwise_wide", window.depthwise, "alpharho_dsp_depthwise", RingRow(DEPTHWISE_WIDE_ROW)
)
DEPTHWISE_5X5_ROW = _kernel("alpharho_dsp_depthwise_5x5_row", window.depthwise_row, "alpharho_dsp_depthwise")
DEPTHWISE_5X5 = _kernel(
    "alpharho_dsp_depthwise_5x5", window.depthwise, "alpharho_dsp_depthwise", RingRow(DEPTHWISE_5X5_ROW)
)
DEPTHWISE_WIDE_5X5_ROW = _kernel("alpharho_dsp_depthwise_wide_5x5_row", window.depthwise_row, "alpharho_dsp_depthwise")
DEPTHWISE_WIDE_5X5 = _kernel(
    "alpharho_dsp_depthwise_wide_5x5", window.depthwise, "alpharho_dsp_depthwise", RingRow(DEPTHWISE_WIDE_5X5_ROW)
)
DENSE = _kernel("alpharho_dsp_dense", reduce.dense, "alpharho_dsp_dense")
MEAN = _kernel("alpharho_dsp_mean", reduce.mean, "alpharho_mean")
ADD = _kernel(
    "alpharho_dsp_add", elementwise.pairs, "alpharho_dsp_add", PairsRow(lambda fields, size: {**fields, "size": size})
)
MUL = _kernel("alpharho_dsp_mul", elementwise.times_row, "alpharho_dsp_mul")
TABLE = _kernel("alpharho_dsp_table", elementwise.table, None, ValuesRow())

KERNELS = (
    CONV, CONV_RGB, POINTWISE, POINTWISE_ANY, CONV_QUAD, CONV_RGB_QUAD, POINTWISE_QUAD, POINTWISE_ANY_QUAD,
    CONV_SINGLE, POINTWISE_SINGLE, POINTWISE_ANY_SINGLE, PIXEL,
    DEPTHWISE, DEPTHWISE_ROW, DEPTHWISE_WIDE, DEPTHWISE_WIDE_ROW, DEPTHWISE_5X5, DEPTHWISE_5X5_ROW, DEPTHWISE_WIDE_5X5,
    DEPTHWISE_WIDE_5X5_ROW, DENSE, MEAN, ADD, MUL, TABLE,
)  # fmt: skip
