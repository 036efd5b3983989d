"""The folded graph of a Keras model, of a preset's or of a user's own. Imports TensorFlow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from keras import layers

from models.folded.graph import ACTIVATIONS, WEIGHTED, Floats, Folded, Node, UnknownLayer, Weights

SAME_NAMES = {"hard_silu": "hard_swish", "silu6": "hard_swish"}
IN_TRAINING_ONLY = (
    layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout,
    layers.ActivityRegularization, layers.Identity,
)  # fmt: skip
SIXTH_TOLERANCE = 1e-6


def from_keras(model: keras.Model) -> Folded:
    """Return the folded graph of a functional or sequential model, nested ones included, with its weights.

    The batch may be open. Raises UnknownLayer naming the first layer that it does not know, for several inputs or
    outputs, and for weights that are not finite.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UnknownLayer(
            f"the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs, expected one each"
        )
    reader = _Reader()
    source = reader.add(Node("input", "input", (), tuple(model.inputs[0].shape)[1:]))
    (output,) = reader.model(model, [source])
    return _fold(reader, output, str(model.name))


@dataclass
class _Reader:
    """Collects the nodes of a model as its layers have them, before anything is folded."""

    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Weights] = field(default_factory=dict)
    moments: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    """Factor and offset of each batch normalization, float64."""

    def add(self, node: Node) -> str:
        if any(node.name == other.name for other in self.nodes):
            raise UnknownLayer(f"layer {node.name!r} is used more than once")
        if None in node.shape:
            raise UnknownLayer(f"layer {node.name!r} has an open shape")
        self.nodes.append(node)
        return node.name

    def model(self, model: keras.Model, sources: list[str]) -> list[str]:
        """Add the layers of a model that reads the nodes `sources`; return the nodes of its outputs."""
        function: Any = model
        if isinstance(model, keras.Sequential):
            function = model._functional
        if not hasattr(function, "_nodes_by_depth"):
            raise UnknownLayer(f"model {model.name!r} is a {type(model).__name__}, expected layers of Keras in a graph")
        names = {id(tensor): source for tensor, source in zip(function.inputs, sources, strict=True)}
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for call in function._nodes_by_depth[depth]:
                if call.is_input:
                    continue
                inputs = [names[id(tensor)] for tensor in call.input_tensors]
                inner = isinstance(call.operation, keras.Model)
                outputs = self.model(call.operation, inputs) if inner else [self._layer(call, inputs)]
                names.update(zip(map(id, call.output_tensors), outputs, strict=True))
        return [names[id(tensor)] for tensor in function.outputs]

    def _layer(self, call: Any, inputs: list[str]) -> str:
        operation = call.operation
        shape = tuple(call.output_tensors[0].shape)[1:]
        node = Node(re.sub(r"[^A-Za-z0-9_.\-]", "_", operation.name), "identity", tuple(inputs), shape)
        if getattr(operation, "data_format", "channels_last") != "channels_last":
            raise _unknown(operation, "with channels first")
        for kinds, read in _KINDS:
            if isinstance(operation, kinds):
                return read(self, operation, node)
        if type(operation).__name__ in ("Add", "Multiply") and len(call.arguments.args) == 2:
            return self._with_constant(call, node)
        raise _unknown(operation)

    def _with_constant(self, call: Any, node: Node) -> str:
        """Add `x + 3.0` or `x * y`, which Keras has as operations."""
        is_sum = type(call.operation).__name__ == "Add"
        constants = [value for value in call.arguments.args if isinstance(value, int | float)]
        if len(node.inputs) == 2:
            return self.add(replace(node, op="add" if is_sum else "multiply"))
        if len(constants) != 1 or len(node.inputs) != 1:
            raise _unknown(call.operation)
        value = float(constants[0])
        return self.add(replace(node, op="affine", scale=1.0 if is_sum else value, offset=value if is_sum else 0.0))

    def activated(self, node: Node, activation: Callable[..., Any] | None, layer: keras.Layer) -> str:
        """Add a node, and the activation that its layer has, as a node behind it."""
        name = self.add(node)
        kind = _activation(activation, layer)
        if not kind:
            return name
        op = kind if kind in ("softmax", "sigmoid") else "identity"
        behind = Node(f"{name}_{kind}", op, (name,), node.shape, kind if op == "identity" else "")
        return self.add(behind)


def _unknown(layer: keras.Operation, why: str = "") -> UnknownLayer:
    return UnknownLayer(f"layer {layer.name!r} is {type(layer).__name__} {why}".rstrip())


