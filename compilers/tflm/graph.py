"""What TFLite-Micro's planning needs of a `.tflite`: tensors, their bytes, and operators, whichever they are."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tflite

from errors import CompileError

_BUILTINS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(tflite.TensorType).items() if isinstance(code, int)}
_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2, "int32": 4, "float32": 4, "int64": 8}
# What reading a damaged flatbuffer raises in the schema's classes.
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, KeyError, MemoryError)


@dataclass(frozen=True)
class Tensor:
    """A tensor: `is_constant` if its data is in the file, else TFLite-Micro finds `bytes` in the arena for it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    is_constant: bool
    scale: float = 0.0
    zero_point: int = 0


@dataclass(frozen=True)
class Operator:
    """An operator: schema name, and its tensors by index (-1: absent)."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A network of one subgraph, its operators in order of execution."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def operator_names(self) -> tuple[str, ...]:
        """Schema names of the operators, each once, in order."""
        return tuple(sorted({operator.name for operator in self.operators}))


def read(path: Path) -> Graph:
    """Return the network in a `.tflite` file. Raises CompileError if it can't be read or is not one of one subgraph."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise CompileError(f"{path}: can't be read ({e.strerror or e})") from e
    if data[4:8] != b"TFL3":
        raise CompileError(f"{path.name}: not a .tflite file (no TFL3 at byte 4)")
    try:
        return _graph(tflite.Model.GetRootAs(data, 0), path.name, len(data))
    except _DAMAGE as e:
        raise CompileError(f"{path.name}: damaged, its tables point outside the file ({type(e).__name__})") from e


def _graph(model: Any, source: str, limit: int) -> Graph:
    if model.SubgraphsLength() != 1:
        raise CompileError(f"{source}: {model.SubgraphsLength()} subgraphs, expected 1 (no control flow)")
    table = model.Subgraphs(0)
    counts = [table.TensorsLength(), table.OperatorsLength(), table.InputsLength(), table.OutputsLength()]
    if max(counts) > limit:
        raise CompileError(f"{source}: damaged, a vector is longer than the file")
    tensors = tuple(_tensor(model, table.Tensors(i), source) for i in range(counts[0]))
    operators = tuple(_operator(model, table.Operators(i), source, i, limit) for i in range(counts[1]))
    inputs, outputs = (tuple(map(int, indexes)) for indexes in (table.InputsAsNumpy(), table.OutputsAsNumpy()))
    for index in (*inputs, *outputs, *(i for o in operators for i in (*o.inputs, *o.outputs) if i != -1)):
        if not 0 <= index < len(tensors):
            raise CompileError(f"{source}: damaged, it names tensor {index} of {len(tensors)}")
    if not inputs or not outputs or not operators:
        raise CompileError(f"{source}: no inputs, no outputs or no operators")
    return Graph(tensors, operators, inputs, outputs)


def _tensor(model: Any, table: Any, source: str) -> Tensor:
    name = (table.Name() or b"").decode("utf-8", "replace").split(";")[0]
    shape = tuple(int(table.Shape(i)) for i in range(min(table.ShapeLength(), 16)))
    dtype = _TYPES.get(table.Type(), f"type {table.Type()}")
    if dtype not in _BYTES or min(shape, default=1) < 0:
        raise CompileError(f"{source}: tensor {name[:80]!r}: {dtype} of shape {list(shape)}; TFLite-Micro has no such")
    quantization = table.Quantization()
    scales = quantization.ScaleLength() if quantization else 0
    return Tensor(
        name="".join(c if c.isalnum() or c in "_./:-" else "_" for c in name[:120]),
        shape=shape,
        dtype=dtype,
        bytes=math.prod(shape) * _BYTES[dtype],
        is_constant=model.Buffers(table.Buffer()).DataLength() > 0,
        scale=float(quantization.Scale(0)) if scales else 0.0,
        zero_point=int(quantization.ZeroPoint(0)) if scales and quantization.ZeroPointLength() else 0,
    )


def _operator(model: Any, table: Any, source: str, index: int, limit: int) -> Operator:
    entry = model.OperatorCodes(table.OpcodeIndex())
    # The first field is one byte wide; later codes are in the second, which older files leave at 0.
    code = max(int(entry.BuiltinCode()), int(entry.DeprecatedBuiltinCode()))
    if max(table.InputsLength(), table.OutputsLength()) > limit:
        raise CompileError(f"{source}: damaged, a vector is longer than the file")
    inputs = tuple(int(table.Inputs(i)) for i in range(table.InputsLength()))
    outputs = tuple(int(table.Outputs(i)) for i in range(table.OutputsLength()))
    return Operator(_BUILTINS.get(code, f"code {code}"), inputs, outputs)
