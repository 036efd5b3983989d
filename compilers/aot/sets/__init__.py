"""The kernel sets. A set is a module or package here; to add one, name it in SETS.

`portable` has a kernel for each operator. Another set replaces those of its calls for which it has a faster kernel;
it may be based on a third one, whose kernels it takes where it has none of its own.
"""

from __future__ import annotations

from compilers.aot.sets import dsp, m7, mve, portable, rv32, simd
from compilers.aot.sets.kernel_set import KernelSet

SETS: dict[str, KernelSet] = {
    kernel_set.name: kernel_set for kernel_set in (portable.SET, dsp.SET, m7.SET, mve.SET, rv32.SET, simd.SET)
}


def folders(name: str) -> tuple[str, ...]:
    """Return the folders of `firmware/kernels` that have the kernels of a set: its own last."""
    return tuple(dict.fromkeys(("portable", SETS[name].based_on, name)))
