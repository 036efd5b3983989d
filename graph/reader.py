"""Reads any `.tflite`. Everything in the file is checked before it is used: a damaged file gives one GraphError.

What an engine supports (operators, versions, types) is not checked here but by each engine.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import tflite

from errors import GraphError
from graph import schema
from graph.types import (
    BITS,
    STORED_AS_BYTES,
    Array,
    Graph,
    Operator,
    Options,
    OptionValue,
    Quantization,
    Subgraph,
    Tensor,
    location,
    printable,
)

RANK_LIMIT = 16
# LiteRT counts elements in 32-bit integers.
TENSOR_ELEMENTS_LIMIT = (1 << 31) - 1
SUBGRAPHS_LIMIT = 1 << 10
# Exceptions that the schema's classes raise for a damaged flatbuffer.
DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, KeyError, MemoryError)


def read(path: Path, source: str = "") -> Graph:
    """Return the network in a `.tflite` file; `source` names it in errors, by default the file's name.

    Raises GraphError, one line, if the file cannot be read or is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise GraphError(f"{path}: can't be read ({e.strerror or e})") from e
    return parse(data, source or path.name)


def parse(data: bytes, source: str) -> Graph:
    """Return the network in the bytes of a `.tflite`; `source` names it in errors. Raises GraphError."""
    if len(data) < 8 or data[4:8] != schema.IDENTIFIER:
        raise GraphError(f"{source}: not a .tflite file (no {schema.IDENTIFIER.decode()} at byte 4)")
    try:
        return _Reader(data, source).graph()
    except DAMAGE as e:
        raise GraphError(f"{source}: damaged, its tables point outside the file ({type(e).__name__})") from e


def lists_operator(data: bytes, name: str) -> bool:
    """Return whether the bytes of a `.tflite` list a built-in operator, which a network may use; True if damaged."""
    try:
        model = schema.root(data)
        entries = [model.OperatorCodes(i) for i in range(min(model.OperatorCodesLength(), len(data)))]
        return schema.BUILTIN_CODES[name] in map(_builtin_code, entries)
    except DAMAGE:
        return True


def _builtin_code(entry: tflite.OperatorCode) -> int:
    # The first field is one byte wide; later codes are in the second, which older files leave at 0.
    return max(int(entry.BuiltinCode()), int(entry.DeprecatedBuiltinCode()))


