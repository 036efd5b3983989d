"""Correct biases for what rounding moves on average. Imports TensorFlow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from models.folded import run
from models.folded.graph import Floats, Folded, Ranges, Weights

PICTURES = 64
LARGEST_TENSOR = 1 << 25
"""Values of the largest tensor that all pictures together may have."""


def corrected(graph: Folded, ranges: Ranges, inputs: Floats) -> Folded:
    """Return the network with biases from which the mean error of each channel is taken, layer after layer.

    The error is that before the activation, with rounded inputs and kernels and with the corrections so far, over
    the first of the inputs (n, ...).
    """
    largest = max(int(np.prod(node.shape)) for node in graph.nodes)
    inputs = inputs[: max(1, min(PICTURES, LARGEST_TENSOR // largest))]
    exact: dict[str, tf.Tensor] = {}
    shifts: dict[str, Floats] = {}
    quantize = run.quantizing(ranges)

    def remember(name: str, value: tf.Tensor) -> tf.Tensor:
        if name.endswith(":linear"):
            exact[name] = _mean(value)
        return value

    def correct(name: str, value: tf.Tensor) -> tf.Tensor:
        if name in exact:
            shift = _mean(value) - exact[name]
            shifts[name] = shift.numpy()
            return value - shift
        return quantize(name, value)

    run.run(graph, inputs, remember)
    run.run(run.with_int8_kernels(graph), inputs, correct)
    weights = {node.name: graph.weights[node.name] for node in graph.nodes if node.has_weights}
    return graph.with_weights(
        {name: Weights(one.kernel, one.bias - shifts[graph[name].linear]) for name, one in weights.items()}
    )


def _mean(value: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(value, axis=tuple(range(len(value.shape) - 1)))
