"""Augmented pictures for training, the same each time for a seed, an epoch and a picture. Imports TensorFlow."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from datasets import Split, prepare
from models.training.recipe import Recipe

INPUT_RANGE = (-1.0, 1.0)
CROP_MIN_SIDE = 0.75
"""Smallest side of an augmenting crop, as a share of the picture's."""
Floats = npt.NDArray[np.float32]


class Batches(keras.utils.PyDataset):
    """Augmented batches of one epoch: float32 (batch, side, side, channels) in [-1, 1], and their classes.

    The classes are int64 (batch,), or with mixup float32 (batch, classes) that add up to 1. What picture i looks like
    depends on the seed, the epoch and i alone, so a resumed run sees what it would have.
    """

    def __init__(self, split: Split, recipe: Recipe, channels: int, epoch: int, classes: int = 0) -> None:
        super().__init__(workers=1, max_queue_size=16)
        self._split, self._recipe, self._channels, self._classes = split, recipe, channels, classes
        self._seed, self.side = (recipe.seed, epoch), recipe.side_of(epoch)
        self._order = np.random.default_rng(self._seed).permutation(len(split))

    def __len__(self) -> int:
        return self._recipe.steps(len(self._split))

    def __getitem__(self, index: int) -> tuple[Floats, npt.NDArray[np.int64] | Floats]:
        chosen = self._order[index * self._recipe.batch : (index + 1) * self._recipe.batch]
        rng = np.random.default_rng((*self._seed, index))
        x, labels = to_input(np.stack([self._augment(int(i), rng) for i in chosen])), self._split.labels[chosen]
        return _mix(x, labels, self._classes, self._recipe.mixup, rng) if self._recipe.mixup else (x, labels)

    def _augment(self, i: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        picture = self._split.read(i)
        share = rng.uniform(CROP_MIN_SIDE, 1.0)
        w, h = picture.width * share, picture.height * share
        x, y = rng.uniform(0, picture.width - w), rng.uniform(0, picture.height - h)
        flip = self._recipe.flip and bool(rng.integers(2))
        pixels = prepare(picture, self.side, self._channels, box=(x, y, x + w, y + h), flip=flip)
        return _recolor(pixels, self._recipe.color, rng) if self._recipe.color else pixels


def to_input(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Map uint8 pictures to the input range of our networks, [-1, 1]."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1)


def _recolor(pixels: npt.NDArray[np.uint8], amount: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Change saturation, contrast and brightness of a picture (h, w, channels), each by at most that part."""
    saturation, contrast, brightness = rng.uniform(1 - amount, 1 + amount, 3).astype(np.float32)
    x = pixels.astype(np.float32)
    gray = x.mean(axis=2, keepdims=True)
    x = gray + saturation * (x - gray)
    mean = x.mean()
    return np.clip(brightness * (mean + contrast * (x - mean)) + 0.5, 0, 255).astype(np.uint8)


def _mix(
    x: Floats, labels: npt.NDArray[np.int64], classes: int, alpha: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return a batch in which each picture, and its class, is mixed with another of the batch (arXiv:1710.09412)."""
    share, other = np.float32(rng.beta(alpha, alpha)), rng.permutation(len(x))
    truth = np.eye(classes, dtype=np.float32)[labels]
    return share * x + (1 - share) * x[other], share * truth + (1 - share) * truth[other]
