"""SOFTMAX of an input whose scale is so small that LiteRT's reference kernel aborts the process.

It does so where beta times scale is 2^-26 or less. The values reach over 2^-18 at most then, so that all exponentials
are 1 and all outputs equal, as LiteRT's other kernels compute. Networks with weights at random, such as an untrained
keras.applications, have such scales. The least beta that the reference takes gives the same outputs.
"""

from __future__ import annotations

import struct

import numpy as np

from errors import GraphError
from graph import schema
from graph.reader import lists_operator, parse
from graph.types import Operator, Tensor

INTEGER_BITS = 5
"""Of the fixed-point numbers whose exponential the reference takes: Q5.26."""
FRACTION_BITS = 31 - INTEGER_BITS
# Of `beta`, the first field of SoftmaxOptions, in its table's list of fields.
BETA_SLOT = 4


def usable_beta(beta: float, scale: float) -> float:
    """Return beta, or the least one above it that the reference takes with the scale of the input."""
    if not 0 < beta * scale * (1 << FRACTION_BITS) <= 1:
        return beta
    least = np.float32(1 / (scale * (1 << FRACTION_BITS)))
    while float(least) * scale * (1 << FRACTION_BITS) <= 1:
        least = np.nextafter(least, np.float32(np.inf))
    return float(least)


def corrected(data: bytes) -> bytes | None:
    """Return a copy of a `.tflite` in which each int8 or uint8 SOFTMAX has a beta that the reference takes.

    None if all have one already, or if the file is damaged or does not store the beta.
    """
    if not lists_operator(data, "SOFTMAX"):
        return None
    try:
        graph = parse(data, "")
    except GraphError:
        return None
    changed, model = bytearray(data), schema.root(data)
    for number, subgraph in enumerate((graph, *graph.others)):
        table = model.Subgraphs(number)
        for operator in subgraph.operators:
            if operator.name != "SOFTMAX" or not operator.inputs:
                continue
            beta = float(operator.options.get("Beta"))
            usable = _usable(operator, subgraph.tensors[operator.inputs[0]])
            union = table.Operators(operator.index).BuiltinOptions()
            offset = union.Offset(BETA_SLOT) if usable != beta else 0
            if offset:
                at = union.Pos + offset
                changed[at : at + 4] = struct.pack("<f", usable)
    copy = bytes(changed)
    return None if copy == data else copy


def _usable(operator: Operator, source: Tensor) -> float:
    beta = float(operator.options.get("Beta"))
    if source.dtype not in ("int8", "uint8") or source.quantization is None:
        return beta
    return usable_beta(beta, float(source.quantization.scales[0]))
