"""A Keras model from a folded graph, in float or with `fake_quant` operators: for the converter and for training.

The layers have the names of the graph's nodes, so that weights go in and come out by name. Imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from models.folded.graph import Folded, Node, Range, Ranges, Weights

Tensor: TypeAlias = "keras.KerasTensor"
SMALLEST_SCALE = 1e-9


@keras.saving.register_keras_serializable(package="alpharho")
class FixedQuant(keras.layers.Layer):
    """Rounds an activation to the 256 values of a range that stays: the converter is faster without weights."""

    def __init__(self, limits: Range, **options: Any) -> None:
        super().__init__(**options)
        self.limits = (float(limits[0]), float(limits[1]))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the values rounded."""
        # The converter joins the names of both ends into the name of the network's input: they are those of weights.
        low, high = (tf.constant(end, name="ReadVariableOp") for end in self.limits)
        return tf.quantization.fake_quant_with_min_max_vars(x, low, high, 8, False)

    def compute_output_spec(self, x: Tensor) -> Tensor:
        """Return the shape, which stays."""
        return keras.KerasTensor(x.shape, x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "limits": self.limits}


@keras.saving.register_keras_serializable(package="alpharho")
class FakeQuant(FixedQuant):
    """Rounds to a range whose ends `low` and `high` are weights, which training may move.

    `low` stays where it is with `is_low_fixed`, as 0 behind a ReLU.
    """

    def __init__(self, limits: Range, is_low_fixed: bool = False, **options: Any) -> None:
        super().__init__(limits, **options)
        self.is_low_fixed = is_low_fixed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create the two weights."""
        low, high = (keras.initializers.Constant(value) for value in self.limits)
        self.low = self.add_weight(name="low", shape=(), initializer=low, trainable=not self.is_low_fixed)
        self.high = self.add_weight(name="high", shape=(), initializer=high)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the values rounded; the gradient passes inside the range, and moves its ends outside."""
        low, high = tf.convert_to_tensor(self.low), tf.convert_to_tensor(self.high)
        return tf.quantization.fake_quant_with_min_max_vars(x, low, high, 8, False)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "is_low_fixed": self.is_low_fixed}


def straight_through(kernel: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    """Return a kernel rounded as the converter does, one scale an output channel, with the gradient of the identity."""
    largest = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True)
    scale = tf.stop_gradient(tf.maximum(largest, SMALLEST_SCALE) / 127.0)
    return kernel + tf.stop_gradient(tf.round(kernel / scale) * scale - kernel)


@keras.saving.register_keras_serializable(package="alpharho")
class Int8Conv2D(layers.Conv2D):
    """A convolution that computes with its kernel rounded to int8."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve with the rounded kernel."""
        return super().convolution_op(inputs, straight_through(tf.convert_to_tensor(kernel), (0, 1, 2)))


