"""What an instruction costs on each Cortex-M core, and on a RISC-V core: tables of rules, with their sources.

Memory without wait states, no interrupts, predictors and caches warm. docs/cycles.md says how far to trust them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = 1
"""Goes up with each change of a rule, so that figures of two versions are not compared."""
LEFT_OUT = (
    "flash wait states",
    "caches",
    "unaligned loads",
    "32-bit instructions that begin at half-words",
    "interrupts",
)
FLASH = ("flash wait states",)
"""Which of these a target's own flash_wait_states put in."""


@dataclass(frozen=True)
class SingleIssue:
    """A core on which each instruction has its own cycles: Cortex-M0+, M3, M4. All numbers are cycles.

    `load` is 1 on M3 and M4 for a load behind another. Lists of registers (LDM, POP) cost 1 and 1 for each register.
    `taken`, `call`, `far` are added by branches, calls, and returns and computed jumps. `pipelines_loads` says whether
    a load behind a load costs 1, `pipelines_moved_bases` whether also when it moves its base.
    """

    source: str
    store: int = 1
    load: int = 2
    double: int = 3
    taken: int = 2
    call: int = 2
    far: int = 2
    multiply_add: int = 1
    multiply_long: int = 1
    divide: int = 7
    pipelines_loads: bool = True
    pipelines_moved_bases: bool = True


@dataclass(frozen=True)
class InOrder:
    """A core that issues in order, up to `issue` instructions a cycle, when operands are ready: M33 to M85, Hazard3.

    Latencies count cycles from issue to the issue of a user: of a `load` of words, of `byte` loads, of a
    multiplication (`multiply`), of one to the accumulator of the next (`accumulate`), of `shifted` operands, of `dsp`
    instructions. With `early_operands` shifters and addresses need theirs a cycle sooner, with `early_factors`
    multiplications what was loaded. `taken`, `far` are added by taken branches, and returns and computed jumps;
    `loop_exit` by leaving a loop; with `predicts_backward` branches back add nothing. `registers_a_cycle` are moved by
    LDM, STM, PUSH and POP.
    """

    source: str
    issue: int = 1
    registers_a_cycle: int = 1
    double: int = 1
    taken: int = 0
    far: int = 3
    loop_exit: int = 0
    divide: int = 6
    conditional_block: int = 0
    shifted: int = 1
    dsp: int = 1
    multiply: int = 2
    accumulate: int = 1
    load: int = 1
    byte: int = 2
    early_operands: bool = False
    early_factors: bool = False
    predicts_backward: bool = False


Rules = SingleIssue | InOrder

CORES: Mapping[str, Rules] = {
    "m0": SingleIssue(
        "Arm DDI 0484 (Cortex-M0+ TRM), table 3-1",
        store=2, taken=1, divide=1, pipelines_loads=False,
    ),
    "m3": SingleIssue(
        "Arm DDI 0337 (Cortex-M3 TRM), 3.3; jnk0le/random, cortex_m3m4.md (STM32F103)",
        multiply_add=2, multiply_long=4, pipelines_moved_bases=False,
    ),
    "m4": SingleIssue("Arm 100166_0001 (Cortex-M4 TRM), table 3-1; jnk0le/random, cortex_m3m4.md (STM32F407)"),
    "m33": InOrder(
        "jnk0le/random, cortex_m33.md (RP2350); Arm publishes no table",
        double=2, taken=1, far=2, shifted=2, dsp=2, load=2,
    ),
    "m7": InOrder(
        "jnk0le/random, cortex_m7.md (STM32H743); LLVM ARMScheduleM7.td; Arm publishes no table",
        issue=2, registers_a_cycle=2, loop_exit=8, conditional_block=1, early_operands=True, early_factors=True,
    ),
    "m55": InOrder(
        "LLVM ARMScheduleM55.td (from Arm's Software Optimization Guide); slothy cortex_m55r1.py",
        taken=2, shifted=2, dsp=2, accumulate=2, load=2,
    ),
    "m85": InOrder(
        "jnk0le/random, cortex_m85.md; slothy cortex_m85r1.py",
        issue=2, loop_exit=9, multiply=1, early_operands=True,
    ),
    "hazard3": InOrder(
        "Hazard3's manual, Instruction Cycle Counts (RP2350); a loop's first and last branch are mispredicted",
        taken=1, far=1, loop_exit=2, divide=18, multiply=1, load=2, byte=2, predicts_backward=True,
    ),
}  # fmt: skip
