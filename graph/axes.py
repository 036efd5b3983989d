"""The axis of a vector's scales: files that TFLite-Micro runs, and LiteRT refuses.

Old converters left on a bias the axis of the weights, 3 of its one dimension. TFLite-Micro never reads the axis of a
bias. LiteRT checks it when it loads the file; with the only dimension that a vector has, it runs the same network.
"""

from __future__ import annotations

import struct
from dataclasses import replace

import tflite

from errors import GraphError
from graph import schema
from graph.reader import parse
from graph.types import Subgraph, Tensor

# Of `quantized_dimension`, the seventh field of QuantizationParameters, in its table's list of fields.
AXIS_SLOT = 16


def is_misplaced(tensor: Tensor) -> bool:
    """Return whether a tensor of one dimension has a scale for each element, and an axis that it does not have."""
    q = tensor.quantization
    return q is not None and len(tensor.shape) == 1 and q.axis != 0 and len(q.scales) == tensor.shape[0]


def corrected(data: bytes) -> bytes | None:
    """Return a copy of a `.tflite` with axis 0 for each vector that lacks its axis, of the same size.

    None if there is no such vector, the file is damaged, or it keeps the axis of such a vector and of another tensor in
    one place.
    """
    try:
        graph = parse(data, "")
    except GraphError:
        return None
    changed, model = bytearray(data), schema.root(data)
    subgraphs = (graph, *graph.others)
    for number, subgraph in enumerate(subgraphs):
        table = model.Subgraphs(number)
        for tensor in filter(is_misplaced, subgraph.tensors):
            at = _axis_position(table.Tensors(tensor.index))
            changed[at : at + 4] = struct.pack("<i", 0)
    copy = bytes(changed)
    if copy == data:
        return None
    read = parse(copy, "")
    same = all(_with_axes(a) == b.tensors for a, b in zip(subgraphs, (read, *read.others), strict=True))
    return copy if same else None


def _with_axes(subgraph: Subgraph) -> tuple[Tensor, ...]:
    """Return the tensors as they should be in the copy."""
    return tuple(
        replace(tensor, quantization=replace(tensor.quant, axis=0)) if is_misplaced(tensor) else tensor
        for tensor in subgraph.tensors
    )


def _axis_position(tensor: tflite.Tensor) -> int:
    """Return where a tensor's axis, which is not the default of 0, is in the file."""
    fields = tensor.Quantization()._tab
    return int(fields.Pos + fields.Offset(AXIS_SLOT))