@keras.saving.register_keras_serializable(package="alpharho")
class Int8DepthwiseConv2D(layers.DepthwiseConv2D):
    """A depthwise convolution that computes with its kernel rounded to int8."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolve with the rounded kernel."""
        kernel = straight_through(tf.convert_to_tensor(self.kernel), (0, 1, 3))
        y = tf.nn.depthwise_conv2d(
            inputs, kernel, (1, *self.strides, 1), self.padding.upper(), dilations=self.dilation_rate
        )
        return tf.nn.bias_add(y, tf.convert_to_tensor(self.bias))

    def compute_output_spec(self, inputs: Tensor) -> Tensor:
        """Return the shape that Keras's own layer has."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)


@keras.saving.register_keras_serializable(package="alpharho")
class Int8Dense(layers.Dense):
    """A fully connected layer that computes with its kernel rounded to int8."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Multiply with the rounded kernel."""
        kernel = straight_through(tf.convert_to_tensor(self.kernel), (0,))
        return tf.nn.bias_add(tf.matmul(inputs, kernel), tf.convert_to_tensor(self.bias))

    def compute_output_spec(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Return the shape that Keras's own layer has."""
        return keras.KerasTensor((*inputs.shape[:-1], self.units), inputs.dtype)


def to_keras(
    graph: Folded,
    fake_quant: Ranges | None = None,
    batch: int | None = None,
    int8_kernels: bool = False,
    dropout: float = 0.0,
    free_size: bool = False,
    are_ranges_fixed: bool = False,
) -> keras.Model:
    """Return a Keras model of the graph with its weights: float32 input (batch, ...), trainable kernels and biases.

    `fake_quant` are the ranges of points: a FakeQuant layer, named `<point>_fq`, stands behind each; with
    `are_ranges_fixed` it is a FixedQuant, for the converter. Without ranges the model is the float twin. `int8_kernels`
    rounds kernels too, for training; the converter does it by itself. `dropout` is the rate before a dense layer. With
    `free_size` height and width are open, for training at several sizes.
    """
    build = _Build(fake_quant or {}, int8_kernels, dropout, are_ranges_fixed)
    tensors: dict[str, Tensor] = {}
    for node in graph.nodes:
        if node.op == "input":
            shape = (None, None, node.shape[-1]) if free_size else node.shape
            source = keras.Input(shape, batch_size=batch, name=node.name)
            tensors[node.name] = build.at(source, node.name)
        else:
            tensors[node.name] = build.node(node, [tensors[name] for name in node.inputs])
    model = keras.Model(source, tensors[graph.output], name=graph.name)
    for name, weights in graph.weights.items():
        model.get_layer(name).set_weights([weights.kernel, weights.bias])
    return model


def weights_of(model: keras.Model, graph: Folded) -> dict[str, Weights]:
    """Return the weights by node of a model that `to_keras` made of the graph."""
    pairs = {name: model.get_layer(name).get_weights() for name in graph.weights}
    return {name: Weights(np.asarray(kernel), np.asarray(bias)) for name, (kernel, bias) in pairs.items()}


def ranges_of(model: keras.Model, graph: Folded) -> dict[str, Range]:
    """Return the ranges by point of a model that `to_keras` made of the graph, as training left them."""
    fakes = {layer.name: layer for layer in model.layers if isinstance(layer, FakeQuant)}
    names = {point: fake_name(point) for point, _ in graph.points()}
    return {
        point: (float(fakes[name].low.numpy()), float(fakes[name].high.numpy()))
        for point, name in names.items()
        if name in fakes
    }


def fake_name(point: str) -> str:
    """Return the name of the FakeQuant layer behind a point."""
    return point.replace(":", "_") + "_fq"


class _Build:
    """Makes Keras tensors of nodes."""

    def __init__(self, ranges: Ranges, int8_kernels: bool, dropout: float, are_ranges_fixed: bool) -> None:
        self.ranges, self.dropout, self.are_ranges_fixed = ranges, dropout, are_ranges_fixed
        self.conv: type[layers.Conv2D] = Int8Conv2D if int8_kernels else layers.Conv2D
        self.depthwise: type[layers.DepthwiseConv2D] = Int8DepthwiseConv2D if int8_kernels else layers.DepthwiseConv2D
        self.dense: type[layers.Dense] = Int8Dense if int8_kernels else layers.Dense

    def at(self, x: Tensor, point: str, is_low_fixed: bool = False) -> Tensor:
        """Put a FakeQuant layer behind a point that has a range."""
        if point not in self.ranges:
            return x
        limits = self.ranges[point]
        if self.are_ranges_fixed:
            return FixedQuant(limits, name=fake_name(point))(x)
        return FakeQuant(limits, is_low_fixed and limits[0] == 0, name=fake_name(point))(x)

    def node(self, node: Node, inputs: list[Tensor]) -> Tensor:
        """Return the output of a node."""
        x = self._operator(node, inputs)
        return self._activate(node, x)

    def _activate(self, node: Node, x: Tensor) -> Tensor:
        name = node.name
        match node.activation:
            case "relu" | "relu6":
                limit = 6.0 if node.activation == "relu6" else None
                return self.at(layers.ReLU(limit, name=f"{name}_relu")(x), name, is_low_fixed=True)
            case "hard_swish":
                x = self.at(x, f"{name}:pre")
                return self.at(layers.Activation("hard_swish", name=f"{name}_swish")(x), name)
            case "hard_sigmoid":
                # No fake_quant before the + 3: the converter would then keep it as an operator of its own.
                x = layers.ReLU(6.0, name=f"{name}_relu6")(layers.Rescaling(1.0, 3.0, name=f"{name}_plus3")(x))
                x = self.at(x, f"{name}:plus3", is_low_fixed=True)
                return self.at(layers.Rescaling(1 / 6, name=f"{name}_gate")(x), name, is_low_fixed=True)
        return self.at(x, name) if node.points else x

    def _operator(self, node: Node, inputs: list[Tensor]) -> Tensor:
        x, name = inputs[0], node.name
        if node.has_weights:
            return self._product(node, x)
        if node.op == "affine":
            x = layers.Rescaling(node.scale, name=f"{name}_scale")(x) if node.scale != 1 else x
            x = self.at(x, f"{name}:scaled") if f"{name}:scaled" in node.points else x
            return layers.Rescaling(1.0, node.offset, name=name)(x) if node.offset != 0 else x
        if node.op in ("add", "multiply"):
            return (layers.Add if node.op == "add" else layers.Multiply)(name=name)(inputs)
        return _PLAIN[node.op](node)(x)

    def _product(self, node: Node, x: Tensor) -> Tensor:
        if node.op == "dense":
            x = layers.Dropout(self.dropout, name=f"{node.name}_dropout")(x) if self.dropout else x
            return self.dense(node.shape[-1], name=node.name)(x)
        options = {"strides": node.strides, "padding": node.padding, "dilation_rate": node.dilation, "name": node.name}
        if node.op == "conv":
            return self.conv(node.shape[-1], node.kernel, **options)(x)
        return self.depthwise(node.kernel, **options)(x)


_PLAIN: dict[str, Callable[[Node], keras.Layer]] = {
    "pool": lambda node: layers.GlobalAveragePooling2D(keepdims=True, name=node.name),
    "max_pool": lambda node: layers.MaxPooling2D(node.kernel, node.strides, node.padding, name=node.name),
    "average_pool": lambda node: layers.AveragePooling2D(node.kernel, node.strides, node.padding, name=node.name),
    "pad": lambda node: layers.ZeroPadding2D(node.pads, name=node.name),
    "reshape": lambda node: layers.Reshape(node.shape, name=node.name),
    "softmax": lambda node: layers.Softmax(name=node.name),
    "sigmoid": lambda node: layers.Activation("sigmoid", name=node.name),
    "identity": lambda node: layers.Identity(name=node.name),
}
