"""Kernel set `simd` (AVX2 and VNNI, Advanced SIMD with and without dot products: for programs on Linux)."""

from __future__ import annotations

from compilers.aot.sets import portable
from compilers.aot.sets.kernel_set import KernelSet
from compilers.aot.sets.simd import elementwise, windows
from compilers.aot.sets.simd.kernels import KERNELS

SET = KernelSet(
    "simd",
    "simd.h",
    KERNELS,
    replacements={
        portable.CONV: windows.conv,
        portable.DEPTHWISE: windows.depthwise,
        portable.ADD: elementwise.add,
        portable.SUB: elementwise.sub,
        portable.MUL: elementwise.mul,
        portable.MEAN: elementwise.mean,
        portable.DENSE: elementwise.dense,
    },
)
"""The kernels of set `simd`."""
