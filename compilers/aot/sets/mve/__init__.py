"""Kernel set `mve` (Armv8.1-M with the vector extension)."""

from __future__ import annotations

from compilers.aot.sets import portable
from compilers.aot.sets.kernel_set import KernelSet
from compilers.aot.sets.mve import elementwise, windows
from compilers.aot.sets.mve.kernels import KERNELS

SET = KernelSet(
    "mve",
    "mve.h",
    KERNELS,
    replacements={
        portable.CONV: windows.conv,
        portable.DEPTHWISE: windows.depthwise,
        portable.DENSE: windows.dense,
        portable.ADD: elementwise.add,
        portable.MUL: elementwise.mul,
        portable.MEAN: elementwise.mean,
        portable.AVERAGE_POOL: windows.average_pool,
        portable.TABLE: elementwise.table,
    },
)
