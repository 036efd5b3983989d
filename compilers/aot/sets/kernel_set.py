"""What a kernel set is to the compiler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compilers.aot.kernel import Kernel, RingRow
from compilers.aot.steps import Call, Step

# From a step, its only call and one of lower.OPTIMIZE to the step with a kernel of the set; the step itself where the
# set has none for it.
Replace = Callable[[Step, Call, str], Step]


@dataclass(frozen=True)
class KernelSet:
    """Kernels in `firmware/kernels/<name>/`, declared in `firmware/kernels/<header>`.

    `replacements` has for portable kernels how the set replaces a call of them, by a kernel of its own or of the set
    that it is based on.

    Raises ValueError if a kernel is of another set, has a symbol that another one has, or computes its rows by a kernel
    that is not in the set.
    """

    name: str
    header: str
    kernels: tuple[Kernel, ...]
    replacements: Mapping[Kernel, Replace]
    based_on: str = "portable"

    def __post_init__(self) -> None:
        """Check the kernels."""
        for symbol, count in Counter(kernel.symbol for kernel in self.kernels).items():
            if count > 1:
                raise ValueError(f"kernel set {self.name}: {count} kernels {symbol}")
        for kernel in self.kernels:
            if kernel.kernel_set != self.name:
                raise ValueError(f"kernel set {self.name}: {kernel.symbol} is of set {kernel.kernel_set}")
            if isinstance(kernel.row, RingRow) and kernel.row.kernel not in self.kernels:
                raise ValueError(f"kernel set {self.name}: {kernel.row.kernel.symbol} is not in it")

    def specialize(self, step: Step, optimize: str) -> Step:
        """Return the step with this set's kernel, or as it is where there is none for it."""
        if len(step.calls) != 1:
            return step
        call = step.calls[0]
        replace = self.replacements.get(call.kernel)
        return step if replace is None else replace(step, call, optimize)
