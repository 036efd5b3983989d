"""What requirements.lock says of a wheel: its version and the sha256 of the files that it may be."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifact import ROOT, sha256_of
from errors import DeployError

LOCK = "requirements.lock"
OLDEST_PYTHON = (3, 11)
"""The lock is resolved for it: older Pythons have no wheels of some versions in it."""
_ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s\\;]+)[^\\\n]*((?:\\\n +--hash=sha256:[0-9a-f]{64} *)+)", re.MULTILINE
)


@dataclass(frozen=True)
class Locked:
    """A distribution in the lock: its version, and the sha256 of each of its files."""

    version: str
    sha256: frozenset[str]


def parse_lock(text: str) -> dict[str, Locked]:
    """Return the distributions of a lock by their normalized names (PEP 503)."""
    return {
        _normalized(name): Locked(version, frozenset(re.findall(r"sha256:([0-9a-f]{64})", hashes)))
        for name, version, hashes in _ENTRY.findall(text)
    }


@functools.cache
def lock() -> Mapping[str, Locked]:
    """Return the distributions of this checkout's lock."""
    return parse_lock((ROOT / LOCK).read_text())


def check_wheels(wheels: Iterable[Path], locked: Mapping[str, Locked], where: str) -> None:
    """Raise DeployError for a wheel that is not among the files of its distribution in the lock."""
    for wheel in wheels:
        entry = locked.get(_normalized(wheel.name.split("-")[0]))
        if entry is None or sha256_of(wheel) not in entry.sha256:
            raise DeployError(
                f"{where}: {wheel.name} from the package index is not what {LOCK} has; nothing was installed; check "
                "the index that pip is configured with"
            )


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
