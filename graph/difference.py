"""The first operator that computes other bytes than LiteRT's reference kernels, with the same inputs of the network.

`python -m graph.difference MODEL.tflite INPUTS.npy KERNELS` prints it as JSON, {} if there is none. It is run in a
process of its own: TFLite-Micro's interpreter can abort it. KERNELS is one of graph.kernels.KERNELS, or tflm.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fields.dataclass_json import to_json
from graph import reader, writer
from graph.axes import corrected
from graph.oracle import Oracle, run_joined
from graph.types import Array, Graph

TFLM = "tflm"
TFLM_ARENA_BYTES = 1 << 28
"""With room for all tensors at once."""

Tensors = Mapping[int, Array]
"""Values of tensors by index, after a run."""


@dataclass(frozen=True)
class FirstDifference:
    """An operator by its index and name; `max_abs_diff` is in steps of its outputs, None if they have real values.

    `kernels` are those that differ from the reference kernels.
    """

    kernels: str
    operator: int
    name: str
    max_abs_diff: int | None = None


@dataclass(frozen=True)
class Found:
    """What is printed."""

    first: FirstDifference | None = None


def first_difference(model: Path, inputs: Iterable[Array], kernels: str) -> FirstDifference | None:
    """Return the first operator with outputs that differ from the reference kernels' for any of the inputs (n, ...).

    An input of a model that takes several is the bytes of all of them, as in run_joined.
    Raises GraphError if LiteRT can't run the model, RuntimeError if TFLite-Micro can't.
    """
    data = model.read_bytes()
    graph = reader.read(model)
    run = _tflm(data, graph) if kernels == TFLM else _litert(graph, kernels)
    expected = _litert(graph, "reference")
    worst: dict[int, float] = {}
    for one in inputs:
        ours, theirs = run(one), expected(one)
        for operator in graph.operators:
            for index in operator.outputs:
                if ours[index].tobytes() != theirs[index].tobytes():
                    steps = np.abs(ours[index].astype(np.float64) - theirs[index].astype(np.float64)).max()
                    worst[operator.index] = max(worst.get(operator.index, 0.0), float(steps))
    if not worst:
        return None
    first = graph.operators[min(worst)]
    is_stored = all(graph.tensors[index].dtype != "float32" for index in first.outputs)
    return FirstDifference(kernels, first.index, first.label, int(worst[first.index]) if is_stored else None)


def _litert(graph: Graph, kernels: str) -> Callable[[Array], Tensors]:
    """Return what runs a network in LiteRT. All tensors are made outputs, since delegates keep no others."""
    computed = tuple(dict.fromkeys(index for operator in graph.operators for index in operator.outputs))
    data = writer.write(replace(graph, outputs=computed))
    oracle = Oracle(corrected(data) or data, kernels)
    return lambda one: dict(zip(computed, run_joined(oracle, one.tobytes()), strict=True))


def _tflm(data: bytes, graph: Graph) -> Callable[[Array], Tensors]:
    from tflite_micro.python.tflite_micro.runtime import Interpreter, InterpreterConfig

    keep = InterpreterConfig.kPreserveAllTensors
    interpreter = Interpreter.from_bytes(data, arena_size=TFLM_ARENA_BYTES, intrepreter_config=keep)
    inputs = [interpreter.get_input_details(i) for i in range(len(graph.inputs))]

    def run(one: Array) -> Tensors:
        raw, at = one.tobytes(), 0
        for i, details in enumerate(inputs):
            value = np.frombuffer(raw, details["dtype"], int(np.prod(details["shape"])), at)
            interpreter.set_input(value.reshape(details["shape"]), i)
            at += value.nbytes
        interpreter.invoke()
        return {
            index: np.array(interpreter.GetTensor(index, 0)["tensor_data"])
            for operator in graph.operators
            for index in operator.outputs
        }

    return run


if __name__ == "__main__":
    path, arrays, chosen = sys.argv[1:]
    print(json.dumps(to_json(Found(first_difference(Path(path), np.load(arrays, allow_pickle=False), chosen)))))
