"""A Keras model from a table of layers. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from errors import ConfigError
from models.batch_norm import FusedBatchNormalization
from models.network import Layer, Network

# Batch normalization as keras.applications has it for each family.
BATCH_NORM_EPSILON = 1e-3


def build(
    net: Network, batch: int | None = None, name: str = "mobilenet", momentum: float = 0.99, training: bool = False
) -> keras.Model:
    """Return a Keras model: float32 input (batch, h, w, c) in [-1, 1], output (batch, classes) probabilities.

    Export needs `batch` fixed, or shape arithmetic stays in the graph. With `training` the batch, height and width are
    open, for training at several sizes, and batch normalization is computed by one fused operator; weights and names
    are the same.
    """
    normalize = FusedBatchNormalization if training else layers.BatchNormalization

    def normalization(name: str) -> keras.Layer:
        return normalize(name=name, epsilon=BATCH_NORM_EPSILON, momentum=momentum)

    tensors: dict[str, keras.KerasTensor] = {}
    for layer in net.layers:
        if layer.op == "input":
            shape = (None, None, layer.output_shape[2]) if training else layer.output_shape
            tensors[layer.name] = keras.Input(shape, batch_size=batch, name="input")
        else:
            tensors[layer.name] = _apply(layer, [tensors[source] for source in layer.inputs], normalization)
    return keras.Model(tensors["input"], tensors[net.last], name=name)


def set_weights(model: keras.Model, weights: dict[str, npt.NDArray[np.float32]]) -> None:
    """Set every weight of the model by its name.

    Raises ConfigError naming the first weight that is missing, too many or of another shape.
    """
    for variable in model.weights:
        if variable.path not in weights:
            raise ConfigError(f"weights are not of {model.name}: {variable.path} is missing")
        if weights[variable.path].shape != tuple(variable.shape):
            raise ConfigError(
                f"weights are not of {model.name}: {variable.path} has shape {weights[variable.path].shape}, "
                f"expected {tuple(variable.shape)}"
            )
    for name in weights.keys() - {variable.path for variable in model.weights}:
        raise ConfigError(f"weights are not of {model.name}: it has no {name}")
    for variable in model.weights:
        variable.assign(weights[variable.path])


def _apply(layer: Layer, inputs: list[keras.KerasTensor], bn: Callable[[str], keras.Layer]) -> keras.KerasTensor:
    x = inputs[0]
    filters, bias = layer.output_shape[2], not layer.batch_norm
    match layer.op:
        case "conv":
            x = layers.Conv2D(
                filters, layer.kernel, strides=layer.stride, padding="same", use_bias=bias, name=layer.name
            )(x)
        case "depthwise":
            x = layers.DepthwiseConv2D(
                layer.kernel, strides=layer.stride, padding="same", use_bias=bias, name=layer.name
            )(x)
        case "dense":
            x = layers.Dense(filters, name=layer.name)(layers.Flatten(name=f"{layer.name}_flat")(x))
        case "pool":
            x = layers.GlobalAveragePooling2D(keepdims=True, name=layer.name)(x)
        case "add":
            x = layers.Add(name=layer.name)(inputs)
        case "scale":
            x = layers.Multiply(name=layer.name)(inputs)
        case "dropout":
            x = layers.Dropout(layer.rate, name=layer.name)(x)
        case "softmax":
            x = layers.Softmax(name=layer.name)(x)
        case _:
            raise ValueError(f"layer {layer.name}: no Keras layer for {layer.op}")
    if layer.batch_norm:
        x = bn(f"{layer.name}_bn")(x)
    return _activate(x, layer.activation, layer.name)


def _activate(x: keras.KerasTensor, activation: str | None, name: str) -> keras.KerasTensor:
    match activation:
        case None:
            return x
        case "relu":
            return layers.ReLU(name=f"{name}_relu")(x)
        case "relu6":
            return layers.ReLU(6.0, name=f"{name}_relu")(x)
        case "hard_sigmoid":
            return layers.Activation("hard_sigmoid", name=f"{name}_gate")(x)
        case "hard_swish":
            return layers.Activation("hard_swish", name=f"{name}_swish")(x)
        case _:
            raise ValueError(f"layer {name}: no activation {activation}")
