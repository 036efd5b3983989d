"""Fixtures of the whole pipeline, for the tests of this folder, and a device of this process."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from measure import measurement
from measure.setup import Setup
from tests.measure.device import Device, honest
from tests.pipeline.small import _build_at_home, data, home, int8, network, npz

__all__ = ["_build_at_home", "data", "home", "int8", "network", "npz"]


@pytest.fixture
def device(home: Path, int8: Artifact[Int8Facts], monkeypatch: pytest.MonkeyPatch) -> Device:
    """Return the device that is measured, without an earlier run."""
    shutil.rmtree(home / "build" / "journals", ignore_errors=True)
    one = Device(int8.path)

    def device_of(setup: Setup, threads: int) -> Any:
        one.opened.append(threads)
        if not one.is_other:
            one.state, one.info = honest(setup.target, one.info)
        return one

    monkeypatch.setattr(measurement, "device_of", device_of)
    return one
