"""Batches of training: each picture of each epoch is known beforehand, and stays with its class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from datasets import Dataset, Split
from models.training.batches import Batches, to_input
from models.training.recipe import Recipe
from tests.models.training_setup import RECIPE


def _epoch(split: Split, recipe: Recipe, epoch: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    batches = Batches(split, recipe, 3, epoch)
    parts = [batches[i] for i in range(len(batches))]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def test_batches_are_the_same_each_time_and_in_any_order(small: Dataset) -> None:
    x, y = _epoch(small.train, RECIPE)
    again, labels = _epoch(small.train, RECIPE)
    assert (x == again).all()
    assert (y == labels).all()
    last = Batches(small.train, RECIPE, 3, 0)[3]
    assert (last[0] == x[48:]).all()


def test_batches_differ_by_epoch_and_seed_and_hold_each_picture_once(small: Dataset) -> None:
    x, y = _epoch(small.train, RECIPE)
    assert x.shape == (64, 32, 32, 3)
    assert x.dtype == np.float32
    assert x.min() >= -1
    assert x.max() <= 1
    assert sorted(y) == sorted(small.train.labels)
    assert not np.array_equal(x, _epoch(small.train, RECIPE, epoch=1)[0])
    assert not np.array_equal(x, _epoch(small.train, Recipe(((32, 2),), batch=16, seed=2))[0])


def test_labels_stay_with_their_pictures(small: Dataset) -> None:
    """Without flips, "left" is lighter on the left and "right" on the right, however it is cropped."""
    x, y = _epoch(small.train, Recipe(((32, 1),), batch=20, flip=False))
    lean = x[:, :, :10].mean(axis=(1, 2, 3)) - x[:, :, -10:].mean(axis=(1, 2, 3))
    assert (lean[y == 1] > 0.1).all()
    assert (lean[y == 2] < -0.1).all()
    assert (np.abs(lean[(y == 0) | (y == 3)]) < 0.1).all()


def test_flips_mirror(small: Dataset) -> None:
    x, y = _epoch(small.train, Recipe(((32, 1),), batch=20))
    lean = x[y == 1][:, :, :10].mean(axis=(1, 2, 3)) - x[y == 1][:, :, -10:].mean(axis=(1, 2, 3))
    assert (lean > 0.1).any()
    assert (lean < -0.1).any()


def test_input_range() -> None:
    assert to_input(np.array([0, 255], np.uint8)).tolist() == [-1.0, 1.0]


def test_mixup_mixes_pictures_and_classes_by_the_same_share(small: Dataset) -> None:
    plain, labels = _epoch(small.train, RECIPE)
    batches = Batches(small.train, replace(RECIPE, mixup=0.4), 3, 0, classes=4)
    x, y = batches[0]
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    share = np.unique(np.round(y, 6))[-2] if 1.0 in y else y.max()  # of a pair of two classes
    others = [(x[0] - share * plain[0]) / (1 - share), (x[0] - (1 - share) * plain[0]) / share]
    assert any(np.allclose(other, plain[i], atol=1e-3) for other in others for i in range(16))
    assert y[0, labels[0]] >= min(share, 1 - share) - 1e-6


def test_changed_colors_stay_pictures_of_their_class(small: Dataset) -> None:
    plain, labels = _epoch(small.train, RECIPE)
    x, y = _epoch(small.train, replace(RECIPE, color=0.2))
    assert sorted(y) == sorted(labels)
    assert x.min() >= -1
    assert x.max() <= 1
    assert not np.array_equal(x, plain)
    assert x[y == 0].mean() + 0.3 < x[y == 3].mean()  # dark and light
