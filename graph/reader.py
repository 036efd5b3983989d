"""Reading a `.tflite` file: nothing in it is believed before it was checked."""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from errors import CompileError
from graph.operators import SUPPORTED
from graph.types import DTYPES, Array, Graph, Operator, Quantization, Tensor, printable

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
# Over what any microcontroller addresses, and small enough that no product of sizes is a problem here.
TENSOR_ELEMENTS_LIMIT = 1 << 26
RANK_LIMIT = 6

_BUILTINS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(tflite.TensorType).items() if isinstance(code, int)}
_OPTION_TYPES = {code: name for name, code in vars(tflite.BuiltinOptions).items() if isinstance(code, int)}
# What reading a damaged flatbuffer raises in the schema's classes.
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, KeyError, MemoryError)


def read(path: Path) -> Graph:
    """Return the network in an int8 `.tflite` file.

    Raises CompileError, one line, if the file can't be read, is damaged or holds what can't be compiled.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise CompileError(f"{path}: can't be read ({e.strerror or e})") from e
    return parse(data, path.name)


def parse(data: bytes, source: str) -> Graph:
    """Return the network in the bytes of a `.tflite` file; `source` names it in errors. Raises CompileError."""
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise CompileError(f"{source}: not a .tflite file (no {IDENTIFIER.decode()} at byte 4)")
    try:
        return _Importer(data, source).graph()
    except _DAMAGE as e:
        raise CompileError(f"{source}: damaged, its tables point outside the file ({type(e).__name__})") from e


class _Importer:
    """Walks the flatbuffer from its root. Errors of the schema's classes pass through; `parse` turns them."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data = data
        self.source = source
        self.model = tflite.Model.GetRootAs(data, 0)
        self.partial = Graph(source, hashlib.sha256(data).hexdigest(), (), (), (), ())

    def graph(self) -> Graph:
        if self.model.Version() != SCHEMA_VERSION:
            self.partial.fail(f"schema version {self.model.Version()}, expected {SCHEMA_VERSION}")
        if self.count(self.model.SubgraphsLength()) != 1:
            self.partial.fail(f"{self.model.SubgraphsLength()} subgraphs, expected 1 (control flow is not supported)")
        table = self.model.Subgraphs(0)
        tensors = tuple(self.tensor(table.Tensors(i), i) for i in range(self.count(table.TensorsLength())))
        partial = Graph(self.source, self.partial.sha256, tensors, (), (), ())
        operators = tuple(
            self.operator(partial, table.Operators(i), i) for i in range(self.count(table.OperatorsLength()))
        )
        inputs = self.indexes(partial, "the network's inputs", table.InputsLength(), table.Inputs)
        outputs = self.indexes(partial, "the network's outputs", table.OutputsLength(), table.Outputs)
        graph = Graph(self.source, partial.sha256, tensors, operators, inputs, outputs)
        check_flow(graph)
        return graph

    def count(self, length: int) -> int:
        """Return the length of a vector, which can't be over the file's."""
        if not 0 <= length <= len(self.data):
            self.partial.fail("damaged, a vector is longer than the file")
        return length

    def indexes(self, graph: Graph, what: str, length: int, get: Any, optional: bool = False) -> tuple[int, ...]:
        found = tuple(int(get(i)) for i in range(self.count(length)))
        for index in found:
            if not (-1 if optional else 0) <= index < len(graph.tensors):
                graph.fail(f"{what}: tensor {index}, expected 0 to {len(graph.tensors) - 1}")
        return found

    def tensor(self, table: Any, index: int) -> Tensor:
        name = printable((table.Name() or b"").decode("utf-8", "replace"))
        blank = Tensor(index, name, (), "int8")
        rank = self.count(table.ShapeLength())
        if rank > RANK_LIMIT:
            self.partial.fail(f"{rank} dimensions, at most {RANK_LIMIT} are supported", tensor=blank)
        shape = tuple(int(table.Shape(i)) for i in range(rank))
        signature = tuple(int(table.ShapeSignature(i)) for i in range(self.count(table.ShapeSignatureLength())))
        # An open batch alone, now 1, is what older converters leave; LiteRT runs it as it stands.
        open_batch = signature[:1] == (-1,) and shape[:1] == (1,)
        if min(shape + signature[int(open_batch) :], default=1) <= 0:
            wrong = signature or shape
            self.partial.fail(f"shape {list(wrong)} is not static; fix the batch at 1 before converting", tensor=blank)
        if math.prod(shape) > TENSOR_ELEMENTS_LIMIT:
            self.partial.fail(f"shape {list(shape)} has over {TENSOR_ELEMENTS_LIMIT} elements", tensor=blank)
        dtype = _TYPES.get(table.Type(), f"type {table.Type()}")
        if dtype not in DTYPES:
            self.partial.fail(
                f"{dtype}, expected int8; convert with int8 inputs, outputs and operators (TFLITE_BUILTINS_INT8)",
                tensor=blank,
            )
        if table.Sparsity() is not None or table.IsVariable():
            self.partial.fail("sparse and variable tensors are not supported", tensor=blank)
        shaped = Tensor(index, name, shape, dtype)
        return Tensor(index, name, shape, dtype, self.quantization(table, shaped), self.constant(table, shaped))

    def quantization(self, table: Any, tensor: Tensor) -> Quantization | None:
        q = table.Quantization()
        if q is None or not q.ScaleLength():
            return None
        length = self.count(q.ScaleLength())
        if length != self.count(q.ZeroPointLength()):
            self.partial.fail(f"{length} scales and {q.ZeroPointLength()} zero points", tensor=tensor)
        scales = tuple(float(s) for s in q.ScaleAsNumpy())
        zero_points = tuple(int(z) for z in q.ZeroPointAsNumpy())
        axis = int(q.QuantizedDimension())
        if not all(math.isfinite(s) and s > 0 for s in scales):
            self.partial.fail("a scale is not a finite positive number", tensor=tensor)
        if not all(-128 <= z <= 127 for z in zero_points):
            self.partial.fail("a zero point is outside -128 to 127", tensor=tensor)
        if length > 1 and (not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != length):
            self.partial.fail(f"{length} scales for dimension {axis} of {list(tensor.shape)}", tensor=tensor)
        return Quantization(scales, zero_points, axis)

    def constant(self, table: Any, tensor: Tensor) -> Array | None:
        index = int(table.Buffer())
        if not 0 <= index < self.count(self.model.BuffersLength()):
            self.partial.fail(f"buffer {index} of {self.model.BuffersLength()}", tensor=tensor)
        buffer = self.model.Buffers(index)
        if buffer.Offset() or buffer.Size():
            self.partial.fail("its data lies outside the flatbuffer, which is not supported", tensor=tensor)
        length = self.count(buffer.DataLength())
        if index == 0 or not length:
            return None
        if length != tensor.bytes:
            self.partial.fail(f"its buffer has {length} bytes, its shape needs {tensor.bytes}", tensor=tensor)
        raw = bytes(buffer.DataAsNumpy().tobytes())
        array: Array = np.frombuffer(raw, np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)
        return array

    def operator(self, graph: Graph, table: Any, index: int) -> Operator:
        code_index = int(table.OpcodeIndex())
        if not 0 <= code_index < self.count(self.model.OperatorCodesLength()):
            graph.fail(f"operator {index}: code {code_index} of {self.model.OperatorCodesLength()}")
        entry = self.model.OperatorCodes(code_index)
        # The first field is one byte wide; later codes are in the second, which older files leave at 0.
        code = max(int(entry.BuiltinCode()), int(entry.DeprecatedBuiltinCode()))
        name, version = _BUILTINS.get(code, f"code {code}"), int(entry.Version())
        blank = Operator(index, name, version, (), (), {})
        if name == "CUSTOM":
            custom = printable((entry.CustomCode() or b"").decode("utf-8", "replace"))
            graph.fail(f"custom operator {custom!r} is not supported", blank)
        inputs = self.indexes(graph, f"operator {index} {name}", table.InputsLength(), table.Inputs, optional=True)
        outputs = self.indexes(graph, f"operator {index} {name}", table.OutputsLength(), table.Outputs)
        first = graph.tensors[outputs[0]] if outputs else None
        if name not in SUPPORTED:
            graph.fail(f"not supported; known: {', '.join(sorted(SUPPORTED))}", blank, first)
        spec = SUPPORTED[name]
        if not 1 <= version <= spec.version:
            graph.fail(f"version {version}, supported are 1 to {spec.version}", blank, first)
        if not spec.inputs[0] <= len(inputs) <= spec.inputs[1] or len(outputs) != 1:
            graph.fail(f"{len(inputs)} inputs and {len(outputs)} outputs", blank, first)
        return Operator(index, name, version, inputs, outputs, self.options(graph, table, blank))

    def options(self, graph: Graph, table: Any, operator: Operator) -> dict[str, int | float | bool]:
        spec = SUPPORTED[operator.name]
        if spec.options is None:
            return {}
        if _OPTION_TYPES.get(table.BuiltinOptionsType()) != spec.options:
            graph.fail(f"its options are not {spec.options}", operator)
        union = table.BuiltinOptions()
        options = getattr(tflite, spec.options)()
        options.Init(union.Bytes, union.Pos)
        return {name: getattr(options, name)() for name in spec.fields}


