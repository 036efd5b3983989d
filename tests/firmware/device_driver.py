"""The driver of the firmware's device side: its network has inputs of 200 and 65 bytes and an output of 10."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.driver import Driver

PRESERVES_TWO, PRESERVES_ONE, OVERWRITES_ONE = b"\x01", b"\x03", b"\x02"
INPUT = bytes(range(200))
OUTPUT = bytes((sum(INPUT) + j) & 0xFF for j in range(10))


@pytest.fixture(scope="module")
def driver(driver_program: Path) -> Iterator[Driver]:
    driver = Driver(driver_program, "device")
    yield driver
    assert driver.close() == 0
