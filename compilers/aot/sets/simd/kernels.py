"""The kernels of set `simd`."""

from __future__ import annotations

from functools import partial

from compilers.aot.access import window
from compilers.aot.kernel import Kernel, RingRow, WindowRow

_kernel = partial(Kernel, "simd")

CONV = _kernel("alpharho_simd_conv", window.convolution(4), "alpharho_simd_conv", WindowRow())
DEPTHWISE_ROW = _kernel("alpharho_simd_depthwise_row", window.depthwise_row, "alpharho_simd_depthwise")
DEPTHWISE = _kernel("alpharho_simd_depthwise", window.depthwise, "alpharho_simd_depthwise", RingRow(DEPTHWISE_ROW))

KERNELS = (CONV, DEPTHWISE, DEPTHWISE_ROW)
