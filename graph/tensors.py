"""All tensors that a network computes: LiteRT's values of them, and a copy of the file that gives them as outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from graph import writer
from graph.oracle import Oracle
from graph.types import Array, Graph

CARRIED = ("int8", "uint8", "int16", "int32", "float32")
"""Types that a device's outputs may have."""


def computed(graph: Graph) -> tuple[int, ...]:
    """Return the tensors that operators write, each once, in the order of the operators."""
    return tuple(dict.fromkeys(index for operator in graph.operators for index in operator.outputs if index >= 0))


def reference(model: Path, graph: Graph, data: bytes) -> dict[int, Array]:
    """Return what LiteRT's reference kernels compute: each tensor by its index, for the bytes of all inputs.

    Raises GraphError if LiteRT can't run the network.
    """
    oracle = Oracle(model, keep_all=True)
    values, at = [], 0
    for end in oracle.inputs:
        size = int(np.prod(end.shape)) * np.dtype(end.dtype).itemsize
        values.append(np.frombuffer(data[at : at + size], end.dtype))
        at += size
    oracle.invoke(*values)
    return {index: oracle.tensor(index) for index in computed(graph)}


def with_outputs(graph: Graph, outputs: Sequence[int], values: Mapping[int, Array]) -> bytes:
    """Return a copy of a network whose outputs are these tensors, under short names and with the shapes of `values`.

    Kernels that keep no other tensors, such as those of a delegate, keep these.
    """
    changed = list(graph.tensors)
    for index in outputs:
        changed[index] = replace(changed[index], name=f"t{index}", shape=values[index].shape, signature=())
    return writer.write(replace(graph, tensors=tuple(changed), outputs=tuple(outputs)))
