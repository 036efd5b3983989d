"""Wheels for a board's own Python, machine and C library, downloaded on this host: the board needs no internet."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import process
from artifact import Artifact, NoFacts, produce, sha256_of
from deploy.remote.answers import BoardFacts
from deploy.remote.locked import OLDEST_PYTHON, Locked, check_wheels, lock
from errors import DeployError
from fields import Json

OLDEST_GLIBC_MINOR = 17  # manylinux2014
DOWNLOAD_TIMEOUT_S = 600
INDEX = "wheels.txt"


class NoWheels(DeployError):
    """There is no LiteRT for a board's Python, machine or C library."""


@dataclass(frozen=True)
class Platform:
    """What decides which wheels a Python accepts: `machine` as in uname, version as (3, 11), glibc as (2, 36)."""

    machine: str
    python: tuple[int, int]
    glibc: tuple[int, int]

    @property
    def tags(self) -> list[str]:
        """All platform tags that it takes, the newest first (PEP 600)."""
        minors = range(self.glibc[1], OLDEST_GLIBC_MINOR - 1, -1)
        return [f"manylinux_{self.glibc[0]}_{minor}_{self.machine}" for minor in minors] + [
            f"manylinux2014_{self.machine}"
        ]


def platform_of(facts: BoardFacts, where: str) -> Platform:
    """Return the platform of a board. Raises NoWheels if there are none for it."""
    python = re.match(r"(\d+)\.(\d+)", facts.python)
    glibc = re.fullmatch(r"glibc (\d{1,2})\.(\d{1,3})(?:\.\d{1,3})?", facts.libc)
    if not python or facts.implementation != "cpython":
        raise NoWheels(f"{where}: expected CPython, it has {facts.implementation} {facts.python}")
    if not glibc:
        raise NoWheels(f"{where}: its C library is not glibc; install a runtime there yourself, or use --engine aot")
    return Platform(facts.machine, _pair(python), _pair(glibc))


def locked_for(requirements: Sequence[str], platform: Platform) -> Mapping[str, Locked]:
    """Return the lock if wheels of these requirements come from it, else nothing.

    Not those for a Python that is older than the lock, and tflite-runtime, which is not in it.
    """
    name, _, version = requirements[0].partition("==")
    entry = lock().get(name)
    return lock() if entry and entry.version == version and platform.python >= OLDEST_PYTHON else {}


def download(name: str, requirements: Sequence[str], platform: Platform, where: str) -> list[Path]:
    """Return the wheels of requirements and of what they need, from an earlier download or by pip.

    Where they are in the lock, they have its versions and hashes. Raises NoWheels with pip's last error if there are
    none or the index is not reached, DeployError for a wheel that is not what the lock has.
    """
    locked = locked_for(requirements, platform)
    pins = [f"{name}=={entry.version}" for name, entry in sorted(locked.items())]

    def make(folder: Path) -> NoFacts:
        _pip(requirements, platform, folder, where, pins)
        wheels = sorted(folder.glob("*.whl"))
        if locked:
            check_wheels(wheels, locked, where)
        (folder / INDEX).write_text("".join(f"{sha256_of(wheel)}  {wheel.name}\n" for wheel in wheels))
        return NoFacts()

    parameters: dict[str, Json] = {
        "requirements": list(requirements),
        "tags": platform.tags[:1],
        "python": list(platform.python),
        "locked": list(pins),
    }
    index = produce("wheels", name, INDEX, NoFacts, make, parameters=parameters)
    if not _is_whole(index):
        index = produce("wheels", name, INDEX, NoFacts, make, parameters=parameters, fresh=True)
    return sorted(index.path.parent.glob("*.whl"))


def _pip(requirements: Sequence[str], platform: Platform, folder: Path, where: str, pins: Sequence[str]) -> None:
    major, minor = platform.python
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{pin}\n" for pin in pins))
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--only-binary=:all:",
        "--dest", str(folder), "--implementation", "cp", "--python-version", f"{major}.{minor}",
        "--abi", f"cp{major}{minor}", "--abi", "abi3", "--abi", "none", "--constraint", str(constraints),
    ]  # fmt: skip
    for tag in platform.tags:
        command += ["--platform", tag]
    finished = process.run(
        [*command, *requirements], error=DeployError, timeout_s=DOWNLOAD_TIMEOUT_S, check=False,
        name=f"{where}: pip download {requirements[0]}", hint="check this machine's connection to the package index",
    )  # fmt: skip
    if finished.exit_code:
        raise NoWheels(
            f"{where}: no wheels of {' '.join(requirements)} for Python {major}.{minor} on {platform.tags[0]} "
            f"({finished.last_line('^ERROR').removeprefix('ERROR: ')[:200]}); choose another with --runtime, "
            "or use --engine aot, which needs none"
        )


def _is_whole(index: Artifact[object]) -> bool:
    for line in index.path.read_text().splitlines():
        sha256, _, name = line.partition("  ")
        wheel = index.path.with_name(name)
        if not wheel.is_file() or sha256_of(wheel) != sha256:
            return False
    return True


def _pair(match: re.Match[str]) -> tuple[int, int]:
    return int(match[1]), int(match[2])
