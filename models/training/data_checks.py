"""Data sets that nothing can be learned from, refused before TensorFlow is imported."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np

from datasets import Dataset
from errors import ConfigError

SHOWN = 3
"""Classes that a message names at most."""


def check(data: Dataset) -> None:
    """Raise ConfigError if a data set has no pictures, one class, fewer pictures than classes, or equal pictures."""
    where, counts = f"--data {data.name}", (len(data.train), len(data.test))
    if min(counts) == 0:
        raise ConfigError(
            f"{where}: expected pictures to train and to test with, has {counts[0]} and {counts[1]}; "
            "give at least 2 for each class"
        )
    if len(data.class_names) < 2:
        raise ConfigError(f"{where}: has one class ({data.class_names[0]}), expected two or more; add another class")
    if len(np.unique(data.train.labels)) < 2:
        name = data.class_names[int(data.train.labels[0])]
        absent = without_training_pictures(data)
        others = ", ".join(absent[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
        raise ConfigError(
            f"{where}: all training pictures are of one class ({name}), those of {others} are missing; add pictures"
        )
    if counts[0] < len(data.class_names):
        raise ConfigError(
            f"{where}: has {counts[0]} training pictures of {len(data.class_names)} classes, expected one or more of "
            "each; add pictures, or leave out classes"
        )
    if _are_equal(data):
        raise ConfigError(
            f"{where}: all {counts[0]} training pictures are equal; look at the files, or give other data"
        )


def without_training_pictures(data: Dataset) -> list[str]:
    """Return the classes that have no training picture, each with where its pictures are."""
    names = []
    of_train, of_test = (np.bincount(part.labels, minlength=len(data.class_names)) for part in (data.train, data.test))
    for name, train, test in zip(data.class_names, of_train, of_test, strict=True):
        if train == 0:
            where = {0: "", 1: " (its one picture is for testing)"}.get(int(test), f" (its {test} are for testing)")
            names.append(name + where)
    return names


def _are_equal(data: Dataset) -> bool:
    """Return whether all training pictures are equal; reads no more than the first that differs."""
    if data.train.array is not None:
        return False
    pictures = (data.train.read(i) for i in range(len(data.train)))
    hashes = (hashlib.sha256(repr((p.mode, p.size)).encode() + p.tobytes()).digest() for p in pictures)
    return all(a == b for a, b in itertools.pairwise(hashes))
