"""What a check for the Edge TPU needs of a `.tflite`: operators of any kind, tensors of any type.

The importer of the ahead-of-time compiler takes int8 networks of known operators only; here the others are to be named.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from errors import CompileError
from graph.types import printable

IDENTIFIER = b"TFL3"
_BUILTINS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(tflite.TensorType).items() if isinstance(code, int)}
_OPTION_TYPES = {code: name for name, code in vars(tflite.BuiltinOptions).items() if isinstance(code, int)}
# What reading a damaged flatbuffer raises in the schema's classes.
DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, KeyError, MemoryError)


@dataclass(frozen=True)
class Tensor:
    """A tensor: `shape` with -1 for a size that is not fixed, `scales` how many it has, `data` where it is constant.

    `scale` and `zero_point` are the first ones, 0 where there are none; `data` is uint8, the bytes as they are stored.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: int = 0
    scale: float = 0.0
    zero_point: int = 0
    data: npt.NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    @property
    def is_dynamic(self) -> bool:
        """Whether a size is known only while it runs."""
        return min(self.shape, default=1) <= 0

    @property
    def interface(self) -> tuple[tuple[int, ...], str, float, int]:
        """What a caller sees of an input or output: shape, dtype, scale, zero point."""
        return self.shape, self.dtype, self.scale, self.zero_point


@dataclass(frozen=True)
class Operator:
    """An operator: the schema's name, or a custom one's own; tensors by index, -1 where one is left out.

    `options` is the schema's table, None if there is none; `custom_options` are a custom operator's bytes.
    """

    index: int
    name: str
    is_custom: bool
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any = field(default=None, repr=False, compare=False)
    custom_options: bytes = field(default=b"", repr=False, compare=False)

    def option(self, name: str, default: int = 0) -> int:
        """Return a field of the options by the schema's name, `default` where the operator has none."""
        get: Callable[[], Any] | None = getattr(self.options, name, None)
        return default if get is None else int(get())


@dataclass(frozen=True)
class Graph:
    """The main graph of a `.tflite`, its operators in order of execution."""

    source: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def computed_inputs(self, operator: Operator) -> list[Tensor]:
        """Return the inputs of an operator that are not constants."""
        return [self.tensors[i] for i in operator.inputs if i >= 0 and self.tensors[i].data is None]

    def constant(self, operator: Operator, position: int) -> npt.NDArray[np.int64] | None:
        """Return a constant input of integers (axes, paddings, strides) flattened; None if it is not there or none."""
        index = operator.inputs[position] if position < len(operator.inputs) else -1
        tensor = self.tensors[index] if index >= 0 else None
        if tensor is None or tensor.data is None or tensor.dtype not in ("int32", "int64"):
            return None
        return tensor.data.view(tensor.dtype).astype(np.int64)


def read(path: Path) -> Graph:
    """Return the main graph of a `.tflite`. Raises CompileError, one line, if it can't be read or is damaged."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as e:
        raise CompileError(f"{path}: can't be read ({e.strerror or e})") from e


def parse(data: bytes, source: str) -> Graph:
    """Return the main graph in the bytes of a `.tflite`; `source` names it in errors. Raises CompileError."""
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise CompileError(f"{source}: not a .tflite file (no {IDENTIFIER.decode()} at byte 4)")
    try:
        return _Reader(data).graph(source)
    except DAMAGE as e:
        raise CompileError(f"{source}: damaged, its tables point outside the file ({type(e).__name__})") from e


class _Reader:
    """Walks the flatbuffer; errors of the schema's classes pass through, as does ValueError for what can't be."""

    def __init__(self, data: bytes) -> None:
        self._size = len(data)
        self._model = tflite.Model.GetRootAs(data, 0)

    def graph(self, source: str) -> Graph:
        main = self._model.Subgraphs(0)
        tensors = tuple(self._tensor(main.Tensors(i)) for i in range(self._count(main.TensorsLength())))

        def indexes(length: int, get: Callable[[int], int], lowest: int = 0) -> tuple[int, ...]:
            found = tuple(int(get(i)) for i in range(self._count(length)))
            if not all(lowest <= index < len(tensors) for index in found):
                raise ValueError("tensor index")
            return found

        def operator(table: Any, index: int) -> Operator:
            code = self._model.OperatorCodes(table.OpcodeIndex())
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            custom = builtin == tflite.BuiltinOperator.CUSTOM
            name = (code.CustomCode() or b"").decode("utf-8", "replace") if custom else _BUILTINS.get(builtin)
            return Operator(
                index,
                printable(name or f"operator {builtin}"),
                custom,
                int(code.Version()),
                indexes(table.InputsLength(), table.Inputs, lowest=-1),
                indexes(table.OutputsLength(), table.Outputs),
                self._options(table),
                table.CustomOptionsAsNumpy().tobytes() if self._count(table.CustomOptionsLength()) else b"",
            )

        operators = tuple(operator(main.Operators(i), i) for i in range(self._count(main.OperatorsLength())))
        inputs, outputs = indexes(main.InputsLength(), main.Inputs), indexes(main.OutputsLength(), main.Outputs)
        return Graph(source, tensors, operators, inputs, outputs)

    def _count(self, length: int) -> int:
        if not 0 <= length <= self._size:
            raise ValueError("vector longer than the file")
        return length

    def _tensor(self, table: Any) -> Tensor:
        shape = tuple(int(table.Shape(i)) for i in range(self._count(table.ShapeLength())))
        signature = tuple(int(table.ShapeSignature(i)) for i in range(self._count(table.ShapeSignatureLength())))
        if len(signature) == len(shape):  # -1 where open; an open batch alone that is written down as 1 runs as 1
            shape = tuple(s if i == 0 and s == 1 else k for i, (s, k) in enumerate(zip(shape, signature, strict=True)))
        q = table.Quantization()
        scales = self._count(q.ScaleLength()) if q is not None else 0
        zeros = self._count(q.ZeroPointLength()) if q is not None else 0
        return Tensor(
            printable((table.Name() or b"").decode("utf-8", "replace")),
            shape,
            _TYPES.get(table.Type(), f"type {table.Type()}"),
            scales,
            float(q.Scale(0)) if scales else 0.0,
            int(q.ZeroPoint(0)) if zeros else 0,
            self._data(int(table.Buffer())),
        )

    def _data(self, buffer: int) -> npt.NDArray[np.uint8] | None:
        if buffer == 0:  # by the schema an empty one
            return None
        if not 0 < buffer < self._count(self._model.BuffersLength()):
            raise ValueError("buffer index")
        table = self._model.Buffers(buffer)
        return np.asarray(table.DataAsNumpy()) if self._count(table.DataLength()) else None

    @staticmethod
    def _options(table: Any) -> Any:
        kind = _OPTION_TYPES.get(table.BuiltinOptionsType(), "NONE")
        union = table.BuiltinOptions()
        if union is None or kind == "NONE" or not hasattr(tflite, kind):
            return None
        options = getattr(tflite, kind)()
        options.Init(union.Bytes, union.Pos)
        return options
