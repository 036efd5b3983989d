"""The tables [mcu], [emulator], [cycles], [tpu] and [expect] of a target's TOML: their types, and how each is read."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from artifact import ROOT
from errors import ConfigError
from fields import Fields

FIRMWARE_DIR = ROOT / "firmware"
FLASHERS_DIR = ROOT / "deploy" / "flashers"
EMULATED_UNITS = ("instructions", "rp2040js cycles")
ADDRESSES = 1 << 32
PICO_SDK = "pico-sdk"
"""The family of boards whose firmware the user's Pico SDK builds and our flashers flash; it has no folder here."""
PICO_BOARD = re.compile(r"[a-z0-9]\w{0,99}", re.ASCII)
TPU_DEVICE = re.compile(r"(usb|pci)(:\d{1,2})?|:\d{1,2}")
"""What libedgetpu takes for its option `device`, but for "any" (edgetpu_delegate_for_custom_op_tflite_plugin.cc)."""


@dataclass(frozen=True)
class Mcu:
    """Facts of a microcontroller for the linker script and CMake. Sizes in bytes, addresses as they are mapped.

    `family` and `board` are folders of firmware/families and firmware/boards; `toolchain` is a file of
    firmware/cmake/toolchain; `kernels` is a set of firmware/kernels. In the family PICO_SDK `board` is
    what the SDK calls it (PICO_BOARD), and the SDK has the compiler options: `cpu_flags` is empty.
    """

    family: str
    board: str
    toolchain: str
    cpu_flags: str
    kernels: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    stack_bytes: int
    clock_hz: int
    uart_baud: int = 921_600

    @property
    def by_pico_sdk(self) -> bool:
        """Whether the user's Pico SDK builds the firmware."""
        return self.family == PICO_SDK


@dataclass(frozen=True)
class Emulator:
    """How an emulator is started for a target: program, machine, and what it adds to the command.

    `unit` is what the board's counter counts there; no time can be had from any of them.
    """

    program: str
    machine: str
    package: str
    arguments: tuple[str, ...] = ()
    unit: str = "instructions"


@dataclass(frozen=True)
class Tpu:
    """Which of a host's Edge TPUs is meant: usb, usb:N, pci, pci:N or :N, in libedgetpu's order."""

    device: str


@dataclass(frozen=True)
class Expect:
    """What a device says of itself if it is this board; "" is not compared.

    `core` is in place of the target's `cpu`, where an emulator has another; `machine` is that of `uname -m`, or
    a microcontroller's chip as its firmware names it; `model` is in the device tree's model.
    """

    core: str = ""
    machine: str = ""
    model: str = ""


@dataclass(frozen=True)
class CycleOptions:
    """How a board's flash waits, for modeled cycles: `flash_wait_states` at its clock for each line of `line_bytes`.

    Lines that were read last are kept: `code_lines` of instructions and `data_lines` of constants, 1 without a cache.
    """

    flash_wait_states: int = 0
    line_bytes: int = 16
    code_lines: int = 1
    data_lines: int = 1


def families() -> list[str]:
    """Names of the families of boards: folders of firmware/families that a target can name, and PICO_SDK."""
    return sorted([PICO_SDK, *(path.parent.name for path in FIRMWARE_DIR.glob("families/*/family.cmake"))])


def boards() -> list[str]:
    """Names of the folders of firmware/boards."""
    return sorted(path.parent.name for path in FIRMWARE_DIR.glob("boards/*/board.h"))


def toolchains() -> list[str]:
    """Names of the toolchains: files of firmware/cmake/toolchain."""
    return sorted(path.stem for path in FIRMWARE_DIR.glob("cmake/toolchain/*.cmake"))


def kernel_sets() -> list[str]:
    """Names of the kernel sets: folders of firmware/kernels."""
    return sorted(path.name for path in FIRMWARE_DIR.glob("kernels/*/") if path.is_dir())


def flashers() -> list[str]:
    """Names of the flashers: modules of deploy/flashers."""
    return sorted(path.stem.replace("_", "-") for path in FLASHERS_DIR.glob("[a-z]*.py"))


