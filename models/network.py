"""A network as a table of layers: shapes, parameters and MACs, known without TensorFlow.

Each architecture (`v1`, `v2`, `v3`) writes itself into a `Network`; `keras_model` reads the same table to
build the Keras model, so that what `inv explain` prints and what is trained cannot differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Shape = tuple[int, int, int]
"""Height, width and channels of one activation, without the batch."""


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a channel count to a multiple of `divisor`, never losing over 10 % (V2's reference code)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


@dataclass(frozen=True)
class Layer:
    """One layer: an operator, its batch normalization and its activation.

    `op` is one of input, conv, depthwise, dense, pool (global average), add, scale (a channel-wise
    product, as squeeze-and-excite ends in), activation, dropout, softmax.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    input_shape: Shape
    output_shape: Shape
    kernel: int = 1
    stride: int = 1
    batch_norm: bool = False
    activation: str | None = None
    rate: float = 0.0
    block: str = ""

    @property
    def has_weights(self) -> bool:
        """Whether the layer has a kernel: what V1's paper counts as a layer."""
        return self.op in ("conv", "depthwise", "dense")

    @property
    def kernel_size(self) -> int:
        """Elements of the kernel, without bias."""
        c_in, c_out = self.input_shape[2], self.output_shape[2]
        if self.op == "depthwise":
            return self.kernel**2 * c_in
        return self.kernel**2 * c_in * c_out if self.has_weights else 0

    @property
    def parameters(self) -> int:
        """Keras parameters: kernel, then bias or the four vectors of batch normalization."""
        if not self.has_weights:
            return 0
        return self.kernel_size + self.output_shape[2] * (4 if self.batch_norm else 1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self.kernel_size * self.output_shape[0] * self.output_shape[1]

    @property
    def int8_bytes(self) -> int:
        """Bytes of the int8 kernel and of one int32 bias per output channel."""
        return self.kernel_size + 4 * self.output_shape[2] if self.has_weights else 0

    @property
    def elements(self) -> int:
        """Elements of the output, that is bytes in int8."""
        return math.prod(self.output_shape)


class Network:
    """A list of `Layer` in order of execution, and the methods that append to it."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.layers: list[Layer] = []
        self._by_name: dict[str, Layer] = {}
        self.block = ""
        shape = (height, width, channels)
        self._append(Layer("input", "input", (), shape, shape))

    def __getitem__(self, name: str) -> Layer:
        return self._by_name[name]

    @property
    def last(self) -> str:
        """Name of the layer appended last."""
        return self.layers[-1].name

    def _append(self, layer: Layer) -> str:
        if layer.name in self._by_name:
            raise ValueError(f"two layers are named {layer.name}")
        self.layers.append(layer)
        self._by_name[layer.name] = layer
        return layer.name

    def _shape(self, name: str) -> Shape:
        return self._by_name[name].output_shape

    def conv(
        self,
        name: str,
        filters: int,
        kernel: int = 1,
        stride: int = 1,
        activation: str | None = None,
        batch_norm: bool = True,
        source: str | None = None,
    ) -> str:
        """Append a convolution with SAME padding; without batch normalization it has a bias."""
        source = source or self.last
        h, w, c = self._shape(source)
        out = (-(-h // stride), -(-w // stride), filters)
        return self._append(
            Layer(name, "conv", (source,), (h, w, c), out, kernel, stride, batch_norm, activation, 0.0, self.block)
        )

    def depthwise(self, name: str, kernel: int, stride: int, activation: str | None) -> str:
        """Append a depthwise convolution (multiplier 1) with SAME padding and batch normalization."""
        h, w, c = self._shape(self.last)
        out = (-(-h // stride), -(-w // stride), c)
        return self._append(
            Layer(name, "depthwise", (self.last,), (h, w, c), out, kernel, stride, True, activation, 0.0, self.block)
        )

    def pool(self, name: str) -> str:
        """Append global average pooling; height and width stay, as 1."""
        shape = self._shape(self.last)
        return self._append(
            Layer(name, "pool", (self.last,), shape, (1, 1, shape[2]), shape[0], shape[0], block=self.block)
        )

    def add(self, name: str, first: str, second: str) -> str:
        """Append an element-wise sum of two layers of one shape."""
        shape = self._shape(first)
        return self._append(Layer(name, "add", (first, second), shape, shape, block=self.block))

    def scale(self, name: str, features: str, gate: str) -> str:
        """Append the product of a feature map and a gate of shape (1, 1, channels)."""
        shape = self._shape(features)
        return self._append(Layer(name, "scale", (features, gate), shape, shape, block=self.block))

    def dropout(self, name: str, rate: float) -> str:
        """Append dropout: there in training only."""
        shape = self._shape(self.last)
        return self._append(Layer(name, "dropout", (self.last,), shape, shape, rate=rate, block=self.block))

    def dense(self, name: str, units: int) -> str:
        """Append a fully connected layer with bias, on a (1, 1, channels) input."""
        shape = self._shape(self.last)
        return self._append(Layer(name, "dense", (self.last,), shape, (1, 1, units), block=self.block))

    def softmax(self, name: str) -> str:
        """Append softmax over the channels."""
        shape = self._shape(self.last)
        return self._append(Layer(name, "softmax", (self.last,), shape, shape, block=self.block))

    @property
    def parameters(self) -> int:
        """Keras parameters of the whole network, batch normalization's four vectors included."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference (convolutions and dense layers)."""
        return sum(layer.macs for layer in self.layers)

    @property
    def int8_bytes(self) -> int:
        """Bytes of all int8 kernels and int32 biases, batch normalization folded."""
        return sum(layer.int8_bytes for layer in self.layers)

    @property
    def weight_layers(self) -> int:
        """Layers with a kernel: 28 for V1, as its paper counts."""
        return sum(layer.has_weights for layer in self.layers)

    @property
    def peak_activation_bytes(self) -> int:
        """Largest sum of int8 activations alive at once, executed in order, each output in a place of its own.

        Activations fused into their layer and dropout take no place. The input counts.
        """
        last_use = {name: i for i, layer in enumerate(self.layers) for name in layer.inputs}
        last_use[self.last] = len(self.layers)
        alive: dict[str, int] = {}
        peak = 0
        for i, layer in enumerate(self.layers):
            alive[layer.name] = layer.elements
            if layer.op == "dropout":
                alive[layer.name] = 0
                last_use[layer.inputs[0]] = max(last_use[layer.inputs[0]], last_use[layer.name])
            peak = max(peak, sum(alive.values()))
            alive = {name: size for name, size in alive.items() if last_use[name] > i}
        return peak
