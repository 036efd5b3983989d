"""Boards as data: each is a small file in `targets/`, loaded and checked here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifact import ROOT
from errors import ConfigError, nearest
from fields import Fields, load_toml
from target.sdk import SDK_BOARD, SDKS, Sdk, is_sdk, read_sdk
from target.sections import (
    CycleOptions,
    Emulator,
    Expect,
    Mcu,
    Tpu,
    flashers,
    read_cycles,
    read_emulator,
    read_expect,
    read_mcu,
    read_tpu,
)

TARGETS_DIR = ROOT / "targets"
KINDS = ("linux", "mcu", "tpu")
MEASURED_ON = ("hardware", "emulated", "host")
ENGINES = ("litert", "aot", "tflm", "edgetpu")
LINKS = ("exec", "tcp", "qemu", "serial", "ssh")
ARCHITECTURES = {
    "armv6": ("armv6l", "armv7l", "armv8l", "aarch64"),
    "armv7": ("armv7l", "armv8l", "aarch64"),
    "aarch64": ("aarch64",),
    "riscv64": ("riscv64",),
    "x86-64": ("x86_64",),
}
"""Instruction sets that engine aot compiles programs for Linux for; their machines as `uname -m` names them.

Whether a 64-bit Arm core runs 32-bit programs is the core's and the kernel's choice.
"""
USB_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")


@dataclass(frozen=True)
class Target:
    """One board. `measured_on` says what its numbers are measured on: hardware, an emulator or this host.

    `flasher` is the usual flasher of a microcontroller, empty if there is none; `other_flashers` are taken, in order,
    where its program is not installed; `flash_arguments` are what each flasher takes for this board, by its name.
    `sdk` is for boards that the user's own SDK builds for and flashes with `flasher`; these have no `mcu`.
    `usb` are the USB IDs of its serial port, as `0483:374b`. `tried` says how far the board was tried, "" where
    `measured_on` and the tests say it. `architecture` is that of a Linux board's programs, of ARCHITECTURES; it is
    empty where programs are this host's, and where engine aot does not serve the board. `cycles` is for modeled cycles.
    """

    name: str
    description: str
    kind: str
    measured_on: str
    cpu: str
    engine: str
    link: str
    architecture: str = ""
    flasher: str = ""
    other_flashers: tuple[str, ...] = ()
    flash_arguments: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    usb: tuple[str, ...] = ()
    tried: str = ""
    mcu: Mcu | None = None
    emulator: Emulator | None = None
    cycles: CycleOptions | None = None
    tpu: Tpu | None = None
    expect: Expect = dataclasses.field(default_factory=Expect)
    sdk: Sdk | None = None


def names() -> list[str]:
    """Names of the boards that there is a file for."""
    return sorted(path.stem for path in TARGETS_DIR.glob("*.toml"))


def load(name: str, option: str = "--target") -> Target:
    """Return the board of that name, which `option` has. Raises ConfigError if there is none or its file is wrong."""
    if is_sdk(name):
        return _sdk_target(name, option)
    if name not in names():
        raise ConfigError(f"{option} {name}: no such target; {nearest(name, names())}")
    return load_file(TARGETS_DIR / f"{name}.toml")


def _sdk_target(name: str, option: str) -> Target:
    sdk, _, board = name.partition(":")
    if not SDK_BOARD.fullmatch(board):
        raise ConfigError(
            f"{option} {name}: expected a board as {SDKS[sdk]} names it: letters, digits and . _ : / = @ -"
        )
    known = _known_sdk_board(sdk, board)
    if known:
        return known
    return Target(
        name=name.replace("/", "_"),  # a report's folder has this name
        description=f"any board of {SDKS[sdk]}, built and flashed by your own SDK",
        kind="mcu",
        measured_on="hardware",
        cpu=board,
        engine="aot",
        link="serial",
        tried="hardware: nothing yet",
        sdk=Sdk(sdk, board),
    )


def _known_sdk_board(sdk: str, board: str) -> Target | None:
    """Return the board of a TOML whose section [sdk] names this board, or whose own name it is; None if none does."""
    for name in names():
        target = load_file(TARGETS_DIR / f"{name}.toml")
        chosen = target.sdk.on(sdk, board, name) if target.sdk else None
        if chosen:
            return dataclasses.replace(target, name=f"{sdk}:{board}".replace("/", "_"), sdk=chosen)
    return None


def load_file(path: Path) -> Target:
    """Return the board that a TOML describes.

    Raises ConfigError naming the file, the key, what was expected and what it holds.
    """
    top = load_toml(path)
    keys = {f.name for f in dataclasses.fields(Target)} - {"name", "kind", "measured_on", "flash_arguments"}
    top.allow(keys | {"class", "where", "flash"})
    target = Target(
        name=path.stem,
        description=top.text("description"),
        kind=top.choice("class", KINDS),
        measured_on=top.choice("where", MEASURED_ON),
        cpu=top.text("cpu"),
        engine=top.choice("engine", ENGINES),
        link=top.choice("link", LINKS),
        architecture=top.choice("architecture", ARCHITECTURES) if "architecture" in top.values else "",
        flasher=top.choice("flasher", flashers()) if "flasher" in top.values else "",
        other_flashers=_other_flashers(top),
        flash_arguments=_flash_arguments(top),
        usb=_usb(top),
        tried=top.text("tried") if "tried" in top.values else "",
        mcu=read_mcu(top),
        emulator=read_emulator(top),
        cycles=read_cycles(top),
        tpu=read_tpu(top),
        expect=read_expect(top),
        sdk=read_sdk(top),
    )
    _check_sections(path.name, target)
    return target


def _check_sections(file: str, target: Target) -> None:
    if (target.kind == "mcu") != (target.mcu is not None or target.sdk is not None):
        raise ConfigError(f'{file}: section [mcu] or [sdk] belongs to class = "mcu", and is needed there')
    if target.mcu and target.sdk:
        raise ConfigError(f"{file}: sections [mcu] and [sdk]: expected one of them: our firmware or that of an SDK")
    if target.sdk and (target.link != "serial" or target.engine != "aot"):
        raise ConfigError(f'{file}: section [sdk] needs engine = "aot" and link = "serial"')
    if (target.kind == "tpu") != (target.tpu is not None):
        raise ConfigError(f'{file}: section [tpu] belongs to class = "tpu", and is needed there')
    if (target.other_flashers or target.flash_arguments) and target.mcu is None:
        raise ConfigError(f"{file}: key other_flashers and section [flash] belong to section [mcu]; remove them")
    if target.cycles and target.mcu is None:
        raise ConfigError(f"{file}: section [cycles] belongs to section [mcu]; remove it")
    if target.flasher and target.kind != "mcu":
        raise ConfigError(f'{file}: key flasher belongs to class = "mcu"; remove it')
    if target.architecture and target.kind != "linux":
        raise ConfigError(f'{file}: key architecture belongs to class = "linux"; remove it')
    if target.measured_on == "emulated" and target.emulator is None:
        raise ConfigError(f'{file}: section [emulator] is missing; where = "emulated" needs it')


def _flash_arguments(top: Fields) -> dict[str, tuple[str, ...]]:
    """Return the values of the table [flash]: lists of arguments by the name of a flasher."""
    section = top.table("flash", optional=True)
    if section is None:
        return {}
    section.allow(flashers())
    return {name: section.texts(name) for name in section.values}


def _other_flashers(top: Fields) -> tuple[str, ...]:
    names = top.texts("other_flashers", default=())
    if not set(names) <= set(flashers()):
        raise top.wrong("other_flashers", f"a list of {', '.join(flashers())}", list(names))
    return names


def _usb(top: Fields) -> tuple[str, ...]:
    ids = top.texts("usb", default=())
    if not all(USB_ID.fullmatch(one) for one in ids):
        raise top.wrong("usb", "a list of USB IDs such as 0483:374b", list(ids))
    return ids
