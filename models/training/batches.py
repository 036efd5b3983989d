"""Augmented pictures for training, the same each time for a seed, an epoch and a picture. Imports TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from datasets import Split, prepare

INPUT_RANGE = (-1.0, 1.0)
CROP_MIN_SIDE = 0.75
"""Smallest side of an augmenting crop, as a share of the picture's."""


@dataclass(frozen=True)
class Recipe:
    """How to train: `stages` are (side in pixels, epochs), at falling cosine learning rate over all of them."""

    stages: tuple[tuple[int, int], ...]
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    warmup_epochs: float = 0.5
    flip: bool = True
    seed: int = 1

    @property
    def epochs(self) -> int:
        """Epochs of all stages."""
        return sum(epochs for _, epochs in self.stages)

    def side_of(self, epoch: int) -> int:
        """Side of the pictures in pixels in an epoch counted from 0."""
        for side, epochs in self.stages:
            if epoch < epochs:
                return side
            epoch -= epochs
        raise ValueError(f"the recipe has {self.epochs} epochs")


class Batches(keras.utils.PyDataset):
    """Augmented batches of one epoch: float32 (batch, side, side, channels) in [-1, 1], and int64 labels.

    What picture i looks like depends on the seed, the epoch and i alone, so a resumed run sees what it would have.
    """

    def __init__(self, split: Split, recipe: Recipe, channels: int, epoch: int) -> None:
        super().__init__(workers=1, max_queue_size=16)
        self._split, self._recipe, self._channels = split, recipe, channels
        self._seed, self.side = (recipe.seed, epoch), recipe.side_of(epoch)
        self._order = np.random.default_rng(self._seed).permutation(len(split))

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._recipe.batch)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        chosen = self._order[index * self._recipe.batch : (index + 1) * self._recipe.batch]
        rng = np.random.default_rng((*self._seed, index))
        pixels = np.stack([self._augment(int(i), rng) for i in chosen])
        return to_input(pixels), self._split.labels[chosen]

    def _augment(self, i: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        picture = self._split.read(i)
        share = rng.uniform(CROP_MIN_SIDE, 1.0)
        w, h = picture.width * share, picture.height * share
        x, y = rng.uniform(0, picture.width - w), rng.uniform(0, picture.height - h)
        flip = self._recipe.flip and bool(rng.integers(2))
        return prepare(picture, self.side, self._channels, box=(x, y, x + w, y + h), flip=flip)


def to_input(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Map uint8 pictures to the input range of our networks, [-1, 1]."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1)
