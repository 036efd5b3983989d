"""Weights of a preset from those of its folded graph: its batch normalizations then only add the bias."""

from __future__ import annotations

import numpy as np

from models.checkpoint import Weights
from models.folded.graph import Folded
from models.keras_model import BATCH_NORM_EPSILON
from models.presets import Preset


def unfold(graph: Folded, preset: Preset) -> Weights:
    """Return the weights of a preset's network, by name, with which it computes what the folded graph does."""
    weights: Weights = {}
    for layer in preset.network().layers:
        if not layer.has_weights:
            continue
        folded = graph.weights[layer.name]
        weights[f"{layer.name}/kernel"] = folded.kernel
        if not layer.batch_norm:
            weights[f"{layer.name}/bias"] = folded.bias
            continue
        ones = np.ones_like(folded.bias)
        weights[f"{layer.name}_bn/gamma"], weights[f"{layer.name}_bn/beta"] = ones, folded.bias
        weights[f"{layer.name}_bn/moving_mean"] = 0 * ones
        weights[f"{layer.name}_bn/moving_variance"] = ones * np.float32(1 - BATCH_NORM_EPSILON)
    return weights