def _activation(function: Callable[..., Any] | None, layer: keras.Layer) -> str:
    name = getattr(function, "__name__", "linear") if function is not None else "linear"
    name = SAME_NAMES.get(name, name)
    if name != "linear" and name not in (*ACTIVATIONS, "softmax", "sigmoid"):
        raise _unknown(layer, f"with activation {name}")
    return "" if name == "linear" else name


def _weights(layer: Any, channels: int) -> Weights:
    kernel = np.asarray(layer.kernel, np.float32)
    bias = np.asarray(layer.bias, np.float32) if layer.use_bias else np.zeros(channels, np.float32)
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise UnknownLayer(f"layer {layer.name!r} has weights that are not finite")
    return Weights(kernel, bias)


def _conv(reader: _Reader, layer: layers.Conv2D, node: Node) -> str:
    if layer.groups != 1:
        raise _unknown(layer, f"with {layer.groups} groups")
    return _convolution(reader, layer, replace(node, op="conv"))


def _depthwise(reader: _Reader, layer: layers.DepthwiseConv2D, node: Node) -> str:
    if layer.depth_multiplier != 1:
        raise _unknown(layer, f"with a depth multiplier of {layer.depth_multiplier}")
    return _convolution(reader, layer, replace(node, op="depthwise"))


def _convolution(reader: _Reader, layer: layers.Conv2D | layers.DepthwiseConv2D, node: Node) -> str:
    node = replace(
        node, kernel=layer.kernel_size, strides=layer.strides, dilation=layer.dilation_rate, padding=layer.padding
    )
    reader.weights[node.name] = _weights(layer, node.shape[-1])
    return reader.activated(node, layer.activation, layer)


def _dense(reader: _Reader, layer: layers.Dense, node: Node) -> str:
    if len(node.shape) != 1:
        raise _unknown(layer, "of more than one row")
    reader.weights[node.name] = _weights(layer, node.shape[-1])
    return reader.activated(replace(node, op="dense"), layer.activation, layer)


