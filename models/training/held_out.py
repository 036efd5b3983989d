"""A part of the training pictures that is not trained on: it says when to stop and which epoch was best."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets import Split

SHARE = 1 / 6
MOST = 1000
FEWEST = 10
"""Held-out pictures that say something of an epoch; with fewer none are held out."""


def divide(split: Split, seed: int) -> tuple[Split, Split | None]:
    """Return the pictures to train on, and the held-out ones: a sixth of each class, at most 1,000 in all.

    A class gives none where it would lose more than a third of its pictures. None is held out where there would be
    fewer than ten.
    """
    share = min(SHARE, MOST / len(split))
    rng = np.random.default_rng((seed, 1))
    chosen = np.zeros(len(split), bool)
    for label in np.unique(split.labels):
        members = rng.permutation(np.flatnonzero(split.labels == label))
        count = max(1, round(share * len(members)))
        if 3 * count <= len(members):
            chosen[members[:count]] = True
    if chosen.sum() < FEWEST:
        return split, None
    return part(split, np.flatnonzero(~chosen)), part(split, np.flatnonzero(chosen))


def part(split: Split, indices: npt.NDArray[np.int64]) -> Split:
    """Return the pictures of a split at some indices."""
    return Split(split.labels[indices], lambda i: split.read(int(indices[i])))
