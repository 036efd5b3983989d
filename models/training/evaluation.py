"""What a network answers to the pictures of a split. Imports TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from datasets import Split, prepare_many
from models import keras_model
from models.checkpoint import Weights
from models.training.batches import to_input

BATCH = 250
SMALLEST = 1e-7
"""Probability below which the loss of a picture does not grow, as in Keras."""


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy in nats, top-1 as a fraction, and the counts of each true class (row) by answer (column)."""

    loss: float
    accuracy: float
    confusion: npt.NDArray[np.int64]

    def confusion_rows(self) -> tuple[tuple[int, ...], ...]:
        """Return the counts as the facts of a checkpoint have them."""
        return tuple(tuple(int(count) for count in row) for row in self.confusion)


def evaluate_as_stored(model: keras.Model, weights: Weights, split: Split, rho: int, channels: int) -> Evaluation:
    """Return what `evaluate` does with the weights of a checkpoint in float16, which the network has then."""
    keras_model.set_weights(model, {name: w.astype(np.float16).astype(np.float32) for name, w in weights.items()})
    return evaluate(model, split, rho, channels)


def evaluate(model: keras.Model, split: Split, rho: int, channels: int) -> Evaluation:
    """Return how a network in float answers all pictures of a split at a side of `rho` pixels."""
    parts = []
    for start in range(0, len(split), BATCH):
        indices = range(start, min(start + BATCH, len(split)))
        parts.append(np.asarray(model.predict_on_batch(to_input(prepare_many(split, indices, rho, channels)))))
    probabilities = np.concatenate(parts)
    answers, classes = probabilities.argmax(axis=1), probabilities.shape[1]
    of_truth = probabilities[np.arange(len(split)), split.labels]
    counts = np.bincount(split.labels * classes + answers, minlength=classes**2).reshape(classes, classes)
    return Evaluation(
        float(-np.log(np.maximum(of_truth, SMALLEST)).mean()), float((answers == split.labels).mean()), counts
    )
