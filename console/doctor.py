"""What `inv doctor` looks at: the tools, emulators, data and devices that are there, and how to get the others."""

from __future__ import annotations

import grp
import json
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import process
from artifact import ROOT
from errors import Error

BENCH = ROOT / "bench.toml"
SYSTEM_PACKAGES = ROOT / "system_packages.txt"
FREE_BYTES_WANTED = 4 << 30  # .venv is 2.4 GB
TOOL_TIMEOUT_S = 5.0

# Distributions that decide what bytes come out, and for what they are.
LIBRARIES = {
    "tensorflow": "training, int8 conversion",
    "keras": "networks, training",
    "ai-edge-litert": "inference here and on Linux boards",
    "fabric": "boards over SSH",
    "tflite-micro": "engine tflm, target host-tflm",
    "pyserial": "boards on a serial port",
}
# Program, for what, and how to get it where `system_packages.txt` does not say.
TOOLS = (
    ("gcc", "target host-fw, C tests", "apt install gcc"),
    ("arm-none-eabi-gcc", "microcontrollers", ""),
    ("cmake", "firmware", ""),
    ("ninja", "firmware", ""),
    ("qemu-system-arm", "emulated microcontrollers", ""),
    ("qemu-system-aarch64", "target qemu-rpi4", ""),
    ("ssh", "Raspberry Pi and Coral boards", ""),
    ("openocd", "flashing over a debug probe", "apt install openocd"),
    ("dfu-util", "flashing over USB", "apt install dfu-util"),
    ("edgetpu_compiler", "targets coral-*", "Coral's Debian repository, or --compile-on"),
)
FILES = (
    ("newlib", "/usr/lib/arm-none-eabi/newlib/libc.a", "microcontrollers"),
    ("C++ for Arm", "/usr/lib/arm-none-eabi/newlib/libstdc++_nano.a", "engine tflm on microcontrollers"),
    ("Fashion-MNIST", "/usr/share/datasets/fashion-mnist", "--data fashion_mnist, offline"),
)


@dataclass(frozen=True)
class Row:
    """One thing looked for. `found` is its version, path or size, empty if it is not there."""

    what: str
    found: str
    needed_for: str
    install: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether it was looked for and not found."""
        return not self.found


def examine() -> list[Row]:
    """Look for everything. Starts each tool once to ask its version, all at the same time; imports no library."""
    checks: list[Callable[[], Iterable[Row]]] = [_python, _libraries, _files, _disk, _serial_ports, _bench]
    with ThreadPoolExecutor(max_workers=len(TOOLS)) as pool:
        tools = pool.map(lambda tool: _tool(*tool), TOOLS)
        rows = [row for check in checks[:2] for row in check()] + list(tools)
    return rows + [row for check in checks[2:] for row in check()]


def print_doctor(as_json: bool = False) -> None:
    """Print what `examine` found as a table, or as a JSON list for programs."""
    rows = examine()
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("what", "found", "needed for", "get it by", header_style="bold", box=None, pad_edge=False)
    for row in rows:
        found = "[red]missing[/red]" if row.is_missing else escape(row.found)
        table.add_row(escape(row.what), found, escape(row.needed_for), escape(row.install) if row.is_missing else "")
    Console(highlight=False).print(table)


def _python() -> Iterable[Row]:
    yield Row("Python", platform.python_version(), "everything")
    venv = ROOT / ".venv"
    inside = Path(sys.prefix).resolve() == venv.resolve()
    stamp = venv / "lock.sha256"
    state = "as locked" if stamp.is_file() else "made by hand"
    yield Row(".venv", state if inside else "", "everything", "run ./inv instead of invoke")


def _libraries() -> Iterable[Row]:
    for name, needed_for in LIBRARIES.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = ""
        yield Row(name, version, needed_for, "./inv")


def _tool(program: str, needed_for: str, install: str) -> Row:
    path = shutil.which(program)
    return Row(program, _version(path) if path else "", needed_for, install or _apt(program))


def _version(path: str) -> str:
    """Ask a program its version; its path if it does not tell."""
    flag = "-V" if Path(path).name == "ssh" else "--version"
    try:
        finished = process.run([path, flag], error=Error, timeout_s=TOOL_TIMEOUT_S, check=False)
    except Error:
        return f"{path} (does not run)"
    number = re.search(r"\d+(\.\d+)+\w*", re.sub(r"\(.*?\)", "", finished.stdout + finished.stderr))
    return number[0] if number else path


def _apt(probe: str) -> str:
    """Return the command that installs the package `system_packages.txt` names for a program or file."""
    for line in SYSTEM_PACKAGES.read_text().splitlines():
        fields = line.split("#")[0].split()
        if fields[3:] == [probe]:
            return f"apt install {fields[2]}"
    return ""


def _files() -> Iterable[Row]:
    for name, path, needed_for in FILES:
        yield Row(name, "there" if Path(path).exists() else "", needed_for, _apt(path))


def _disk() -> Iterable[Row]:
    free = shutil.disk_usage(ROOT).free
    enough = free >= FREE_BYTES_WANTED
    size = f"{free / 1e9:.1f} GB free"
    yield Row("disk", size if enough else "", ".venv, build and reports", f"{size}; free some to have 4 GB")


def _serial_ports() -> Iterable[Row]:
    from serial.tools import list_ports

    ports = sorted(list_ports.comports(), key=lambda port: port.device)
    if not ports:
        yield Row("serial ports", "none plugged in", "boards on a serial port")
    for port in ports:
        yield Row(port.device, port.description, "boards on a serial port")
        if not os.access(port.device, os.R_OK | os.W_OK):
            yield Row(f"access to {port.device}", "", "boards on a serial port", _group_hint(port.device))


def _group_hint(device: str) -> str:
    try:
        group = grp.getgrgid(os.stat(device).st_gid).gr_name
    except (OSError, KeyError):
        group = "dialout"
    return f"sudo usermod -aG {group} $USER, then log in again"


def _bench() -> Iterable[Row]:
    """Yield the devices of bench.toml, each by whether its port is there; a host name is not tried."""
    if not BENCH.is_file():
        return
    try:
        devices = tomllib.loads(BENCH.read_text())
    except (OSError, ValueError) as e:
        yield Row(BENCH.name, "", "your devices", f"correct it: {e}")
        return
    for name, device in devices.items():
        link = str(device.get("link", "")) if isinstance(device, dict) else ""
        if not link:
            yield Row(f"{BENCH.name}: {name}", "", "your devices", "give it a key link, such as serial:///dev/ttyACM0")
            continue
        uri = urlsplit(link)
        is_there = uri.scheme != "serial" or Path(uri.path).exists()
        yield Row(f"{BENCH.name}: {name}", link if is_there else "", "your devices", f"plug it in: {link} is not there")
