"""Weights of a preset from those of its folded graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from models.checkpoint import Weights
from models.folded.graph import Folded
from models.keras_model import BATCH_NORM_EPSILON
from models.presets import Preset

Moments: TypeAlias = Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
"""Mean and variance (channels,) of each node's output before its activation."""


def unfold(graph: Folded, preset: Preset, moments: Moments | None = None) -> Weights:
    """Return the weights of a preset's network, by name, with which it computes what the folded graph does.

    Its batch normalizations have the `moments`, so that it can be trained further; without them they only add the bias.
    """
    weights: Weights = {}
    for layer in preset.network().layers:
        if not layer.has_weights:
            continue
        folded = graph.weights[layer.name]
        weights[f"{layer.name}/kernel"] = folded.kernel
        if not layer.batch_norm:
            weights[f"{layer.name}/bias"] = folded.bias
            continue
        bias = folded.bias.astype(np.float64)
        mean, variance = moments[layer.name] if moments else (bias, np.full_like(bias, 1 - BATCH_NORM_EPSILON))
        values = {
            "gamma": np.sqrt(variance + BATCH_NORM_EPSILON), "beta": mean,
            "moving_mean": mean - bias, "moving_variance": variance,
        }  # fmt: skip
        weights |= {f"{layer.name}_bn/{key}": value.astype(np.float32) for key, value in values.items()}
    return weights
