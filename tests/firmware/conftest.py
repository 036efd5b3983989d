"""Images with the stand-in engine and the driver of the protocol, built once a session, and the pipeline's network."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from compilers.image import cmake
from compilers.image.firmware import FirmwareImage
from tests.firmware.driver import build_driver
from tests.firmware.standin import build
from tests.pipeline.small import data, home, int8, network, npz

__all__ = ["Images", "data", "driver_program", "home", "images", "int8", "logs", "network", "npz"]

Images = Callable[[str], FirmwareImage]


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for logs of failed builds: a test's own."""
    monkeypatch.setattr(cmake, "LOGS_DIR", tmp_path / "logs")
    return tmp_path / "logs"


@pytest.fixture(scope="session")
def driver_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the driver of the protocol's code, with sanitizers on."""
    return build_driver(tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Return the image of a target, built when first needed."""
    return cache(lambda name: build(name, tmp_path_factory.mktemp(name)))
