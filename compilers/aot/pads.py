"""PAD before a window becomes padding of the window, so that the padded tensor never exists.

`ZeroPadding2D` and PyTorch's symmetric padding reach a `.tflite` as PAD with a VALID convolution behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graph.types import Graph, Operator, Options, Tensor

PADS = ("PAD", "PADV2")
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
VALID = 1
# The field of an operator's options that holds folded padding: top, bottom, left, right. No file has such a field.
FOLDED = "FoldedPadding"

Amounts = tuple[int, int, int, int]


def fold(graph: Graph) -> tuple[Operator, ...]:
    """Return the operators without each PAD that only windows read and that these can do themselves.

    Those windows read what the PAD read. Their padding is in their options as FOLDED. A PAD of PADs is folded, too.
    """
    operators = list(graph.operators)
    # From the last, so that of two PADs in a row the second is folded first.
    for pad in reversed(graph.operators):
        amounts = _amounts(graph, pad) if pad.name in PADS else None
        if amounts is None:
            continue
        output = pad.outputs[0]
        readers = [i for i, operator in enumerate(operators) if output in operator.inputs]
        folded = [_folded(graph, operators[i], pad, amounts) for i in readers]
        if output in graph.outputs or not folded or None in folded:
            continue
        for i, operator in zip(readers, folded, strict=True):
            assert operator is not None
            operators[i] = operator
        operators.remove(pad)
    return tuple(operators)


def folded_padding(operator: Operator) -> Amounts:
    """Return top, bottom, left and right of the padding that was folded into a window."""
    amounts = operator.options.values.get(FOLDED, (0, 0, 0, 0))
    assert isinstance(amounts, tuple)
    top, bottom, left, right = (int(amount) for amount in amounts)
    return top, bottom, left, right


def pad_value(graph: Graph, pad: Operator) -> int | None:
    """Return the value that a PAD or PADV2 of int8 writes, None if it is not known."""
    if pad.name == "PAD":
        quantization = graph.tensors[pad.outputs[0]].quantization
        return None if quantization is None else quantization.zero_point
    value = graph.tensors[pad.inputs[2]] if len(pad.inputs) > 2 and pad.inputs[2] >= 0 else None
    if value is None or value.data is None or value.size != 1 or value.dtype != "int8":
        return None
    return int(value.data.reshape(-1)[0])


def _amounts(graph: Graph, pad: Operator) -> Amounts | None:
    """Return what a PAD of height and width alone puts around its input, None for any other."""
    source, target = graph.tensors[pad.inputs[0]], graph.tensors[pad.outputs[0]]
    flat = graph.constant_integers(pad, 1)
    if flat is None or graph.tensors[pad.inputs[1]].shape != (4, 2):
        return None
    if pad.inputs[0] < 0 or len(source.shape) != 4 or source.data is not None:
        return None
    (top, bottom), (left, right) = ((int(flat[i]), int(flat[i + 1])) for i in (2, 4))
    padded = (source.shape[0], source.shape[1] + top + bottom, source.shape[2] + left + right, source.shape[3])
    if flat[[0, 1, 6, 7]].any() or min(top, bottom, left, right) < 0 or target.shape != padded:
        return None
    return (top, bottom, left, right) if source.quantization == target.quantization else None


def _folded(graph: Graph, operator: Operator, pad: Operator, amounts: Amounts) -> Operator | None:
    """Return a reader of the PAD with the padding as its own, None if it can't have it."""
    if operator.inputs[0] != pad.outputs[0] or pad.outputs[0] in operator.inputs[1:]:
        return None
    # What SAME would add is not known here.
    if operator.options.get("Padding") != VALID or pad_value(graph, pad) != _neutral(graph, operator):
        return None
    extent = _extent(graph, operator)
    earlier = folded_padding(operator)
    top, bottom, left, right = (a + b for a, b in zip(earlier, amounts, strict=True))
    if extent is None or max(top, bottom) >= extent[0] or max(left, right) >= extent[1]:
        return None
    options = Options(operator.options.table, {**operator.options.values, FOLDED: (top, bottom, left, right)})
    return replace(operator, inputs=(pad.inputs[0], *operator.inputs[1:]), options=options)


def _neutral(graph: Graph, operator: Operator) -> int | None:
    """Return the value that padding of the window stands for, None for an operator whose padding has none.

    Padding does not take part in a maximum: that is as if it were the least value. Nor in an average, which no value
    stands for.
    """
    if operator.name == "MAX_POOL_2D":
        return -128
    quantization = graph.tensors[operator.inputs[0]].quantization
    return quantization.zero_point if operator.name in CONVOLUTIONS and quantization is not None else None


def _extent(graph: Graph, operator: Operator) -> tuple[int, int] | None:
    """Return the rows and columns from a window's first tap to its last."""
    options = operator.options
    if operator.name == "MAX_POOL_2D":
        return int(options.get("FilterHeight")), int(options.get("FilterWidth"))
    kernel: Tensor | None = graph.tensors[operator.inputs[1]] if operator.inputs[1] >= 0 else None
    if kernel is None or len(kernel.shape) != 4:
        return None
    height, width = ((size - 1) * int(options.get(f"Dilation{d}Factor", 1)) + 1 for size, d in _sides(kernel))
    return height, width


def _sides(kernel: Tensor) -> Iterator[tuple[int, str]]:
    return zip(kernel.shape[1:3], "HW", strict=True)
