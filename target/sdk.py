"""Boards that the user's own SDK builds for: the table [sdk] of a target's TOML, and names such as zephyr:BOARD."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fields import Fields
from target.sections import ADDRESSES

SDKS = {"zephyr": "Zephyr", "arduino": "Arduino", "pio": "PlatformIO", "idf": "ESP-IDF"}
"""What the user's own SDK builds for, by the word before the colon, as in zephyr:nucleo_f746zg."""
SDK_BOARD = re.compile(r"[A-Za-z0-9][\w.:/=@-]{0,99}", re.ASCII)
MCU_KERNELS = ("portable", "dsp", "m7", "mve", "rv32")
"""Kernel sets for microcontrollers."""


@dataclass(frozen=True)
class SdkMemory:
    """What an SDK gives a program on a board: bytes of flash (its partition) and RAM, and the clock of the core.

    `own_flash_bytes` and `own_ram_bytes` are estimates of what the SDK itself takes of them.
    """

    flash_bytes: int
    ram_bytes: int
    clock_hz: int
    own_flash_bytes: int
    own_ram_bytes: int


@dataclass(frozen=True)
class Sdk:
    """What builds for a board in place of our firmware: one of SDKS, and the board as it names it.

    `kernels` is the set for the board's core, "" where no TOML says it, and then `memory` is None. `others` are the
    names of targets by which other SDKs build for the same board; `flash_by_sdk` has their partitions where these are
    of another size, in bytes.
    """

    name: str
    board: str
    kernels: str = ""
    memory: SdkMemory | None = None
    others: tuple[str, ...] = ()
    flash_by_sdk: Mapping[str, int] = field(default_factory=dict)

    def on(self, sdk: str, board: str, name: str) -> Sdk | None:
        """Return this board as another SDK names it, or by the name of its TOML; None if that SDK has no such board."""
        here = f"{self.name}:{self.board}"
        for listed in (here, *self.others):
            if listed == f"{sdk}:{board}" or (board == name and listed.startswith(f"{sdk}:")):
                others = tuple(other for other in (here, *self.others) if other != listed)
                memory = self.memory
                if memory and sdk in self.flash_by_sdk:
                    memory = dataclasses.replace(memory, flash_bytes=self.flash_by_sdk[sdk])
                return dataclasses.replace(self, name=sdk, board=listed.partition(":")[2], others=others, memory=memory)
        return None


def is_sdk(name: str) -> bool:
    """Return whether a name is that of a board which the user's own SDK builds for, as zephyr:nucleo_f746zg."""
    return name.partition(":")[0] in SDKS and ":" in name


def read_sdk(top: Fields) -> Sdk | None:
    """Return the table [sdk], None if it is not there. Raises ConfigError."""
    section = top.table("sdk", optional=True)
    if section is None:
        return None
    section.allow({"boards", "kernels", "flash_by_sdk", *(about.name for about in dataclasses.fields(SdkMemory))})
    listed = section.texts("boards")
    if not listed or not all(is_sdk(one) and SDK_BOARD.fullmatch(one.partition(":")[2]) for one in listed):
        raise section.wrong("boards", "a list of boards such as zephyr:teensy41, the usual one first", list(listed))
    name, _, board = listed[0].partition(":")
    flash = section.integer("flash_bytes", 1024, ADDRESSES)
    ram = section.integer("ram_bytes", 1024, ADDRESSES)
    memory = SdkMemory(
        flash,
        ram,
        clock_hz=section.integer("clock_hz", 1, 1 << 40),
        own_flash_bytes=section.integer("own_flash_bytes", 0, flash - 1),
        own_ram_bytes=section.integer("own_ram_bytes", 0, ram - 1),
    )
    by_sdk = section.table("flash_by_sdk", optional=True)
    if by_sdk:
        by_sdk.allow(SDKS)
    flashes = {key: by_sdk.integer(key, memory.own_flash_bytes, ADDRESSES) for key in by_sdk.values} if by_sdk else {}
    return Sdk(name, board, section.choice("kernels", MCU_KERNELS), memory, listed[1:], flashes)
