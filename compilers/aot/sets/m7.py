"""Kernel set `m7` (Cortex-M7): windows of its own, packed as those of `dsp`; all else is that set's."""

from __future__ import annotations

from functools import partial

from compilers.aot.access import window
from compilers.aot.kernel import Kernel, RingRow, WindowRow
from compilers.aot.sets import dsp, portable
from compilers.aot.sets.dsp import convolutions, windows
from compilers.aot.sets.kernel_set import KernelSet

_kernel = partial(Kernel, "m7")

CONV = _kernel("alpharho_m7_conv", window.convolution(4), "alpharho_dsp_conv", WindowRow())
CONV_RGB = _kernel("alpharho_m7_conv_rgb", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE = _kernel("alpharho_m7_pointwise", window.convolution(4), "alpharho_dsp_conv", WindowRow())
POINTWISE_ANY = _kernel("alpharho_m7_pointwise_any", window.convolution(4), "alpharho_dsp_conv", WindowRow())
DEPTHWISE_ROW = _kernel("alpharho_m7_depthwise_row", window.depthwise_row, "alpharho_dsp_depthwise")
DEPTHWISE = _kernel("alpharho_m7_depthwise", window.depthwise, "alpharho_dsp_depthwise", RingRow(DEPTHWISE_ROW))
DEPTHWISE_WIDE_ROW = _kernel("alpharho_m7_depthwise_wide_row", window.depthwise_row, "alpharho_dsp_depthwise")
DEPTHWISE_WIDE = _kernel(
    "alpharho_m7_depthwise_wide", window.depthwise, "alpharho_dsp_depthwise", RingRow(DEPTHWISE_WIDE_ROW)
)

QUADS = convolutions.Method(4, POINTWISE, POINTWISE_ANY, CONV, CONV_RGB)

SET = KernelSet(
    "m7",
    "m7.h",
    (CONV, CONV_RGB, POINTWISE, POINTWISE_ANY, DEPTHWISE, DEPTHWISE_ROW, DEPTHWISE_WIDE, DEPTHWISE_WIDE_ROW),
    replacements={
        **dsp.SET.replacements,
        portable.CONV: partial(convolutions.conv, methods=(QUADS, convolutions.PAIRS)),
        portable.DEPTHWISE: partial(
            windows.depthwise, by_side={**windows.DEPTHWISE_KERNELS, 3: (DEPTHWISE, DEPTHWISE_WIDE)}
        ),
    },
    based_on="dsp",
)
