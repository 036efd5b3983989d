"""Where a run of pytest builds what it makes of shipped checkpoints: in one folder for all its processes."""

from __future__ import annotations

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
