"""What tests of training share: a small set of pictures, and a network of which a step takes milliseconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from datasets import Dataset, Split
from datasets.npz import of_pictures
from models import presets
from models.training.recipe import Recipe
from tests.pipeline.small import tiny_network

PRESET = presets.parse("v1_025_32", 4)
RECIPE = Recipe(((32, 2),), batch=16, learning_rate=1e-2)
TINY = Recipe(((8, 2),), batch=8, learning_rate=1e-2)


@pytest.fixture
def small(data: Dataset) -> Dataset:
    part = Split(data.train.labels[:64], data.train.read)
    return Dataset(data.name, data.class_names, part, data.test, data.source)


def tiny_data(train: int, side: int = 8, labels: Any = None) -> Dataset:
    """Return pictures of two patterns under noise, 8x8 by default: as many to train, and eight to test."""
    rng = np.random.default_rng(0)

    def split(count: int, given: Any = None) -> Split:
        truth = np.arange(count) % 2 if given is None else np.asarray(given, np.int64)
        x = rng.integers(0, 90, (count, side, side, 3)) + 120 * truth[:, None, None, None] % 240
        return of_pictures(x.astype(np.uint8), truth)

    return Dataset("tiny", ("dark", "light"), split(train, labels), split(8), "tiny", digest="1")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> presets.Preset:
    """Return a preset whose network has three layers for pictures of 8x8: a step of it takes milliseconds."""
    monkeypatch.setattr(presets.Preset, "network", tiny_network)
    return presets.parse("v1_025_32", 2)
