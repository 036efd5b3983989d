"""A .tflite read with the generated schema classes alone: a second opinion on what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tflite


@dataclass(frozen=True)
class Operator:
    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Graph:
    WITH_WEIGHTS = (
        tflite.BuiltinOperator.CONV_2D,
        tflite.BuiltinOperator.DEPTHWISE_CONV_2D,
        tflite.BuiltinOperator.FULLY_CONNECTED,
    )

    def __init__(self, path: Path) -> None:
        self._model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        self._graph = self._model.Subgraphs(0)

    def operators(self) -> Iterator[Operator]:
        for i in range(self._graph.OperatorsLength()):
            op = self._graph.Operators(i)
            code = self._model.OperatorCodes(op.OpcodeIndex())
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            yield Operator(number, tuple(map(int, op.InputsAsNumpy())), tuple(map(int, op.OutputsAsNumpy())))

    def tensors(self) -> Iterator[Any]:
        return (self._graph.Tensors(i) for i in range(self._graph.TensorsLength()))

    def type(self, index: int) -> int:
        return int(self._graph.Tensors(index).Type())

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(int(d) for d in self._graph.Tensors(index).ShapeAsNumpy())

    def scales(self, index: int) -> np.ndarray[Any, Any]:
        return np.atleast_1d(self._graph.Tensors(index).Quantization().ScaleAsNumpy())

    def channel_axis(self, index: int) -> int:
        return int(self._graph.Tensors(index).Quantization().QuantizedDimension())

    def nbytes(self, index: int) -> int:
        """Bytes of a tensor's constant data."""
        return int(self._model.Buffers(self._graph.Tensors(index).Buffer()).DataLength())
