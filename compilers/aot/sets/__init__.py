"""The kernel sets. A set is a module or package here; to add one, name it in SETS.

`portable` has a kernel for each operator. Another set replaces those of its calls for which it has a faster kernel.
"""

from __future__ import annotations

from compilers.aot.sets import dsp, mve, portable, simd
from compilers.aot.sets.kernel_set import KernelSet

SETS: dict[str, KernelSet] = {kernel_set.name: kernel_set for kernel_set in (portable.SET, dsp.SET, mve.SET, simd.SET)}
