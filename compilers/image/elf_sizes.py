"""What an ELF image takes of flash and RAM, as the toolchain's own `size` and `nm` tell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import CompileError

ARENA = re.compile(r"arena|_ZZ\w+E5arena")  # of C, and of C++ in a function
_SECTION = re.compile(r"^(\.\S+)\s+(\d+)\s+(\d+)$", re.MULTILINE)
_SYMBOL = re.compile(r"^[0-9a-f]+ ([0-9a-f]+) \w (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """A section of an image: bytes, and the address where it begins when the program runs."""

    size: int = 0
    address: int = 0

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size


def sections_of(elf: Path, prefix: str = "") -> Mapping[str, Section]:
    """Return each section by name. `prefix` is the toolchain's, such as `arm-none-eabi-`."""
    found = _SECTION.findall(_run(f"{prefix}size", "-A", str(elf)))
    return {name: Section(int(size), int(address)) for name, size, address in found}


def symbol_sizes(elf: Path, prefix: str = "") -> Mapping[str, int]:
    """Return the bytes of each symbol that has a size, by name; of two with one name, the larger."""
    sizes: dict[str, int] = {}
    for size, name in _SYMBOL.findall(_run(f"{prefix}nm", "-S", str(elf))):
        sizes[name] = max(sizes.get(name, 0), int(size, 16))
    return sizes


def arena_bytes(elf: Path, prefix: str = "") -> int:
    """Return the bytes of the engine's arena, 0 if there is none."""
    return max((size for name, size in symbol_sizes(elf, prefix).items() if ARENA.fullmatch(name)), default=0)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as e:
        raise CompileError(f"{command[0]}: can't be run ({e.strerror}); install the compiler's binutils") from e
    if done.returncode:
        raise CompileError(f"{command[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout
