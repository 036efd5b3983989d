"""What TFLite-Micro and the planning of its arena can take of a network. The interpreter itself decides the rest."""

from __future__ import annotations

from pathlib import Path

from graph import reader
from graph.types import Graph, Operator

DTYPES = ("bool", "int8", "uint8", "int16", "float16", "int32", "float32", "int64")
# Operators whose scratch follows from a filter of (out or 1, height, width, in or out).
WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D")
FILTER_RANK = 4


def read(path: Path, source: str = "") -> Graph:
    """Return the network in a `.tflite`; `source` names it in errors, by default the file's name.

    Raises CompileError if it cannot be read, is damaged, or is not one that TFLite-Micro takes.
    """
    graph = reader.read(path, source)
    check_supported(graph)
    return graph


def check_supported(graph: Graph) -> None:
    """Check that a network has one subgraph, fixed sizes and types of TFLite-Micro. Raises CompileError."""
    if graph.others:
        graph.fail(f"{1 + len(graph.others)} subgraphs, expected 1 (no control flow)")
    if not graph.inputs or not graph.outputs or not graph.operators:
        graph.fail("no inputs, no outputs or no operators")
    for tensor in graph.tensors:
        if tensor.dtype not in DTYPES or min(tensor.shape, default=1) < 0:
            graph.fail(f"{tensor.dtype} of shape {list(tensor.shape)} is not supported by TFLite-Micro", tensor=tensor)
    for operator in graph.operators:
        _check_operator(graph, operator)


def _check_operator(graph: Graph, operator: Operator) -> None:
    if operator.is_custom:
        graph.fail("TFLite-Micro has no such custom operator; convert the network without it", operator)
    if operator.inputs[:1] == (-1,) or not operator.outputs:
        graph.fail("damaged, it has no first input or no output", operator)
    if operator.name in WINDOWED:
        index = operator.inputs[1] if len(operator.inputs) > 1 else -1
        shape = graph.tensors[index].shape if index >= 0 else ()
        if len(shape) != FILTER_RANK:
            graph.fail(f"its filter has {len(shape)} dimensions, expected {FILTER_RANK}", operator)
    if operator.name == "FULLY_CONNECTED" and not graph.tensors[operator.outputs[0]].shape:
        graph.fail("its output is a scalar, expected at least one dimension", operator)
