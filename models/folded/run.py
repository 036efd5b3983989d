"""Compute a folded graph node by node, in float or with fake quantization: for statistics and trials.

Imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from models.folded.graph import Folded, Node, Range, Ranges, Weights, snap

Tap = Callable[[str, tf.Tensor], tf.Tensor]
"""Gets the name of a tap and its tensor (batch, ...); what it returns goes on in its place."""


def run(graph: Folded, x: tf.Tensor, tap: Tap = lambda name, value: value) -> tf.Tensor:
    """Return the output for inputs (batch, ...), float32.

    `tap` sees each point, and `node.linear` of nodes with weights. A tensor is freed behind its last user.
    """
    last = {source: node.name for node in graph.nodes for source in node.inputs} | {graph.output: ""}
    values: dict[str, tf.Tensor] = {}
    for node in graph.nodes:
        inputs = [values[source] for source in node.inputs] if node.inputs else [tf.convert_to_tensor(x, tf.float32)]
        values[node.name] = compute(node, graph.weights.get(node.name), inputs, tap)
        for source in {*node.inputs}:
            if last[source] == node.name:
                del values[source]
    return values[graph.output]


def quantizing(ranges: Ranges) -> Tap:
    """Return a tap that rounds each point with a range as int8 does."""

    def tap(name: str, value: tf.Tensor) -> tf.Tensor:
        return fake_quant(value, ranges[name]) if name in ranges else value

    return tap


def fake_quant(value: tf.Tensor, limits: Range) -> tf.Tensor:
    """Return a tensor rounded to the 256 values of a range."""
    return tf.quantization.fake_quant_with_min_max_vars(value, *limits, 8, False)


def with_int8_kernels(graph: Folded) -> Folded:
    """Return the network with each kernel rounded as the converter does."""
    return graph.with_weights(
        {node.name: _snapped(node, graph.weights[node.name]) for node in graph.nodes if node.has_weights}
    )


def _snapped(node: Node, weights: Weights) -> Weights:
    return Weights(snap(weights.kernel, node.op), weights.bias)


def compute(node: Node, weights: Weights | None, inputs: list[tf.Tensor], tap: Tap) -> tf.Tensor:
    """Return the output of one node for its inputs."""
    x = _operator(node, weights, inputs)
    if node.has_weights:
        x = tap(node.linear, x)
    if node.op == "affine":
        x = x * node.scale
        x = tap(f"{node.name}:scaled", x) + node.offset if node.offset != 0 else x
    x = _activate(node, x, tap)
    return tap(node.name, x) if node.points else x


def _activate(node: Node, x: tf.Tensor, tap: Tap) -> tf.Tensor:
    match node.activation:
        case "relu":
            return tf.nn.relu(x)
        case "relu6":
            return tf.nn.relu6(x)
        case "hard_swish":
            x = tap(f"{node.name}:pre", x)
            return x * tf.nn.relu6(x + 3.0) * (1 / 6)
        case "hard_sigmoid":
            return tap(f"{node.name}:plus3", tf.nn.relu6(x + 3.0)) * (1 / 6)
    return x


def _operator(node: Node, weights: Weights | None, inputs: list[tf.Tensor]) -> tf.Tensor:
    x = inputs[0]
    if weights is not None:
        return _product(node, weights, x)
    match node.op:
        case "add":
            return inputs[0] + inputs[1]
        case "multiply":
            return inputs[0] * inputs[1]
        case "pool":
            return tf.reduce_mean(x, (1, 2), keepdims=True)
        case "max_pool":
            return tf.nn.max_pool2d(x, node.kernel, node.strides, node.padding.upper())
        case "average_pool":
            return tf.nn.avg_pool2d(x, node.kernel, node.strides, node.padding.upper())
        case "pad":
            return tf.pad(x, ((0, 0), *node.pads, (0, 0)))
        case "reshape":
            return tf.reshape(x, (-1, *node.shape))
        case "softmax":
            return tf.nn.softmax(x)
        case "sigmoid":
            return tf.nn.sigmoid(x)
    return x  # input, identity, affine


def _product(node: Node, weights: Weights, x: tf.Tensor) -> tf.Tensor:
    padding = node.padding.upper()
    if node.op == "dense":
        x = tf.matmul(x, weights.kernel)
    elif node.op == "conv":
        x = tf.nn.conv2d(x, weights.kernel, node.strides, padding, dilations=node.dilation)
    else:
        x = tf.nn.depthwise_conv2d(x, weights.kernel, (1, *node.strides, 1), padding, dilations=node.dilation)
    return tf.nn.bias_add(x, weights.bias)


def outputs(graph: Folded, x: tf.Tensor, tap: Tap = lambda name, value: value, batch: int = 20) -> tf.Tensor:
    """Return the outputs (n, ...) for inputs (n, ...), some at a time."""
    return tf.concat([run(graph, x[i : i + batch], tap) for i in range(0, len(x), batch)], 0)
