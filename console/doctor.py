"""What `inv doctor` looks at: the tools, emulators, data and devices that are there, and how to get the others."""

from __future__ import annotations

import grp
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable, Sequence
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
FREE_BYTES_WANTED = 4 << 30  # .venv with TensorFlow is 2.4 GB
TOOL_TIMEOUT_S = 5.0
MISSING = "missing"

# Distributions that decide what bytes come out, and for what they are.
KERAS = {"tensorflow": "training, int8 conversion", "keras": "networks, training"}
LIBRARIES = {
    **KERAS,
    "ai-edge-litert": "inference here and on Linux boards",
    "fabric": "boards over SSH",
    "tflite-micro": "engine tflm, target host-tflm",
    "pyserial": "boards on a serial port",
}
# Kinds of rows in `system_packages.txt` that are looked for, whatever the task.
KINDS = ("toolchain", "engine", "emulator", "link", "flasher", "data", "optional")
# Programs that are not Debian's, for what, and how to get them.
OTHER_TOOLS = (("edgetpu_compiler", "targets coral-*", "Coral's Debian repository, or --compile-on"),)


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
    needs = requirements()
    tools = [(n.probe, n.needed_for, n.install) for n in needs if not n.is_file] + list(OTHER_TOOLS)
    files = [
        Row(n.package, "there" if Path(n.probe).exists() else "", n.needed_for, n.install) for n in needs if n.is_file
    ]
    with ThreadPoolExecutor(max_workers=len(tools)) as pool:
        found_tools = pool.map(lambda tool: _tool(*tool), tools)
        rows = [*_python(), *_libraries(), *found_tools, *files]
    return rows + [row for check in (_disk, _serial_ports, _bench) for row in check()]


@dataclass(frozen=True)
class Requirement:
    """A Debian package: `probe` is the program or file that shows that it is there."""

    probe: str
    package: str
    needed_for: str

    @property
    def is_file(self) -> bool:
        """Whether the probe is a file and not a program."""
        return self.probe.startswith("/")

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"apt install {self.package}"


def requirements() -> list[Requirement]:
    """Return the packages that `system_packages.txt` names for anything but a task."""
    needs: dict[tuple[str, str], list[str]] = {}
    for line in SYSTEM_PACKAGES.read_text().splitlines():
        fields = line.split("#")[0].split()
        if fields and fields[0] in KINDS:
            kind, pattern, package, probe = fields
            name = f"every {kind}" if pattern == "?*" else f"{kind} {pattern}"
            needs.setdefault((probe, package), []).append(name)
    return [Requirement(probe, package, ", ".join(names)) for (probe, package), names in needs.items()]


def print_doctor(as_json: bool = False, more: Sequence[Row] = ()) -> None:
    """Print what `examine` found, and more rows, as a table and how to get the rest, or as JSON for programs."""
    from console.screen import print_json
    from console.table import plain, table

    rows = [*examine(), *more]
    if as_json:
        print_json([asdict(row) for row in rows])
        return

    columns = [(name, "left") for name in ("what", "found", "needed for")]
    table("", columns, [[row.what, row.found or MISSING, _few(row.needed_for)] for row in rows], (MISSING,), drop=(2,))
    if missing := [row for row in rows if row.is_missing]:
        plain("\n".join(f"{row.what}: {row.install}" for row in missing))


def _few(names: str) -> str:
    """Return names joined by commas, all of them or the first and how many more: a table has a line for each row."""
    first, *others = names.split(", ")
    return f"{first} and {len(others)} more" if len(others) > 1 else names


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
            version = "when needed" if name in KERAS else ""  # the launcher installs it then
        yield Row(name, version, needed_for, "./inv")


def _tool(program: str, needed_for: str, install: str) -> Row:
    path = shutil.which(program)
    return Row(program, _version(path) if path else "", needed_for, install)


def _version(path: str) -> str:
    """Return the version that a program prints, or its path if it prints none."""
    flag = "-V" if Path(path).name == "ssh" else "--version"
    try:
        finished = process.run([path, flag], error=Error, timeout_s=TOOL_TIMEOUT_S, check=False)
    except Error:
        return f"{path} (does not run)"
    number = re.search(r"\d+(\.\d+)+\w*", re.sub(r"\(.*?\)", "", finished.stdout + finished.stderr))
    return number[0] if number else path


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
        if not link and isinstance(device, dict) and device.keys() & {"flasher", "probe"}:
            continue  # its port is found by its USB ID when it is flashed
        if not link:
            yield Row(f"{BENCH.name}: {name}", "", "your devices", "give it a key link, such as serial:///dev/ttyACM0")
            continue
        uri = urlsplit(link)
        is_there = uri.scheme != "serial" or Path(uri.path).exists()
        yield Row(f"{BENCH.name}: {name}", link if is_there else "", "your devices", f"plug it in: {link} is not there")
