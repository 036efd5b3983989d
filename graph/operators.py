"""The operators that can be compiled: versions, options by the schema's names, and how many tensors they take."""

from __future__ import annotations

from dataclasses import dataclass

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}
PADDINGS = {0: "SAME", 1: "VALID"}

# The largest window, stride or dilation, far over what networks have: kernels add such numbers in int32.
WINDOW_LIMIT = 1 << 15


@dataclass(frozen=True)
class OperatorSpec:
    """What the schema says of an operator.

    `options` is the name of its options table, `fields` those of it that count; `inputs` is the range of how many
    tensors it reads. Versions up to `version` are those of LiteRT's reference kernels; later ones may mean something
    else.
    """

    version: int
    inputs: tuple[int, int]
    options: str | None = None
    fields: tuple[str, ...] = ()


_WINDOW = ("Padding", "StrideW", "StrideH", "FusedActivationFunction")
_DILATION = ("DilationWFactor", "DilationHFactor")

SUPPORTED = {
    "CONV_2D": OperatorSpec(8, (2, 3), "Conv2DOptions", (*_WINDOW, *_DILATION)),
    "DEPTHWISE_CONV_2D": OperatorSpec(6, (2, 3), "DepthwiseConv2DOptions", (*_WINDOW, *_DILATION)),
    "FULLY_CONNECTED": OperatorSpec(
        14, (2, 3), "FullyConnectedOptions", ("FusedActivationFunction", "WeightsFormat", "KeepNumDims")
    ),
    "ADD": OperatorSpec(5, (2, 2), "AddOptions", ("FusedActivationFunction",)),
    "MUL": OperatorSpec(7, (2, 2), "MulOptions", ("FusedActivationFunction",)),
    "MEAN": OperatorSpec(3, (2, 2), "ReducerOptions", ("KeepDims",)),
    "AVERAGE_POOL_2D": OperatorSpec(3, (1, 1), "Pool2DOptions", (*_WINDOW, "FilterWidth", "FilterHeight")),
    "MAX_POOL_2D": OperatorSpec(3, (1, 1), "Pool2DOptions", (*_WINDOW, "FilterWidth", "FilterHeight")),
    "SOFTMAX": OperatorSpec(3, (1, 1), "SoftmaxOptions", ("Beta",)),
    "HARD_SWISH": OperatorSpec(1, (1, 1)),
    "RELU": OperatorSpec(3, (1, 1)),
    "RELU6": OperatorSpec(3, (1, 1)),
    "PAD": OperatorSpec(6, (2, 2)),
    "RESHAPE": OperatorSpec(1, (1, 2)),
    "QUANTIZE": OperatorSpec(6, (1, 1)),
    "CONCATENATION": OperatorSpec(7, (1, 64), "ConcatenationOptions", ("Axis", "FusedActivationFunction")),
}
