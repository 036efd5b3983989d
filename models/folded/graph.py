"""The folded graph: nodes, the points where a tensor is int8 in the .tflite, and weights. No TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from errors import ConfigError

Floats = npt.NDArray[np.float32]
Range = tuple[float, float]
"""Real values that the lowest and the highest integer of an int8 tensor stand for; 0 is between them."""
Ranges = Mapping[str, Range]
"""The range of each point by its name."""

WEIGHTED = ("conv", "depthwise", "dense")
MOVING = ("pad", "max_pool", "average_pool", "reshape")
"""Operators whose output has the scale of their input."""
FIXED = ("softmax", "sigmoid")
"""Operators whose output has a scale that LiteRT fixes."""
ACTIVATIONS = ("relu", "relu6", "hard_swish", "hard_sigmoid")


class UnknownLayer(ConfigError):
    """A layer that the folded graph does not know: the message names it."""


@dataclass(frozen=True)
class Weights:
    """Kernel and bias of a node, float32.

    The kernel is (h, w, in, out) of a convolution, (h, w, channels, 1) of a depthwise one, (in, out) of a dense layer.
    """

    kernel: Floats
    bias: Floats


@dataclass(frozen=True)
class Node:
    """An operator with the activation that follows it.

    `op` is input, conv, depthwise, dense, add, multiply, pool (global average, keeps height and width as 1), affine
    (times `scale` plus `offset`), identity (an activation alone), one of MOVING or one of FIXED. `inputs` are names of
    nodes, `shape` is that of the output without the batch. `activation` is one of ACTIVATIONS or "". `kernel`,
    `strides` and `dilation` are (height, width); `kernel` is the window of a pooling. `padding` is "same" or "valid";
    `pads` are the rows above and below and the columns left and right that `pad` adds.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    activation: str = ""
    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "same"
    pads: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    scale: float = 1.0
    offset: float = 0.0

    @property
    def has_weights(self) -> bool:
        """Whether the node has a kernel and a bias."""
        return self.op in WEIGHTED

    @property
    def linear(self) -> str:
        """Name of the tap before the activation."""
        return f"{self.name}:linear"

    @property
    def points(self) -> tuple[str, ...]:
        """Names of the tensors of this node that are int8 in the .tflite and have a range of their own, in order.

        The last is the node's output, named as the node. `:pre` is the input of HARD_SWISH, `:plus3` that of the
        product at the end of hard sigmoid: the + 3 before it is part of the bias, and has no tensor. `:scaled` is the
        product in an affine node that also adds.
        """
        if self.op in MOVING or self.op in FIXED:
            return ()
        first = (f"{self.name}:scaled",) if self.op == "affine" and self.scale != 1 and self.offset != 0 else ()
        match self.activation:
            case "hard_swish":
                return (*first, f"{self.name}:pre", self.name)
            case "hard_sigmoid":
                return (*first, f"{self.name}:plus3", self.name)
        return (*first, self.name)


@dataclass(frozen=True)
class Folded:
    """A network of one input and one output: `nodes` in order of execution, the input first, and `weights` by node."""

    name: str
    nodes: tuple[Node, ...]
    weights: Mapping[str, Weights]
    output: str

    def __getitem__(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    @property
    def input(self) -> Node:
        """The node of the input."""
        return self.nodes[0]

    def points(self) -> Iterator[tuple[str, Node]]:
        """Yield the name of each point and its node, in order."""
        for node in self.nodes:
            for point in node.points:
                yield point, node

    def users(self, name: str) -> list[Node]:
        """Return the nodes that read a node's output."""
        return [node for node in self.nodes if name in node.inputs]

    def with_weights(self, weights: Mapping[str, Weights]) -> Folded:
        """Return the same network with other weights for the nodes that are named."""
        return replace(self, weights={**self.weights, **weights})


def scale_axes(op: str, rank: int) -> tuple[int, ...]:
    """Return the axes of a kernel over which all weights are of one output channel, and have one scale."""
    return (0, 1, 3) if op == "depthwise" else tuple(range(rank - 1))


def snap(kernel: Floats, op: str) -> Floats:
    """Return a kernel rounded as the converter does: symmetric int8, one scale (largest / 127) an output channel."""
    largest = np.abs(kernel).max(axis=scale_axes(op, kernel.ndim), keepdims=True)
    scale = np.where(largest > 0, largest, 1) / np.float32(127)
    rounded: Floats = (np.rint(kernel / scale) * scale).astype(np.float32)
    return rounded
