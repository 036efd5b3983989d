"""The kernels of set `simd`."""

from __future__ import annotations

from functools import partial

from compilers.aot.access import elementwise, reduce, window
from compilers.aot.kernel import Kernel, PairsRow, RingRow, WindowRow
from compilers.aot.sets.portable import flat

_kernel = partial(Kernel, "simd")

CONV = _kernel("alpharho_simd_conv", window.convolution(4), "alpharho_simd_conv", WindowRow())
DEPTHWISE_ROW = _kernel("alpharho_simd_depthwise_row", window.depthwise_row, "alpharho_simd_depthwise")
DEPTHWISE = _kernel("alpharho_simd_depthwise", window.depthwise, "alpharho_simd_depthwise", RingRow(DEPTHWISE_ROW))
ADD = _kernel("alpharho_simd_add", elementwise.broadcast_pairs, "alpharho_add", PairsRow(flat))
SUB = _kernel("alpharho_simd_sub", elementwise.broadcast_pairs, "alpharho_add", PairsRow(flat))
MUL = _kernel("alpharho_simd_mul", elementwise.broadcast_pairs, "alpharho_mul")
MEAN = _kernel("alpharho_simd_mean", reduce.mean, "alpharho_mean")
DENSE = _kernel("alpharho_simd_dense", reduce.dense, "alpharho_dense")

KERNELS = (CONV, DEPTHWISE, DEPTHWISE_ROW, ADD, SUB, MUL, MEAN, DENSE)
