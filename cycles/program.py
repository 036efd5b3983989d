"""A program as its ELF file has it: instructions by address, functions, what is loaded, and lines of C."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

import process
from cycles import riscv
from cycles.instruction import Instruction, parse
from errors import CompileError

DISASSEMBLER = "llvm-objdump"
PACKAGE = "llvm"
RISCV = "rv32imac"
"""In place of a CPU: RISC-V of 32 bits, with what Hazard3 has."""
_LINE = re.compile(r"^\s*([0-9a-f]+): ((?:[0-9a-f]{2} )+)\s*\t(\S+)(?:\t(.*))?$", re.M)
_TIMEOUT_S = 120.0
_KEPT_BYTES = 1 << 27


@dataclass(frozen=True)
class Segment:
    """Bytes that are loaded, and where they are when the program runs."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Program:
    """A program for Arm Cortex-M or RISC-V. `lines` are (address, file name, line of C) in order of the addresses."""

    code: Mapping[int, Instruction]
    functions: Sequence[tuple[int, str]]
    segments: Sequence[Segment]
    lines: Sequence[tuple[int, str, int]]

    @cached_property
    def _starts(self) -> list[int]:
        return [address for address, _ in self.functions]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [address for address, _, _ in self.lines]

    def function_at(self, address: int) -> str:
        """Return the name of the function that an address is in, "" before the first."""
        place = bisect.bisect_right(self._starts, address) - 1
        return self.functions[place][1] if place >= 0 else ""

    def line_at(self, address: int) -> tuple[str, int]:
        """Return the file name and line that the instruction at an address was compiled from, ("", 0) if unknown."""
        place = bisect.bisect_right(self._line_starts, address) - 1
        return self.lines[place][1:] if place >= 0 else ("", 0)

    def has(self, address: int) -> bool:
        """Whether an address is in what is loaded."""
        return any(part.address <= address < part.address + len(part.data) for part in self.segments)

    def block(self, address: int, count: int) -> list[Instruction]:
        """Return so many instructions from an address on; those of other programs are left out."""
        out = list[Instruction]()
        while len(out) < count and (one := self.code.get(address)):
            out.append(one)
            address = one.end
        return out


def read(elf: Path, cpu: str, *, lines: bool = True) -> Program:
    """Return the program of an ELF file; `cpu` is the core as llvm-objdump names it. `lines` False leaves them out.

    Raises CompileError if the file can't be read or the disassembler is missing.
    """
    try:
        with elf.open("rb") as file:
            image = ELFFile(file)
            segments = [
                Segment(int(part["p_vaddr"]), part.data())
                for part in image.iter_segments("PT_LOAD")
                if part["p_filesz"]
            ]
            functions, known_lines = _functions(image), _lines(image) if lines else []
    except (OSError, ELFError, ValueError) as e:
        raise CompileError(f"{elf}: expected an ELF image ({e}); build it again") from e
    return Program(_disassemble(elf, cpu), functions, segments, known_lines)


def functions_of(elf: Path) -> list[tuple[int, str]]:
    """Return the address and name of each function of an ELF file, by address."""
    with elf.open("rb") as file:
        return _functions(ELFFile(file))


def _functions(image: ELFFile) -> list[tuple[int, str]]:
    found = set()
    for table in image.iter_sections():
        if not isinstance(table, SymbolTableSection):
            continue
        for symbol in table.iter_symbols():
            section, kind = symbol["st_shndx"], symbol["st_info"]["type"]
            is_named = symbol.name and not symbol.name.startswith("$") and kind != "STT_SECTION"
            if not isinstance(section, int) or not is_named:
                continue
            if image.get_section(section)["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
                found.add((int(symbol["st_value"]) & ~1, symbol.name))
    return sorted(found)


def _lines(image: ELFFile) -> list[tuple[int, str, int]]:
    if not image.has_dwarf_info():
        return []
    dwarf, found = image.get_dwarf_info(), list[tuple[int, str, int]]()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = program["file_entry"]
        first = 0 if program["version"] >= 5 else 1
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            name = "" if state.end_sequence else files[state.file - first].name.decode("utf-8", "replace")
            found.append((state.address, name, 0 if state.end_sequence else state.line))
    # Of entries at one address the last holds; the end of a sequence gives way to the next that begins there.
    return sorted(found, key=lambda entry: (entry[0], entry[1] != ""))


def _disassemble(elf: Path, cpu: str) -> dict[int, Instruction]:
    is_riscv = cpu == RISCV
    chosen = ["--triple=riscv32", "--mattr=+m,+a,+c"] if is_riscv else [f"--mcpu={cpu}", "--triple=thumb-none-eabi"]
    command, read_one = [DISASSEMBLER, "-d", *chosen, str(elf)], riscv.parse if is_riscv else parse
    finished = process.run(command, error=CompileError, timeout_s=_TIMEOUT_S, install=PACKAGE, kept_bytes=_KEPT_BYTES)
    return {
        int(at, 16): read_one(int(at, 16), len(data.split()), name, operands)
        for at, data, name, operands in _LINE.findall(finished.stdout)
    }
