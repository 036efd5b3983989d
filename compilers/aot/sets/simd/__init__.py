"""Kernel set `simd` (AVX2 and AArch64's Advanced SIMD, for Linux boards)."""

from __future__ import annotations

from compilers.aot.sets import portable
from compilers.aot.sets.kernel_set import KernelSet
from compilers.aot.sets.simd import windows
from compilers.aot.sets.simd.kernels import KERNELS

SET = KernelSet(
    "simd",
    "simd.h",
    KERNELS,
    replacements={portable.CONV: windows.conv, portable.DEPTHWISE: windows.depthwise},
)
