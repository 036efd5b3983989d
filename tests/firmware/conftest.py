"""Images with the stand-in engine, built once a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from compilers.image.firmware import FirmwareImage
from tests.firmware.standin import build

Images = Callable[[str], FirmwareImage]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Return the image of a target, built when first asked for."""
    return cache(lambda name: build(name, tmp_path_factory.mktemp(name)))
