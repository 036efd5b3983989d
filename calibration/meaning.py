"""What the outputs of a network say: a class, one of two classes, its own input again, or nothing with an accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from graph.types import Array, Graph, Operator, Tensor

# Operators that change how a value is stored, not what it means.
TRANSPARENT = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")


@dataclass(frozen=True)
class Meaning:
    """What the outputs say of an input.

    `kind` is "classes" (the largest of a vector), "threshold" (one value: class 1 above `threshold`, a real value,
    else class 0), "reconstruction" (the input again, as an autoencoder gives) or "none", with the `reason`.
    """

    kind: Literal["classes", "threshold", "reconstruction", "none"]
    classes: int | None = None
    threshold: float | None = None
    reason: str = ""

    def predicted(self, output: Array, scale: float, zero_point: int) -> npt.NDArray[np.int64]:
        """Return the class of each of the outputs (n, size), as stored; `scale` is 0 for real values."""
        if self.threshold is None:
            return output.argmax(axis=1).astype(np.int64)
        real = output[:, 0].astype(np.float64)
        if scale:
            real = scale * (real - zero_point)
        return (real > self.threshold).astype(np.int64)


def of_network(graph: Graph) -> Meaning:
    """Return what the outputs of a network mean, by their shapes and the operators that compute them."""
    outputs = [graph.tensors[i] for i in graph.outputs]
    if len(outputs) != 1:
        return Meaning("none", reason=f"the model has {len(outputs)} outputs ({', '.join(map(shape_text, outputs))})")
    output = outputs[0]
    if [graph.tensors[i].shape for i in graph.inputs] == [output.shape] and output.size > 2:
        return Meaning("reconstruction", reason="the output has the shape of the input, as an autoencoder's")
    if sum(size != 1 for size in output.shape) > 1:
        return Meaning("none", reason=f"output is a {shape_text(output)} map")
    return Meaning("classes", output.size) if output.size > 1 else _of_one(graph)


def shape_text(tensor: Tensor) -> str:
    """Return a shape such as 1x8x8x3."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def _of_one(graph: Graph) -> Meaning:
    """Return the meaning of a single value: a probability after LOGISTIC, else the logit of the second class."""
    last = _computed_by(graph, graph.outputs[0])
    match last.name if last else "":
        case "LOGISTIC":
            return Meaning("threshold", 2, 0.5)
        case "TANH" | "SOFTMAX" as name:
            return Meaning("none", reason=f"output is one value after {name}, which is not one of two classes")
    return Meaning("threshold", 2, 0.0)


def _computed_by(graph: Graph, tensor: int) -> Operator | None:
    """Return the operator that computes a tensor's values, behind those that change only how they are stored."""
    makers = {output: operator for operator in graph.operators for output in operator.outputs}
    for _ in range(len(graph.operators)):
        operator = makers.get(tensor)
        if operator is None or operator.name not in TRANSPARENT or not operator.inputs:
            return operator
        tensor = operator.inputs[0]
    return None
