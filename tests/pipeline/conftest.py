"""Fixtures of the whole pipeline, for the tests of this folder."""

from pathlib import Path
from typing import Any

import pytest

from calibration import convert
from calibration.comparison import Improvement
from device_tests import tiny_model
from tests.pipeline.small import CLASSES, _build_at_home, data, home, int8, network, npz

__all__ = ["_build_at_home", "conversions", "data", "home", "int8", "mine", "network", "npz"]
SIDE = 8


@pytest.fixture(scope="session")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a user's Keras file of a layer for pictures of 8x8, which says neither its range nor its labels."""
    import keras

    path = tmp_path_factory.mktemp("mine") / "mine.keras"
    layers = [keras.Input((SIDE, SIDE, 3)), keras.layers.Flatten(), keras.layers.Dense(len(CLASSES))]
    keras.Sequential(layers).save(path)
    return path


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Inputs that the converter got for `mine`. It takes seconds: the same file stands for all; if it runs counts."""
    inputs: list[Any] = []
    converted = tiny_model.dense(tmp_path / "converted.tflite", shape=(1, SIDE, SIDE, 3), classes=len(CLASSES))

    def convert_once_more(path: Path, pictures: Any, log: Path) -> bytes:
        inputs.append(pictures)
        return converted.read_bytes()

    monkeypatch.setattr(convert, "_convert", convert_once_more)
    monkeypatch.setattr(convert, "_improve", lambda *_: Improvement(refusal="not tried here"))
    return inputs
