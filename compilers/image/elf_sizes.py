"""What an ELF image takes of flash and RAM: its sections and symbols."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from errors import CompileError

ARENA = re.compile(r"arena|_ZZ\w+E5arena")  # of C, and of C++ in a function


@dataclass(frozen=True)
class Section:
    """A section of an image: bytes, and the address where it begins when the program runs."""

    size: int = 0
    address: int = 0

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size


@dataclass(frozen=True)
class Sizes:
    """Sections by name, and the bytes of each symbol by name: of several symbols of one name, the largest."""

    sections: Mapping[str, Section]
    symbols: Mapping[str, int]

    def bytes_of(self, *names: str) -> int:
        """Return the bytes of sections together; one that is not there has none."""
        return sum(self.sections[name].size for name in names if name in self.sections)

    def end_of(self, *names: str) -> int:
        """Return the highest address behind any of these sections, 0 if there is none of them."""
        return max((self.sections[name].end for name in names if name in self.sections), default=0)

    @property
    def arena_bytes(self) -> int:
        """The bytes of the engine's arena, 0 if there is none."""
        return max((size for name, size in self.symbols.items() if ARENA.fullmatch(name)), default=0)


def read_sizes(elf: Path) -> Sizes:
    """Return the sizes in an image. Raises CompileError if it can't be read as ELF."""
    try:
        with elf.open("rb") as file:
            image = ELFFile(file)
            sections = {s.name: Section(int(s["sh_size"]), int(s["sh_addr"])) for s in image.iter_sections() if s.name}
            symbols: dict[str, int] = {}
            for table in image.iter_sections():
                for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                    symbols[symbol.name] = max(symbols.get(symbol.name, 0), int(symbol["st_size"]))
    except (OSError, ELFError) as e:
        raise CompileError(f"{elf}: not an ELF image ({e}); build it again") from e
    return Sizes(sections, symbols)
