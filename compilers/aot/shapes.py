"""Operators that compute a shape at run time, which is known: the converter leaves them where the batch was open."""

from __future__ import annotations

from dataclasses import replace

from graph.types import Graph, Operator

# Keras' Flatten with an open batch becomes SHAPE, STRIDED_SLICE, PACK and RESHAPE.
SHAPE_INPUT = {"RESHAPE": 1}


def without_shapes(graph: Graph) -> Graph:
    """Return the graph without operators whose int32 outputs only say what shape a RESHAPE gives.

    A RESHAPE has that shape in its output's tensor, and is left with its first input.
    """
    dropped: set[int] = set()
    for operator in reversed(graph.operators):
        if _is_only_shape(graph, operator, dropped):
            dropped.add(operator.index)
    if not dropped:
        return graph
    computed = {t for operator in graph.operators if operator.index in dropped for t in operator.outputs}
    kept = tuple(
        replace(operator, inputs=operator.inputs[:1]) if computed & set(operator.inputs) else operator
        for operator in graph.operators
        if operator.index not in dropped
    )
    return replace(graph, operators=kept)


def _is_only_shape(graph: Graph, operator: Operator, dropped: set[int]) -> bool:
    if not operator.outputs or any(graph.tensors[t].dtype != "int32" or t in graph.outputs for t in operator.outputs):
        return False
    reads = [
        (reader, position)
        for reader in graph.operators
        for position, tensor in enumerate(reader.inputs)
        if tensor in operator.outputs
    ]
    return bool(reads) and all(
        reader.index in dropped or SHAPE_INPUT.get(reader.name) == position for reader, position in reads
    )
