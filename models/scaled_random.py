"""Random weights that behave like trained ones: for trials of speed and of equal bytes, not of accuracy.

Imports TensorFlow. With plain random weights the logits are so flat that ten equal outputs pass any comparison.
"""

from __future__ import annotations

import keras
import numpy as np

LOGIT_SPREAD = 4.0
PICTURES = 32


def initialize(model: keras.Model, seed: int = 1) -> None:
    """Set He-normal kernels, moments of each batch normalization as its input has them, and a spread of logits.

    The moments are taken layer by layer over smooth random pictures, (32, h, w, c) in [-1, 1].
    """
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.path.endswith("kernel"):
            depthwise = variable.shape[-1] == 1 and len(variable.shape) == 4
            fan_in = int(np.prod(variable.shape[:2] if depthwise else variable.shape[:-1]))
            variable.assign(rng.normal(0, np.sqrt(2 / fan_in), variable.shape))
        elif variable.path.endswith(("gamma", "beta")):
            mean = 1.0 if variable.path.endswith("gamma") else 0.0
            variable.assign(rng.normal(mean, 0.2, variable.shape))
    values = {id(model.inputs[0]): _pictures(model.input_shape[1:], rng)}
    for layer in model.layers[1:]:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        x = [values[id(tensor)] for tensor in inputs]
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(x[0].mean((0, 1, 2)))
            layer.moving_variance.assign(x[0].var((0, 1, 2)))
        if isinstance(layer, keras.layers.Dense):
            spread = np.asarray(layer(x[0])).std()
            layer.kernel.assign(np.asarray(layer.kernel) * LOGIT_SPREAD / spread)
        values[id(layer.output)] = np.asarray(layer(x if len(x) > 1 else x[0]))


def _pictures(
    shape: tuple[int, int, int], rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    h, w, c = shape
    coarse = rng.uniform(-1, 1, (PICTURES, h // 8, w // 8, c))
    return coarse.repeat(8, 1).repeat(8, 2).astype(np.float32)