class _Reader:
    """Walks the flatbuffer from its root. `parse` turns what the schema's classes raise into GraphError."""

    def __init__(self, data: bytes, source: str) -> None:
        self._source = source
        self._sha256 = hashlib.sha256(data).hexdigest()
        self._model = schema.root(data)
        self._size = len(data)
        # Vectors that share their elements could make a small file endless work. Real files hardly share any.
        self._budget = 4 * len(data) + 4096
        self._buffers: dict[int, bytes] = {}
        self._buffer_count = self._count(self._model.BuffersLength())

    def graph(self) -> Graph:
        """Return the main graph with the others."""
        version = self._model.Version()
        if version != schema.VERSION:
            self._fail(f"schema version {version}, expected {schema.VERSION}")
        count = self._count(self._model.SubgraphsLength())
        if not 1 <= count <= SUBGRAPHS_LIMIT:
            self._fail(f"{count} subgraphs, expected 1 to {SUBGRAPHS_LIMIT}")
        main, *others = (self._subgraph(self._model.Subgraphs(i)) for i in range(count))
        return Graph(
            main.tensors, main.operators, main.inputs, main.outputs, main.name,
            source=self._source, sha256=self._sha256, others=tuple(others),
        )  # fmt: skip

    def _fail(self, problem: str, operator: Operator | None = None, tensor: Tensor | None = None) -> NoReturn:
        raise GraphError(f"{location(self._source, operator, tensor)}: {problem}")

    def _count(self, length: int) -> int:
        """Return the length of a vector, after checking that the file can hold it."""
        if not 0 <= length <= self._size:
            self._fail("damaged, a vector is longer than the file")
        self._budget -= length
        if self._budget < 0:
            self._fail("damaged, its vectors together are longer than the file")
        return length

    def _text(self, raw: bytes | None) -> str:
        self._count(len(raw or b""))
        return (raw or b"").decode("utf-8", "replace")

    def _subgraph(self, table: tflite.SubGraph) -> Subgraph:
        tensors = tuple(self._tensor(table.Tensors(i), i) for i in range(self._count(table.TensorsLength())))
        operators = tuple(
            self._operator(tensors, table.Operators(i), i) for i in range(self._count(table.OperatorsLength()))
        )
        inputs = self._indexes(tensors, "the network's inputs", table.InputsLength(), table.Inputs)
        outputs = self._indexes(tensors, "the network's outputs", table.OutputsLength(), table.Outputs)
        subgraph = Subgraph(tensors, operators, inputs, outputs, self._text(table.Name()))
        self._check_order(subgraph)
        return subgraph

    def _indexes(
        self, tensors: tuple[Tensor, ...], owner: str, length: int, get: Callable[[int], int], lowest: int = 0
    ) -> tuple[int, ...]:
        """Return a vector of indexes of tensors, each `lowest` (-1 where one may be left out) or more."""
        indexes = tuple(int(get(i)) for i in range(self._count(length)))
        for index in indexes:
            if not lowest <= index < len(tensors):
                self._fail(f"{owner}: tensor {index}, expected 0 to {len(tensors) - 1}")
        return indexes

    def _tensor(self, table: tflite.Tensor, index: int) -> Tensor:
        name = self._text(table.Name())
        code = int(table.Type())
        dtype = schema.TYPE_NAMES.get(code, f"type {code}")
        shape = self._sizes(Tensor(index, name, (), dtype), table.ShapeLength(), table.Shape)
        tensor = Tensor(index, name, shape, dtype)
        if tensor.size > TENSOR_ELEMENTS_LIMIT:
            self._fail(f"shape {list(shape)} has over {TENSOR_ELEMENTS_LIMIT} elements", tensor=tensor)
        is_sparse = table.Sparsity() is not None
        return Tensor(
            index,
            name,
            shape,
            dtype,
            self._quantization(table.Quantization(), tensor),
            self._constant(int(table.Buffer()), tensor, is_sparse),
            self._sizes(tensor, table.ShapeSignatureLength(), table.ShapeSignature),
            bool(table.IsVariable()),
            is_sparse,
        )

    def _sizes(self, tensor: Tensor, length: int, get: Callable[[int], int]) -> tuple[int, ...]:
        """Return a shape or signature: sizes of 0 or more, or -1 for an open one."""
        if self._count(length) > RANK_LIMIT:
            self._fail(f"{length} dimensions, at most {RANK_LIMIT} are supported", tensor=tensor)
        sizes = tuple(int(get(i)) for i in range(length))
        if min(sizes, default=0) < -1:
            self._fail(f"shape {list(sizes)} has a negative size", tensor=tensor)
        return sizes

    def _quantization(self, table: tflite.QuantizationParameters | None, tensor: Tensor) -> Quantization | None:
        if table is None or not (length := self._count(table.ScaleLength())):
            return None
        count = self._count(table.ZeroPointLength())
        zero_points = tuple(table.ZeroPointAsNumpy().tolist()) if count else ()
        if zero_points and length != len(zero_points):
            self._fail(f"{length} scales and {len(zero_points)} zero points", tensor=tensor)
        scales = tuple(table.ScaleAsNumpy().tolist())  # one by one, those of each channel take most of the time
        # Old converters leave an axis of the weights on a bias, which LiteRT accepts; whoever uses the axis checks it.
        return Quantization(scales, zero_points or (0,) * length, int(table.QuantizedDimension()))

    def _constant(self, index: int, tensor: Tensor, is_sparse: bool) -> Array | None:
        raw = self._buffer(index, tensor)
        if not raw:
            return None
        if is_sparse or tensor.dtype not in BITS:
            return np.frombuffer(raw, np.uint8)
        if min(tensor.shape, default=1) < 0:
            self._fail(f"a constant of shape {list(tensor.shape)}, expected fixed sizes", tensor=tensor)
        if len(raw) != tensor.bytes:
            self._fail(f"its buffer has {len(raw)} bytes, its shape needs {tensor.bytes}", tensor=tensor)
        if tensor.dtype in STORED_AS_BYTES:
            return np.frombuffer(raw, np.uint8)
        array: Array = np.frombuffer(raw, np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)
        return array

    def _buffer(self, index: int, tensor: Tensor) -> bytes:
        """Return the bytes of a buffer. By the schema, buffer 0 is empty."""
        if index == 0:
            return b""
        if not 0 < index < self._buffer_count:
            self._fail(f"buffer {index} of {self._buffer_count}", tensor=tensor)
        if index not in self._buffers:
            buffer = self._model.Buffers(index)
            if buffer.Offset() or buffer.Size():
                self._fail("its data is outside the flatbuffer, which is not supported", tensor=tensor)
            length = self._count(buffer.DataLength())
            self._buffers[index] = bytes(buffer.DataAsNumpy().tobytes()) if length else b""
        return self._buffers[index]

    def _operator(self, tensors: tuple[Tensor, ...], table: tflite.Operator, index: int) -> Operator:
        name, version, is_custom = self._code(int(table.OpcodeIndex()), index)
        owner = f"operator {index} {printable(name)}"
        if table.LargeCustomOptionsOffset() or table.LargeCustomOptionsSize():
            self._fail(f"{owner}: its options are outside the flatbuffer, which is not supported")
        custom_options = b""
        if self._count(table.CustomOptionsLength()):
            custom_options = bytes(table.CustomOptionsAsNumpy().tobytes())
        return Operator(
            index,
            name,
            version,
            self._indexes(tensors, owner, table.InputsLength(), table.Inputs, lowest=-1),
            self._indexes(tensors, owner, table.OutputsLength(), table.Outputs),
            self._options(table),
            is_custom,
            custom_options,
            self._indexes(tensors, owner, table.IntermediatesLength(), table.Intermediates, lowest=-1),
        )

    def _code(self, position: int, index: int) -> tuple[str, int, bool]:
        """Return the name and version of an operator code, and whether it is a custom operator's."""
        length = self._model.OperatorCodesLength()
        if not 0 <= position < length:
            self._fail(f"operator {index}: code {position} of {length}")
        entry = self._model.OperatorCodes(position)
        code = _builtin_code(entry)
        name = schema.BUILTIN_NAMES.get(code, f"code {code}")
        is_custom = name == schema.CUSTOM
        return self._text(entry.CustomCode()) if is_custom else name, int(entry.Version()), is_custom

    def _options(self, table: tflite.Operator) -> Options:
        fields = schema.OPTION_TABLES.get(schema.OPTION_NAMES.get(table.BuiltinOptionsType(), ""))
        union = table.BuiltinOptions()
        if fields is None or union is None:
            return Options()
        accessor = fields.accessor(union)
        values: dict[str, OptionValue] = {}
        for name in fields.scalars:
            value = getattr(accessor, name)()
            if value is not None:
                values[name] = self._text(value) if isinstance(value, bytes) else value
        for name in fields.vectors:
            length = self._count(getattr(accessor, f"{name}Length")())
            values[name] = tuple(getattr(accessor, name)(i) for i in range(length))
        return Options(fields.name, values)

    def _check_order(self, graph: Subgraph) -> None:
        """Check that each tensor is computed once, and before it is read."""
        computed = {i for i in graph.inputs if i >= 0}
        for operator in graph.operators:
            for index in (i for i in operator.inputs if i >= 0 and i not in computed):
                tensor = graph.tensors[index]
                if tensor.data is None and not tensor.is_variable and tensor.size:
                    self._fail("read before it is computed", operator, tensor)
            for index in operator.outputs:
                if index in computed or graph.tensors[index].data is not None:
                    self._fail("computed twice", operator, graph.tensors[index])
                computed.add(index)
