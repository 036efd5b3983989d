"""Boards as data: each is a small file in `targets/`, loaded and checked here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import ConfigError, nearest

TARGETS_DIR = Path(__file__).resolve().parent / "targets"
CLASSES = ("linux", "mcu", "tpu")
WHERE = ("hardware", "emulated", "host")
LINKS = ("exec", "tcp", "qemu", "serial", "ssh")


@dataclass(frozen=True)
class Mcu:
    """Facts of a microcontroller: what the linker script and CMake need. Sizes in bytes, addresses as they are mapped."""

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
class Target:
    """One board. `where` says whether its numbers are of hardware, of an emulator or of this host."""

    name: str
    description: str
    klass: str
    where: str
    cpu: str
    engine: str
    link: str
    mcu: Mcu | None = None
    emulator: Emulator | None = None


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
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path.name}: not a TOML file ({e})") from e
    top = _Section(path.name, "", table)
    mcu, emulator = top.section("mcu"), top.section("emulator")
    target = Target(
        name=path.stem,
        description=top.text("description"),
        klass=top.choice("class", CLASSES),
        where=top.choice("where", WHERE),
        cpu=top.text("cpu"),
        engine=top.text("engine"),
        link=top.choice("link", LINKS),
        mcu=_mcu(mcu) if mcu else None,
        emulator=_emulator(emulator) if emulator else None,
    )
    top.no_more()
    if (target.klass == "mcu") != (mcu is not None):
        raise ConfigError(f'{path.name}: section [mcu] belongs to class = "mcu", and is needed there')
    return target


def _mcu(section: _Section) -> Mcu:
    mcu = Mcu(
        board=section.text("board"),
        cpu_flags=section.text("cpu_flags"),
        kernels=section.text("kernels"),
        flash_origin=section.integer("flash_origin", 0, 0xFFFF_FFFF),
        flash_bytes=section.integer("flash_bytes", 1024, 1 << 32),
        ram_origin=section.integer("ram_origin", 0, 0xFFFF_FFFF),
        ram_bytes=section.integer("ram_bytes", 1024, 1 << 32),
        stack_bytes=section.integer("stack_bytes", 256, 1 << 24),
        clock_hz=section.integer("clock_hz", 1, 1 << 40),
        uart_baud=section.integer("uart_baud", 1200, 100_000_000, default=921_600),
    )
    section.no_more()
    return mcu


def _emulator(section: _Section) -> Emulator:
    emulator = Emulator(
        program=section.text("program"),
        machine=section.text("machine"),
        package=section.text("package"),
        arguments=section.texts("arguments"),
    )
    section.no_more()
    return emulator


class _Section:
    """One table of the file: takes keys out by name and type, and complains about what is left."""

    def __init__(self, file: str, name: str, table: Mapping[str, Any]) -> None:
        self._file, self._name, self._table = file, name, table
        self._asked: set[str] = set()

    def _take(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        value = self._table.get(key, default)
        if value is None:
            hint = [k for k in self._table if k not in self._asked]
            close = nearest(key, hint) if hint else ""
            raise ConfigError(
                f"{self._file}: key {self._path(key)} is missing{'; ' + close if 'mean' in close else ''}"
            )
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

    def section(self, key: str) -> _Section | None:
        """Take a table, None if it is not there."""
        self._asked.add(key)
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(key, "a table", value)
        return _Section(self._file, key, value)

    def no_more(self) -> None:
        """Raise ConfigError if the table has a key that nobody asked for."""
        for key in self._table:
            if key not in self._asked:
                raise ConfigError(f"{self._file}: key {self._path(key)} is not known; {nearest(key, self._asked)}")
