"""Boards as data: each is a small file in `targets/`, loaded and checked here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from errors import ConfigError, nearest

ROOT = Path(__file__).resolve().parent
TARGETS_DIR = ROOT / "targets"
BOARDS_DIR = ROOT / "firmware" / "boards"
KINDS = ("linux", "mcu", "tpu")
MEASURED_ON = ("hardware", "emulated", "host")
ENGINES = ("litert", "aot", "tflm", "edgetpu")
KERNELS = ("portable", "dsp", "mve")
LINKS = ("exec", "tcp", "qemu", "serial", "ssh")
ADDRESSES = 1 << 32
TPU_DEVICE = re.compile(r"(usb|pci)(:\d{1,2})?|:\d{1,2}")
"""What libedgetpu takes for its option `device`, but for "any" (edgetpu_delegate_for_custom_op_tflite_plugin.cc)."""


@dataclass(frozen=True)
class Mcu:
    """Facts of a microcontroller for the linker script and CMake. Sizes in bytes, addresses as they are mapped."""

    board: str
    cpu_flags: str
    kernels: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    stack_bytes: int
    clock_hz: int
    uart_baud: int = 921_600


@dataclass(frozen=True)
class Emulator:
    """How QEMU is started for a target: machine, and what it adds to the command."""

    program: str
    machine: str
    package: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tpu:
    """Which of a host's Edge TPUs is meant: usb, usb:N, pci, pci:N or :N, in libedgetpu's order."""

    device: str


@dataclass(frozen=True)
class Target:
    """One board. `measured_on` says what its numbers are measured on: hardware, an emulator or this host."""

    name: str
    description: str
    kind: str
    measured_on: str
    cpu: str
    engine: str
    link: str
    mcu: Mcu | None = None
    emulator: Emulator | None = None
    tpu: Tpu | None = None


def names() -> list[str]:
    """Names of the boards that there is a file for."""
    return sorted(path.stem for path in TARGETS_DIR.glob("*.toml"))


def load(name: str) -> Target:
    """Return the board of that name. Raises ConfigError if there is none or its file is wrong."""
    if name not in names():
        raise ConfigError(f"--target {name}: no such target; {nearest(name, names())}")
    return load_file(TARGETS_DIR / f"{name}.toml")


def load_file(path: Path) -> Target:
    """Return the board that a TOML describes.

    Raises ConfigError naming the file, the key, what was expected and what was found.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path.name}: not a TOML file ({e})") from e
    keys = {f.name for f in fields(Target)} - {"name", "kind", "measured_on"} | {"class", "where"}
    top = _Section(path.name, "", table, keys)
    mcu, emulator, tpu = top.section("mcu", Mcu), top.section("emulator", Emulator), top.section("tpu", Tpu)
    target = Target(
        name=path.stem,
        description=top.text("description"),
        kind=top.choice("class", KINDS),
        measured_on=top.choice("where", MEASURED_ON),
        cpu=top.text("cpu"),
        engine=top.choice("engine", ENGINES),
        link=top.choice("link", LINKS),
        mcu=_mcu(mcu) if mcu else None,
        emulator=_emulator(emulator) if emulator else None,
        tpu=Tpu(tpu.matching("device", TPU_DEVICE, "usb:N, pci:N, usb, pci or :N")) if tpu else None,
    )
    _check_sections(path.name, target)
    if target.mcu:
        _check_memory(path.name, target.mcu)
    return target


def _check_sections(file: str, target: Target) -> None:
    if (target.kind == "mcu") != (target.mcu is not None):
        raise ConfigError(f'{file}: section [mcu] belongs to class = "mcu", and is needed there')
    if (target.kind == "tpu") != (target.tpu is not None):
        raise ConfigError(f'{file}: section [tpu] belongs to class = "tpu", and is needed there')
    if target.measured_on == "emulated" and target.emulator is None:
        raise ConfigError(f'{file}: section [emulator] is missing; where = "emulated" needs it')


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


def _mcu(section: _Section) -> Mcu:
    boards = tuple(sorted(path.name for path in BOARDS_DIR.iterdir() if path.is_dir()))
    return Mcu(
        board=section.choice("board", boards),
        cpu_flags=section.text("cpu_flags"),
        kernels=section.choice("kernels", KERNELS),
        flash_origin=section.integer("flash_origin", 0, ADDRESSES - 1),
        flash_bytes=section.integer("flash_bytes", 1024, ADDRESSES),
        ram_origin=section.integer("ram_origin", 0, ADDRESSES - 1),
        ram_bytes=section.integer("ram_bytes", 1024, ADDRESSES),
        stack_bytes=section.integer("stack_bytes", 256, 1 << 24),
        clock_hz=section.integer("clock_hz", 1, 1 << 40),
        uart_baud=section.integer("uart_baud", 1200, 100_000_000, default=921_600),
    )


def _emulator(section: _Section) -> Emulator:
    return Emulator(
        program=section.text("program"),
        machine=section.text("machine"),
        package=section.text("package"),
        arguments=section.texts("arguments"),
    )


class _Section:
    """One table of the file: complains about keys that it does not know, and gives out the others by name and type."""

    def __init__(self, file: str, name: str, table: Mapping[str, Any], known: Collection[str]) -> None:
        self._file, self._name, self._table = file, name, table
        for key in table:
            if key not in known:
                raise ConfigError(f"{file}: key {self._path(key)} is not known; {nearest(key, known)}")

    def _take(self, key: str, default: Any = None) -> Any:
        value = self._table.get(key, default)
        if value is None:
            raise ConfigError(f"{self._file}: key {self._path(key)} is missing")
        return value

    def _path(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _wrong(self, key: str, expected: str, found: Any) -> ConfigError:
        return ConfigError(f"{self._file}: key {self._path(key)}: expected {expected}, got {found!r}")

    def text(self, key: str) -> str:
        """Take a string that is not empty."""
        value = self._take(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a string", value)
        return value

    def matching(self, key: str, pattern: re.Pattern[str], expected: str) -> str:
        """Take a string that is of a form."""
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise self._wrong(key, expected, value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of strings, empty if the key is not there."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of strings", value)
        return tuple(value)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """Take one of a few words."""
        value = self._take(key)
        if value not in allowed:
            raise self._wrong(key, f"one of {', '.join(allowed)}", value)
        return str(value)

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Take an integer within bounds, both included."""
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._wrong(key, f"an integer from {low} to {high}", value)
        return value

    def section(self, key: str, kind: type[Mcu] | type[Emulator] | type[Tpu]) -> _Section | None:
        """Take the table that holds the fields of `kind`, None if it is not there."""
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(key, "a table", value)
        return _Section(self._file, key, value, {field.name for field in fields(kind)})
