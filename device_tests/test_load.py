"""A host with other work: all its cores are busy, and the device's answers come late."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import process
from device_tests.support import DeviceUnderTest
from errors import DeviceError

PICTURES = 5
BUSY = "import os\nprint(flush=True)\nwhile os.getppid() == {parent}:\n    for _ in range(1000000):\n        pass\n"


@pytest.fixture
def busy_host() -> Iterator[None]:
    """A process on each core that does nothing but compute."""
    command = [sys.executable, "-I", "-S", "-c", BUSY.format(parent=os.getpid())]
    with ExitStack() as stack:
        busy = [process.start(command, error=DeviceError, stdout=subprocess.PIPE) for _ in range(os.cpu_count() or 1)]
        for child in busy:
            stack.callback(process.stop, child, 0.0)
        for child in busy:
            assert child.stdout is not None
            stack.enter_context(child.stdout).readline()
        yield


@pytest.mark.usefixtures("busy_host")
def test_answers_are_right_and_none_is_computed_twice(device: DeviceUnderTest) -> None:
    inputs = device.inputs(min(PICTURES, device.count))
    expected = [device.reference(data) for data in inputs]
    before = device.session.stats().inferences
    assert [device.session.infer(data).output_bytes for data in inputs] == expected
    assert device.session.stats().inferences == before + len(inputs)
