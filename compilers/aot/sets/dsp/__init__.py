"""Kernel set `dsp` (Armv7E-M)."""

from __future__ import annotations

from compilers.aot.sets import portable
from compilers.aot.sets.dsp import convolutions, elementwise, windows
from compilers.aot.sets.dsp.kernels import KERNELS
from compilers.aot.sets.kernel_set import KernelSet

SET = KernelSet(
    "dsp",
    "dsp.h",
    KERNELS,
    replacements={
        portable.CONV: convolutions.conv,
        portable.DEPTHWISE: windows.depthwise,
        portable.DENSE: windows.dense,
        portable.ADD: elementwise.add,
        portable.MUL: elementwise.mul,
        portable.MEAN: elementwise.mean,
        portable.TABLE: elementwise.table,
    },
)