def read_mcu(top: Fields) -> Mcu | None:
    """Return the table [mcu], None if it is not there. Raises ConfigError, as the others do."""
    section = _section(top, "mcu", Mcu)
    if section is None:
        return None
    family = section.choice("family", families())
    is_sdk_board = family == PICO_SDK
    if is_sdk_board and "cpu_flags" in section.values:
        raise ConfigError(f"{top.source.name}: key mcu.cpu_flags: the Pico SDK has its own; remove it")
    mcu = Mcu(
        family=family,
        board=_pico_board(section) if is_sdk_board else section.choice("board", boards()),
        toolchain=section.choice("toolchain", toolchains()),
        cpu_flags="" if is_sdk_board else section.text("cpu_flags"),
        kernels=section.choice("kernels", kernel_sets()),
        flash_origin=section.integer("flash_origin", 0, ADDRESSES - 1),
        flash_bytes=section.integer("flash_bytes", 1024, ADDRESSES),
        ram_origin=section.integer("ram_origin", 0, ADDRESSES - 1),
        ram_bytes=section.integer("ram_bytes", 1024, ADDRESSES),
        stack_bytes=section.integer("stack_bytes", 256, 1 << 24),
        clock_hz=section.integer("clock_hz", 1, 1 << 40),
        uart_baud=section.integer("uart_baud", 1200, 100_000_000, default=921_600),
    )
    _check_memory(top.source.name, mcu)
    return mcu


def _pico_board(section: Fields) -> str:
    return section.text("board", pattern=PICO_BOARD, expected="a board as the Pico SDK names it, as pico_w")


def _check_memory(file: str, mcu: Mcu) -> None:
    for name, origin, size in (("flash", mcu.flash_origin, mcu.flash_bytes), ("ram", mcu.ram_origin, mcu.ram_bytes)):
        if origin + size > ADDRESSES:
            raise ConfigError(f"{file}: key mcu.{name}_bytes: {name} would end at {origin + size:#x}, beyond 32 bits")
    if mcu.flash_origin < mcu.ram_origin + mcu.ram_bytes and mcu.ram_origin < mcu.flash_origin + mcu.flash_bytes:
        raise ConfigError(f"{file}: section [mcu]: flash and ram overlap; see their origin and bytes")
    if mcu.stack_bytes >= mcu.ram_bytes:
        raise ConfigError(
            f"{file}: key mcu.stack_bytes: expected less than ram_bytes, {mcu.ram_bytes}, got {mcu.stack_bytes}"
        )


def read_emulator(top: Fields) -> Emulator | None:
    """Return the table [emulator], None if it is not there."""
    section = _section(top, "emulator", Emulator)
    if section is None:
        return None
    return Emulator(
        program=section.text("program"),
        machine=section.text("machine"),
        package=section.text("package"),
        arguments=section.texts("arguments", default=()),
        unit=section.choice("unit", EMULATED_UNITS, default=Emulator.unit),
    )


def read_cycles(top: Fields) -> CycleOptions | None:
    """Return the table [cycles], None if it is not there."""
    section = _section(top, "cycles", CycleOptions)
    if section is None:
        return None
    return CycleOptions(
        flash_wait_states=section.integer("flash_wait_states", 0, 64),
        line_bytes=section.integer("line_bytes", 4, 128, default=CycleOptions.line_bytes),
        code_lines=section.integer("code_lines", 1, 4096, default=1),
        data_lines=section.integer("data_lines", 1, 4096, default=1),
    )


def read_tpu(top: Fields) -> Tpu | None:
    """Return the table [tpu], None if it is not there."""
    section = _section(top, "tpu", Tpu)
    if section is None:
        return None
    return Tpu(section.text("device", pattern=TPU_DEVICE, expected="usb:N, pci:N, usb, pci or :N"))


def read_expect(top: Fields) -> Expect:
    """Return the table [expect]; where it is not there, what compares nothing."""
    section = _section(top, "expect", Expect)
    return Expect(**{name: section.text(name) for name in section.values}) if section else Expect()


def _section(top: Fields, name: str, kind: type[Mcu | Emulator | Tpu | Expect | CycleOptions]) -> Fields | None:
    section = top.table(name, optional=True)
    if section:
        section.allow({field.name for field in dataclasses.fields(kind)})
    return section
