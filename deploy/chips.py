"""What chip is under a probe: the registers that say so, by the names that targets have in [expect] machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from target import Target

DBGMCU = 0xE0042000
DEVICE_ID = 0xFFF


@dataclass(frozen=True)
class Chip:
    """A chip: (the word at `address`) & `mask` is `value`."""

    name: str
    address: int
    mask: int
    value: int


# DBGMCU_IDCODE of ST's reference manuals, FICR INFO.PART of Nordic's, SYSINFO CHIP_ID of the RP2040's datasheet.
CHIPS = (
    Chip("STM32F405 or F407", DBGMCU, DEVICE_ID, 0x413),
    Chip("STM32F446", DBGMCU, DEVICE_ID, 0x421),
    Chip("STM32F401xC", DBGMCU, DEVICE_ID, 0x423),
    Chip("STM32F401xE", DBGMCU, DEVICE_ID, 0x433),
    Chip("STM32F411", DBGMCU, DEVICE_ID, 0x431),
    Chip("STM32L47x", DBGMCU, DEVICE_ID, 0x415),
    Chip("STM32F746", DBGMCU, DEVICE_ID, 0x449),
    Chip("STM32H743", 0x5C001000, DEVICE_ID, 0x450),
    Chip("nRF52840", 0x10000100, 0xFFFFFFFF, 0x52840),
    Chip("RP2040", 0x40000000, 0x0FFFFFFF, 0x2927),
    Chip("RP2350", 0x40000000, 0x0FFFFFFF, 0x4927),
)


def expected(target: Target) -> Chip | None:
    """Return the chip of a target, None if no register is known that says it."""
    return next((chip for chip in CHIPS if chip.name == target.expect.machine), None)


def received(expected: Chip, word: int) -> str:
    """Return the name of the chip whose register has a word, or its number where it is not known."""
    value = word & expected.mask
    names = [chip.name for chip in CHIPS if (chip.address, chip.value) == (expected.address, value)]
    return names[0] if names else f"a chip with ID {value:#x}"


def first_word(pattern: str, text: str) -> int | None:
    """Return the hexadecimal number that a pattern's group finds in a tool's output, None if there is none."""
    match = re.search(pattern, text)
    return int(match[1], 16) if match else None
