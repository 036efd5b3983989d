"""The moving statistics of batch normalization, taken from training pictures. Imports TensorFlow."""

from __future__ import annotations

import math

import keras
import numpy as np

from datasets import Split, prepare_many
from models.training.batches import to_input

PICTURES = 1024
BATCH = 128


def settle(model: keras.Model, split: Split, rho: int, channels: int, seed: int) -> None:
    """Take the moving mean and variance of each batch normalization from training pictures as they are.

    After few steps the moving ones are still near those that the network began with, and its answers are chance.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momentum = [layer.momentum for layer in layers]
    chosen = np.random.default_rng(seed).permutation(len(split))[:PICTURES]
    for done, indices in enumerate(np.array_split(chosen, math.ceil(len(chosen) / BATCH))):
        for layer in layers:
            layer.momentum = done / (done + 1)  # the mean over the batches
        model(to_input(prepare_many(split, indices.tolist(), rho, channels)), training=True)
    for layer, value in zip(layers, momentum, strict=True):
        layer.momentum = value
