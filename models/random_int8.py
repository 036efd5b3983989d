"""The int8 graph of a preset with random weights, without TensorFlow: the operators that its converter would write.

Shapes decide memory and instructions, so that a preset can be planned and timed before it is trained or converted.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from graph.builder import Builder
from graph.types import Graph
from models.network import Layer, Network
from models.presets import Preset

SEED = 1
WEIGHT_DEVIATION = 73.6
"""Standard deviation of int8 weights that are uniform from -127 to 127."""
RELU_SCALE, LINEAR_SCALE = 6 / 255, 0.05
"""Scales of outputs of about unit variance, behind a ReLU and without one."""
FUSED = {"relu": 1, "relu6": 3}
PAIR_SCALE, GATE_SCALE = 0.07, 1 / 255


def graph_of(preset: Preset, has_weights: bool = True) -> Graph:
    """Return the int8 graph of a preset: input 0..255 as -128..127, softmax out. The same preset gives the same.

    Without `has_weights` all weights are 1, which takes no memory: for its shapes alone.
    """
    return _Int8(preset.network(), has_weights).graph()


class _Int8:
    """Writes a table of layers as int8 operators; `place` is the tensor of each layer by name."""

    def __init__(self, network: Network, has_weights: bool) -> None:
        self.network, self.builder, self.has_weights = network, Builder(), has_weights
        self.random = np.random.default_rng(SEED)
        self.place: dict[str, int] = {}
        self.axes: int | None = None

    def graph(self) -> Graph:
        first, *layers = self.network.layers
        source = self.place[first.name] = self.builder.tensor((1, *first.output_shape), scale=1 / 127.5, zero_point=-1)
        for layer in layers:
            self.place[layer.name] = self._append(layer, [self.place[name] for name in layer.inputs])
        return self.builder.graph([source], [self.place[self.network.last]])

    def _append(self, layer: Layer, inputs: list[int]) -> int:
        """Append a layer's operators and return the tensor that it writes."""
        match layer.op:
            case "conv":
                return self._conv(layer, inputs)
            case "depthwise":
                return self._depthwise(layer, inputs)
            case "pool":
                return self._pool(layer, inputs)
            case "add":
                return self._pair("ADD", "AddOptions", layer, inputs, 0)
            case "scale":
                return self._pair("MUL", "MulOptions", layer, inputs, -128)
            case "dense":
                return self._dense(layer, inputs)
            case "softmax":
                return self._softmax(layer, inputs)
        return inputs[0]  # dropout, which is there in training only

    def _conv(self, layer: Layer, inputs: list[int]) -> int:
        shape = (layer.output_shape[2], layer.kernel, layer.kernel, layer.input_shape[2])
        options = {"Padding": 0, "StrideH": layer.stride, "StrideW": layer.stride}
        return self._filtered(layer, inputs, "CONV_2D", "Conv2DOptions", shape, 0, options)

    def _depthwise(self, layer: Layer, inputs: list[int]) -> int:
        shape = (1, layer.kernel, layer.kernel, layer.output_shape[2])
        options = {"Padding": 0, "StrideH": layer.stride, "StrideW": layer.stride, "DepthMultiplier": 1}
        return self._filtered(layer, inputs, "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", shape, 3, options)

    def _filtered(
        self, layer: Layer, inputs: list[int], name: str, table: str, shape: tuple[int, ...], axis: int,
        options: dict[str, int],
    ) -> int:  # fmt: skip
        channels = shape[axis]
        scale = math.sqrt(2 * channels / math.prod(shape)) / WEIGHT_DEVIATION
        data = self._weights(shape)
        kernel = self.builder.tensor(shape, scale=[scale] * channels, data=data, axis=axis)
        bias_scale = scale * self._scale(inputs[0])
        bias = self.builder.tensor((channels,), "int32", scale=[bias_scale] * channels, data=np.zeros(channels))
        gate = layer.activation == "hard_sigmoid"
        fused = 3 if gate else FUSED.get(layer.activation or "", 0)
        low = {"scale": RELU_SCALE, "zero_point": -128} if fused else {"scale": LINEAR_SCALE}
        target = self.builder.tensor((1, *layer.output_shape), **low)  # type: ignore[arg-type]
        fields = {"DilationHFactor": 1, "DilationWFactor": 1, "FusedActivationFunction": fused, **options}
        self.builder.operator(name, [inputs[0], kernel, bias], [target], fields, table)
        if layer.activation == "hard_swish":
            swish = self.builder.tensor((1, *layer.output_shape), scale=LINEAR_SCALE, zero_point=-120)
            self.builder.operator("HARD_SWISH", [target], [swish], table="HardSwishOptions")
            return swish
        return self._sixth(target, layer) if gate else target

    def _weights(self, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
        if not self.has_weights:
            return np.broadcast_to(np.int8(1), shape)
        return self.random.integers(-127, 128, shape, np.int8)

    def _sixth(self, source: int, layer: Layer) -> int:
        """Append the division of relu6(x + 3) by 6, which ends a hard sigmoid."""
        sixth = self.builder.tensor((), scale=1 / 6 / 255, zero_point=-128, data=127)
        target = self.builder.tensor((1, *layer.output_shape), scale=GATE_SCALE, zero_point=-128)
        self.builder.operator("MUL", [source, sixth], [target], table="MulOptions")
        return target

    def _scale(self, tensor: int) -> float:
        quantization = self.builder.tensors[tensor].quantization
        assert quantization is not None
        return quantization.scales[0]

    def _pool(self, layer: Layer, inputs: list[int]) -> int:
        if self.axes is None:
            self.axes = self.builder.tensor((2,), "int32", data=[1, 2])
        source = self.builder.tensors[inputs[0]].quantization
        assert source is not None
        target = self.builder.tensor(
            (1, *layer.output_shape), scale=0.4 * source.scales[0], zero_point=source.zero_point
        )
        self.builder.operator("MEAN", [inputs[0], self.axes], [target], {"KeepDims": True}, "ReducerOptions")
        return target

    def _pair(self, name: str, table: str, layer: Layer, inputs: list[int], zero_point: int) -> int:
        target = self.builder.tensor((1, *layer.output_shape), scale=PAIR_SCALE, zero_point=zero_point)
        self.builder.operator(name, inputs, [target], table=table)
        return target

    def _dense(self, layer: Layer, inputs: list[int]) -> int:
        units, depth = layer.output_shape[2], layer.input_shape[2]
        scale = math.sqrt(2 / depth) / WEIGHT_DEVIATION
        data = self._weights((units, depth))
        kernel = self.builder.tensor((units, depth), scale=[scale] * units, data=data)
        bias_scale = [scale * self._scale(inputs[0])] * units
        bias = self.builder.tensor((units,), "int32", scale=bias_scale, data=np.zeros(units))
        target = self.builder.tensor((1, units), scale=LINEAR_SCALE)
        self.builder.operator("FULLY_CONNECTED", [inputs[0], kernel, bias], [target], table="FullyConnectedOptions")
        return target

    def _softmax(self, layer: Layer, inputs: list[int]) -> int:
        target = self.builder.tensor((1, layer.output_shape[2]), scale=1 / 256, zero_point=-128)
        self.builder.operator("SOFTMAX", inputs, [target], {"Beta": 1.0}, "SoftmaxOptions")
        return target
