"""Modeled cycles of one inference: of the whole, of each function and of each operator."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cycles import emulation, in_order, program, riscv, rules, single_issue
from cycles.emulation import Block, Flash, Inference, Passage
from cycles.instruction import Instruction
from cycles.program import DISASSEMBLER, Program
from cycles.rules import Rules, SingleIssue
from errors import DeviceError

DECODED_AS = {"m0": "cortex-m0plus", "m85": "cortex-m55", "hazard3": program.RISCV}
"""Cores that llvm-objdump 14 has another name for, or one that decodes the same instructions."""
NAMES = {"cortex-m0plus": "m0", "rv32imc": "hazard3"}
"""What the rules call a CPU where it is not its name."""
CALLS = {"bl", "blx"} | riscv.CALLS
_LEAD = 8
"""Instructions before a block that may still hold it up."""
BETWEEN_OPERATORS = "_ZN6tflite14MicroAllocator20ResetTempAllocationsEv"
"""What TFLite-Micro calls behind each operator, and nowhere else in an inference."""
_PARAMETERS = re.compile(r"&step0*(\d+)_")
_PLACES = re.compile(r"STEPS?0*(\d+)_")


@dataclass(frozen=True)
class Cost:
    """Instructions that ran, their modeled cycles, and branches that were taken."""

    instructions: int = 0
    cycles: int = 0
    taken: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.instructions + other.instructions, self.cycles + other.cycles, self.taken + other.taken)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.instructions * times, self.cycles * times, self.taken * times)


@dataclass(frozen=True)
class Modeled:
    """One inference on a core by the rules of a version. `functions` are by falling cycles.

    `operators` has the cost of each operator by its number; what the engine does between two counts with the second.
    `outputs` are the bytes of all outputs. `flash` is what was added for flash, None where it does not wait.
    """

    core: str
    rules_version: int
    total: Cost
    functions: tuple[tuple[str, Cost], ...]
    operators: dict[int, Cost]
    outputs: bytes
    flash: Flash | None = None


def core_name(cpu: str) -> str:
    """Return what the rules call a CPU of a target; there may be none for it."""
    return NAMES.get(cpu, cpu.removeprefix("cortex-"))


def price(
    elf: Path, cores: Sequence[str], machine: str, data: bytes, source: Path | None = None, flash: Flash | None = None
) -> list[Modeled]:
    """Run the engine of a firmware image once on the bytes of its inputs; return what ran, priced for each core.

    `machine` is QEMU's, of emulation.FREE_ORIGINS, that the image was linked for; `source` is the network's C that the
    image was compiled from, without which our engine's operators are not told apart; TFLite-Micro's always are. All
    `cores` run the image's instructions; it is decoded as for the first.
    Raises DeviceError if it does not run, CompileError if a tool is missing.
    """
    image = program.read(elf, DECODED_AS.get(cores[0], f"cortex-{cores[0]}"), lines=source is not None)
    between = next((address for address, name in image.functions if name == BETWEEN_OPERATORS), None)
    calls = _calls(image, source) if source else {} if between is None else {between: emulation.NEXT_OPERATOR}
    inference = emulation.run(elf, image, machine, data, calls, flash)
    first = -1 if between is None else 0
    return [_priced(core, image, inference, first, flash) for core in cores]


def _priced(core: str, image: Program, inference: Inference, first: int, flash: Flash | None) -> Modeled:
    """Return what an inference costs on a core; `first` is the operator of what ran before any was counted."""
    price_passage = _pricer(image, rules.CORES[core])
    functions: dict[str, Cost] = {}
    operators: dict[int, Cost] = {}
    for passage, runs in inference.passages.items():
        waits = Cost(cycles=runs.fills * flash.wait_states) if flash else Cost()
        cost = price_passage(passage) * runs.times + waits
        name = image.function_at(passage.block.address)
        functions[name] = functions.get(name, Cost()) + cost
        operator = passage.operator + 1 + first
        operators[operator] = operators.get(operator, Cost()) + cost
    known = {operator: operators[operator] for operator in sorted(operators) if operator >= 0}
    by_cycles = sorted(((n, c) for n, c in functions.items() if c.instructions), key=lambda item: -item[1].cycles)
    total = sum(functions.values(), Cost())
    return Modeled(core, rules.VERSION, total, tuple(by_cycles), known, inference.outputs, flash)


def _calls(image: Program, source: Path) -> dict[int, int]:
    """Return the operator that each block of the network's own C calls, by where the block begins.

    A block may begin in what a header's function was compiled to: all of a function counts that has lines of the
    source.
    """
    steps = _steps_by_line(source.read_text(encoding="utf-8"))
    names = {image.function_at(address) for address in image.code if image.line_at(address)[0] == source.name}
    own = sorted(address for address in image.code if image.function_at(address) in names)
    found: dict[int, int] = {}
    following: int | None = None
    for address in reversed(own):
        one = image.code[address]
        if one.is_jump:
            leaves = one.name in CALLS or (one.target >= 0 and image.function_at(one.target) not in names)
            file, line = image.line_at(address)
            following = steps.get(line) if leaves and file == source.name else None
        if following is not None:
            found[address] = following
    return found


def _steps_by_line(text: str) -> dict[int, int]:
    """Return the operator that the statement on each line of generated C names: by its parameters, else its output."""
    found: dict[int, int] = {}
    lines: list[int] = []
    statement = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("//"):
            continue
        lines.append(number)
        statement += line
        if line.rstrip().endswith((";", "{", "}")):
            named = [int(step) for step in _PARAMETERS.findall(statement)]
            named = named or [int(step) for step in _PLACES.findall(statement)]
            found.update(dict.fromkeys(lines, max(named)) if named else {})
            lines, statement = [], ""
    return found


def _pricer(image: Program, core: Rules) -> Callable[[Passage], Cost]:
    """Return what prices a block between the one before it and what ran behind it."""

    @functools.cache
    def price_block(before: Block, block: Block, after: int) -> Cost:
        here = image.block(block.address, block.instructions)
        if not here and not image.has(block.address):  # of the stub
            return Cost()
        if len(here) < block.instructions:
            where = f"{image.function_at(block.address)} at {block.address:#x}"
            raise DeviceError(f"{where}: {DISASSEMBLER} can't decode an instruction; use LLVM 14 or newer")
        lead, last = image.block(before.address, before.instructions)[-_LEAD:], here[-1]
        if isinstance(core, SingleIssue):
            cycles = sum(single_issue.cycles(lead + here, core)) - sum(single_issue.cycles(lead, core))
        else:
            cycles = in_order.issues(lead + here, core)[-1] - in_order.issues(lead, core)[-1]
        is_taken = last.is_jump and after != last.end
        return Cost(len(here), cycles + _branch(last, is_taken, core), int(is_taken))

    return lambda passage: price_block(passage.before, passage.block, passage.after)


def _branch(last: Instruction, is_taken: bool, core: Rules) -> int:
    """Return what the jump at the end of a block adds."""
    goes_back = last.is_jump and 0 <= last.target <= last.address
    if is_taken:
        predicted = goes_back and not isinstance(core, SingleIssue) and core.predicts_backward
        if last.name.startswith("le") or (predicted and last.name not in ("j", *CALLS)):
            return 0
        if last.is_far:
            return core.far
        return core.call if isinstance(core, SingleIssue) and last.name == "bl" else core.taken
    return core.loop_exit if goes_back and not isinstance(core, SingleIssue) else 0
