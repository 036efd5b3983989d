"""What the rounding of each tensor alone costs: a second-order estimate from a few backward passes. Imports TensorFlow.

The divergence of probabilities p for a small change d of the logits is d'(diag p - pp')d / 2. With v random and of that
matrix as covariance it is the mean of (v'd)^2 / 2, and v'd is the gradient of v'logits times the rounding error.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from models.folded import run
from models.folded.graph import Floats, Folded, Ranges

PICTURES = 24
LARGEST_TENSOR = 1 << 23
DRAWS = 3
SEED = 0


def costs(graph: Folded, ranges: Ranges, inputs: Floats) -> dict[str, float]:
    """Return for each point what rounding it alone costs, over the first of the inputs (n, ...).

    In nats where the output is a softmax, else the squared error over the variance of the outputs.
    """
    largest = max(int(np.prod(node.shape)) for node in graph.nodes)
    inputs = inputs[: max(1, min(PICTURES, LARGEST_TENSOR // largest))]
    values: dict[str, tf.Tensor] = {}

    def keep(name: str, value: tf.Tensor) -> tf.Tensor:
        if name in ranges:
            values[name] = tf.identity(value)
            return values[name]
        return value

    with tf.GradientTape(persistent=True) as tape:
        x = tf.convert_to_tensor(inputs)
        tape.watch(x)
        output = run.run(without_softmax(graph), x, keep)
        flat = tf.reshape(output, (len(inputs), -1))
        sums = [tf.reduce_sum(flat * draw) for draw in _draws(graph, flat)]
    total = dict.fromkeys(values, 0.0)
    errors = {name: run.fake_quant(value, ranges[name]) - value for name, value in values.items()}
    for one in sums:
        gradients = tape.gradient(one, values)
        for name, gradient in gradients.items():
            if gradient is not None:
                change = tf.reduce_sum(gradient * errors[name], axis=tuple(range(1, len(gradient.shape))))
                total[name] += float(tf.reduce_mean(tf.square(change))) / 2 / DRAWS
    return total


def without_softmax(graph: Folded) -> Folded:
    """Return the network up to its logits."""
    last = graph[graph.output]
    if last.op != "softmax":
        return graph
    nodes = tuple(node for node in graph.nodes if node is not last)
    return Folded(graph.name, nodes, graph.weights, last.inputs[0])


def _draws(graph: Folded, flat: tf.Tensor) -> list[tf.Tensor]:
    rng = np.random.default_rng(SEED)
    normals = [tf.constant(rng.normal(size=flat.shape), tf.float32) for _ in range(DRAWS)]
    if graph[graph.output].op != "softmax":
        size = float(np.sqrt(2 / max(flat.shape[1], 1) / max(float(tf.math.reduce_variance(flat)), 1e-30)))
        return [size * normal for normal in normals]
    p = tf.stop_gradient(tf.nn.softmax(flat))
    root = tf.sqrt(p)
    return [root * normal - p * tf.reduce_sum(root * normal, axis=1, keepdims=True) for normal in normals]
