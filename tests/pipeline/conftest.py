"""Fixtures of the whole pipeline, for the tests of this folder."""

from pathlib import Path
from typing import Any

import pytest

from artifact import Artifact
from calibration import convert
from calibration.comparison import Improvement
from calibration.convert import Int8Facts
from tests.pipeline.small import _build_at_home, data, home, int8, network, npz

__all__ = ["_build_at_home", "conversions", "data", "home", "int8", "network", "npz"]


@pytest.fixture
def conversions(int8: Artifact[Int8Facts], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Inputs that the converter got. It takes seconds, so it gives the same file each time; whether it runs counts."""
    inputs: list[Any] = []

    def convert_once_more(path: Path, pictures: Any, log: Path) -> bytes:
        inputs.append(pictures)
        return int8.path.read_bytes()

    monkeypatch.setattr(convert, "_convert", convert_once_more)
    monkeypatch.setattr(convert, "_improve", lambda *_: Improvement(refusal="not tried here"))
    return inputs