def check_flow(graph: Graph) -> None:
    """Check that each tensor is made once and before it is read, and that the network computes int8 from int8.

    Raises CompileError.
    """
    if not graph.inputs or not graph.outputs or not graph.operators:
        graph.fail("no inputs, no outputs or no operators")
    made: set[int] = set()
    for index in graph.inputs:
        if index in made or graph.tensors[index].data is not None:
            graph.fail("an input of the network is a constant or given twice", tensor=graph.tensors[index])
        made.add(index)
    for operator in graph.operators:
        for index in operator.inputs:
            if index >= 0 and index not in made and graph.tensors[index].data is None:
                graph.fail("read before it is made", operator, graph.tensors[index])
        for index in operator.outputs:
            if index in made or graph.tensors[index].data is not None:
                graph.fail("made twice", operator, graph.tensors[index])
            made.add(index)
    for index in graph.outputs:
        if index not in made or index in graph.inputs:
            graph.fail("an output of the network that no operator makes", tensor=graph.tensors[index])
    if len(set(graph.outputs)) != len(graph.outputs):
        graph.fail("an output of the network is given twice")
    for index in sorted(made):
        tensor = graph.tensors[index]
        if tensor.dtype != "int8" or tensor.quantization is None or len(tensor.quantization.scales) != 1:
            graph.fail(
                f"{tensor.dtype} with {len(tensor.quant.scales) if tensor.quantization else 0} scales, "
                "expected int8 with one; convert with int8 inputs, outputs and operators",
                tensor=tensor,
            )
