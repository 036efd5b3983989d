"""Coral's documented rules for what an Edge TPU runs.

Source: "TensorFlow models on the Edge TPU" of Coral's documentation (coral.ai/docs/edgetpu/models-intro), sections
"Model requirements" and "Supported operations", as of compiler 16 and runtime 14. The compiler is closed: these are its
rules as published, and it may decide otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from graph.types import Graph, Operator, Tensor

SOFTMAX_ELEMENTS_MAX = 16_000
ON_CHIP_BYTES = 8_000_000
"""Approximate size of parameters and executable that the chip holds. The rest is streamed at each inference ("Parameter
data caching", coral.ai/docs/edgetpu/compiler)."""
DEFAULT_WEIGHTS = 0  # FullyConnectedOptionsWeightsFormat
# Versions of operators with which compiler 16 is known to refuse the whole file ("Didn't find op for builtin opcode"):
# issues 631 and 845 of google-coral/edgetpu.
REFUSED_FROM_VERSION = {"CONV_2D": 6, "TRANSPOSE_CONV": 4}

Rule = Callable[[Graph, Operator], str]
"""Returns why the operator stays on the CPU, "" if this rule does not exclude it."""


def _first(graph: Graph, operator: Operator) -> Tensor:
    return graph.tensors[operator.inputs[0]]


def _no_activation(graph: Graph, operator: Operator) -> str:
    return "has a fused activation function" if operator.options.get("FusedActivationFunction") else ""


def _same_dilation(graph: Graph, operator: Operator) -> str:
    w, h = operator.options.get("DilationWFactor", 1), operator.options.get("DilationHFactor", 1)
    return "" if w == h else f"dilation differs in x and y ({w} and {h})"


def _constant_parameters(graph: Graph, operator: Operator) -> str:
    parameters = [i for i in operator.inputs[1:3] if i >= 0]
    return "" if all(graph.tensors[i].data is not None for i in parameters) else "weights or bias are not constant"


def _zero_padding_only(graph: Graph, operator: Operator) -> str:
    constants = [graph.tensors[i] for i in operator.inputs if i >= 0 and graph.tensors[i].data is not None]
    if not constants:
        return ""
    if len(operator.inputs) != 2:
        return f"has a constant among {len(operator.inputs)} inputs, only 2 are supported then"
    values = constants[0].data
    return "" if values is None or not np.any(values) else "its constant input is not all zeros"


def _default_weights(graph: Graph, operator: Operator) -> str:
    return "" if operator.options.get("WeightsFormat") == DEFAULT_WEIGHTS else "weights are not in the default format"


def _one_dimensional_output(graph: Graph, operator: Operator) -> str:
    shape = graph.tensors[operator.outputs[0]].shape
    return "" if sum(size != 1 for size in shape) <= 1 else f"output {list(shape)} is not one-dimensional"


def _small_vector(graph: Graph, operator: Operator) -> str:
    shape = _first(graph, operator).shape
    if sum(size != 1 for size in shape) > 1:
        return f"input {list(shape)} is not one-dimensional"
    size = int(np.prod(shape))
    return "" if size <= SOFTMAX_ELEMENTS_MAX else f"input has {size:,} elements, at most {SOFTMAX_ELEMENTS_MAX:,}"


def _not_batch(position: int, what: str) -> Rule:
    """Return a rule that no axis of the constant input at `position` is the batch of the first computed input."""

    def rule(graph: Graph, operator: Operator) -> str:
        axes, rank = graph.constant_integers(operator, position), len(graph.computed_inputs(operator)[0].shape)
        if axes is None:
            return f"which axes it {what} is not constant"
        return f"{what} the batch" if rank > 1 and any(int(axis) % rank == 0 for axis in axes) else ""

    return rule


def _channels_by_four(graph: Graph, operator: Operator) -> str:
    axes, shape = graph.constant_integers(operator, 1), _first(graph, operator).shape
    if axes is None or not shape or not any(int(axis) % len(shape) == len(shape) - 1 for axis in axes):
        return ""
    return "" if shape[-1] % 4 == 0 else f"reduces {shape[-1]} channels, not a multiple of 4"


def _no_batch_padding(graph: Graph, operator: Operator) -> str:
    paddings = graph.constant_integers(operator, 1)
    if paddings is None:
        return "its paddings are not constant"
    return "pads the batch" if len(paddings) > 2 and np.any(paddings[:2]) else ""


def _no_batch_packing(graph: Graph, operator: Operator) -> str:
    rank = len(graph.tensors[operator.outputs[0]].shape)
    return "packs along the batch" if rank and operator.options.get("Axis") % rank == 0 else ""


def _plain_slices(graph: Graph, operator: Operator) -> str:
    strides = graph.constant_integers(operator, 3)
    if strides is None or np.any(strides != 1):
        return "its strides are not all 1"
    masks = operator.options.get("EllipsisMask") or operator.options.get("NewAxisMask")
    return "has an ellipsis or a new axis" if masks else ""


def _channel_alpha(graph: Graph, operator: Operator) -> str:
    shape = graph.tensors[operator.inputs[1]].shape
    return "" if all(size == 1 for size in shape[:-1]) else f"alpha {list(shape)} is not one-dimensional"


_REDUCTION = (_not_batch(1, "reduces"),)
SUPPORTED: Mapping[str, tuple[Rule, ...]] = {
    "ADD": (),
    "AVERAGE_POOL_2D": (_no_activation,),
    "CONCATENATION": (_no_activation, _zero_padding_only),
    "CONV_2D": (_same_dilation, _constant_parameters),
    "DEPTHWISE_CONV_2D": (_same_dilation, _constant_parameters),
    "EXPAND_DIMS": (),
    "FULLY_CONNECTED": (_default_weights, _one_dimensional_output, _constant_parameters),
    "L2_NORMALIZATION": (),
    "LOGISTIC": (),
    "MAXIMUM": (),
    "MAX_POOL_2D": (_no_activation,),
    "MEAN": (*_REDUCTION, _channels_by_four),
    "MINIMUM": (),
    "MUL": (),
    "PACK": (_no_batch_packing,),
    "PAD": (_no_batch_padding,),
    "PRELU": (_channel_alpha,),
    "QUANTIZE": (),
    "REDUCE_MAX": _REDUCTION,
    "REDUCE_MIN": _REDUCTION,
    "RELU": (),
    "RELU6": (),
    "RELU_N1_TO_1": (),
    "RESHAPE": (),
    "RESIZE_BILINEAR": (),
    "RESIZE_NEAREST_NEIGHBOR": (),
    "RSQRT": (),
    "SLICE": (),
    "SOFTMAX": (_small_vector,),
    "SPACE_TO_DEPTH": (),
    "SPLIT": (_not_batch(0, "splits"),),
    "SQUARED_DIFFERENCE": (),
    "SQUEEZE": (),
    "STRIDED_SLICE": (_plain_slices,),
    "SUB": (),
    "SUM": _REDUCTION,
    "TANH": (),
    "TRANSPOSE": (),
    "TRANSPOSE_CONV": (),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (),
}
# Documented as supported, yet left on the CPU depending on sizes.
DEPENDS_ON_SIZE = ("RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")


def why_on_cpu(graph: Graph, operator: Operator) -> str:
    """Return why an operator by itself stays on the CPU, "" if the documented rules let it onto the Edge TPU."""
    if operator.is_custom:
        return "a custom operator"
    if operator.name not in SUPPORTED:
        return "not among the operators that Coral lists"
    computed = graph.computed_inputs(operator)
    if operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        computed = computed[:1]  # the others are its states, which may have 16 bits
    for tensor in [*computed, *(graph.tensors[i] for i in operator.outputs)]:
        problem = _why_not(tensor)
        if problem:
            return f"tensor {tensor.short_name[-60:]}: {problem}"
    if not computed or not operator.outputs:
        return "computes from constants alone"
    return next((reason for rule in SUPPORTED[operator.name] if (reason := rule(graph, operator))), "")


def _why_not(tensor: Tensor) -> str:
    """Check a computed tensor: quantized to 8 bits, of fixed sizes, at most its three innermost over 1."""
    if tensor.dtype not in ("int8", "uint8") or tensor.quantization is None:
        has_scale = tensor.quantization is not None
        return f"{tensor.dtype}{'' if has_scale else ' without a scale'}, expected quantized int8 or uint8"
    if not tensor.is_static:
        return f"shape {list(tensor.open_shape)} is not fixed"
    if any(size > 1 for size in tensor.shape[:-3]):
        return f"shape {list(tensor.shape)} has more than 3 dimensions over 1"
    return ""
