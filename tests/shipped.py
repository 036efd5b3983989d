"""Where a run of pytest builds what several of its processes need: networks of shipped checkpoints, fixtures."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

VARIABLE = "TESTS_SHIPPED_HOME"


@contextmanager
def shared(factory: pytest.TempPathFactory) -> Iterator[None]:
    """Name the folder to this process and to those that it starts."""
    base = factory.getbasetemp()  # pytest-xdist makes one for each process, in one for all
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str((base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shipped"))
        yield


def home() -> Path | None:
    """Return the folder, None outside pytest."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def home_of_tests() -> Path:
    """Return the folder in a test."""
    return Path(os.environ[VARIABLE])


@contextmanager
def one_at_a_time(name: str) -> Iterator[Path]:
    """Give the folder to one process at a time for what has this name: the others find it made."""
    folder = home_of_tests()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