def _batch_norm(reader: _Reader, layer: Any, node: Node) -> str:
    if layer.axis not in (-1, len(node.shape)):
        raise _unknown(layer, f"over axis {layer.axis}")
    mean, variance = (np.asarray(x, np.float64) for x in (layer.moving_mean, layer.moving_variance))
    factor = (np.asarray(layer.gamma, np.float64) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    offset = (np.asarray(layer.beta, np.float64) if layer.center else 0.0) - mean * factor
    if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
        raise UnknownLayer(f"layer {layer.name!r} has weights that are not finite")
    reader.moments[node.name] = (factor, offset)
    return reader.add(replace(node, op="batch_norm"))


def _relu(reader: _Reader, layer: layers.ReLU, node: Node) -> str:
    kind = {None: "relu", 6.0: "relu6"}.get(layer.max_value)
    if kind is None or layer.negative_slope or layer.threshold:
        raise _unknown(layer, "with limits other than 0 and 6")
    return reader.add(replace(node, activation=kind))


def _activation_layer(reader: _Reader, layer: layers.Activation, node: Node) -> str:
    kind = _activation(layer.activation, layer)
    if kind in ("softmax", "sigmoid"):
        return reader.add(replace(node, op=kind))
    return reader.add(replace(node, activation=kind)) if kind else node.inputs[0]


def _softmax(reader: _Reader, layer: layers.Softmax, node: Node) -> str:
    if layer.axis not in (-1, len(node.shape)):
        raise _unknown(layer, f"over axis {layer.axis}")
    return reader.add(replace(node, op="softmax"))


def _global_pool(reader: _Reader, layer: layers.GlobalAveragePooling2D, node: Node) -> str:
    if layer.keepdims:
        return reader.add(replace(node, op="pool"))
    pooled = reader.add(replace(node, op="pool", shape=(1, 1, node.shape[-1])))
    return reader.add(Node(f"{node.name}_flat", "reshape", (pooled,), node.shape))


def _window(reader: _Reader, layer: Any, node: Node) -> str:
    op = "max_pool" if isinstance(layer, layers.MaxPooling2D) else "average_pool"
    return reader.add(
        replace(node, op=op, kernel=tuple(layer.pool_size), strides=tuple(layer.strides), padding=layer.padding)
    )


def _two(reader: _Reader, layer: keras.Layer, node: Node) -> str:
    if len(node.inputs) != 2:
        raise _unknown(layer, f"of {len(node.inputs)} tensors")
    return reader.add(replace(node, op="add" if isinstance(layer, layers.Add) else "multiply"))


def _pad(reader: _Reader, layer: layers.ZeroPadding2D, node: Node) -> str:
    rows, columns = layer.padding
    return reader.add(replace(node, op="pad", pads=((rows[0], rows[1]), (columns[0], columns[1]))))


def _rescaling(reader: _Reader, layer: layers.Rescaling, node: Node) -> str:
    if np.ndim(layer.scale) or np.ndim(layer.offset):
        raise _unknown(layer, "with a value a channel")
    return reader.add(replace(node, op="affine", scale=float(layer.scale), offset=float(layer.offset)))


_KINDS: tuple[tuple[Any, Callable[[_Reader, Any, Node], str]], ...] = (
    (layers.DepthwiseConv2D, _depthwise),
    (layers.Conv2D, _conv),
    (layers.Dense, _dense),
    (layers.BatchNormalization, _batch_norm),
    (layers.ReLU, _relu),
    (layers.Softmax, _softmax),
    (layers.Activation, _activation_layer),
    (layers.GlobalAveragePooling2D, _global_pool),
    ((layers.MaxPooling2D, layers.AveragePooling2D), _window),
    ((layers.Add, layers.Multiply), _two),
    (layers.ZeroPadding2D, _pad),
    (layers.Rescaling, _rescaling),
    ((layers.Flatten, layers.Reshape), lambda reader, layer, node: reader.add(replace(node, op="reshape"))),
    (IN_TRAINING_ONLY, lambda reader, layer, node: node.inputs[0]),
)


def _fold(reader: _Reader, output: str, name: str) -> Folded:
    """Return the graph with batch normalizations in kernels and biases, and activations in the nodes before them."""
    uses = Counter(source for node in reader.nodes for source in node.inputs)
    uses[output] += 1
    kept: dict[str, Node] = {}
    weights, alias = dict(reader.weights), dict[str, str]()
    for node in reader.nodes:
        inputs = tuple(alias.get(source, source) for source in node.inputs)
        before = kept[inputs[0]] if len(inputs) == 1 else None
        is_alone = len(inputs) == 1 and uses[node.inputs[0]] == 1
        if node.op == "batch_norm":
            if before is None or not is_alone or before.op not in WEIGHTED or before.activation:
                raise UnknownLayer(f"layer {node.name!r} is a batch normalization that does not follow a convolution")
            weights[before.name] = _folded(weights[before.name], *reader.moments[node.name], op=before.op)
            alias[node.name] = before.name
        elif node.op == "identity" and before is not None and is_alone and _takes(before):
            kept[before.name] = replace(before, activation=node.activation)
            alias[node.name] = before.name
        elif before is not None and _is_sixth(node) and is_alone and (gate := _gate(before, kept, uses)) is not None:
            kept.pop(before.name)
            kept[gate.name] = gate
            alias[node.name] = alias[before.name] = gate.name
        else:
            kept[node.name] = replace(node, inputs=inputs)
    return Folded(name, tuple(kept.values()), weights, alias.get(output, output))


def _takes(node: Node) -> bool:
    """Return whether an activation can become part of a node."""
    return not node.activation and (node.op in WEIGHTED or node.op in ("add", "multiply", "affine"))


def _is_sixth(node: Node) -> bool:
    return node.op == "affine" and abs(node.scale - 1 / 6) < SIXTH_TOLERANCE and node.offset == 0


def _gate(clipped: Node, kept: Mapping[str, Node], uses: Counter[str]) -> Node | None:
    """Return the node whose output `relu6(x + 3)` is to be divided by 6, with hard sigmoid as its activation."""
    if clipped.op != "affine" or clipped.activation != "relu6" or (clipped.scale, clipped.offset) != (1.0, 3.0):
        return None
    source = kept[clipped.inputs[0]]
    if source.op in WEIGHTED and not source.activation and uses[source.name] == 1:
        return replace(source, activation="hard_sigmoid")
    return None


def _folded(weights: Weights, factor: Floats, offset: Floats, op: str) -> Weights:
    """Return kernel and bias with a batch normalization in them, computed in float64."""
    along = factor[:, None] if op == "depthwise" and np.ndim(factor) else factor
    kernel = weights.kernel.astype(np.float64) * along
    return Weights(kernel.astype(np.float32), (weights.bias.astype(np.float64) * factor + offset).astype(np.float32))
