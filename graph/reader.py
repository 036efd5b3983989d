"""Reads any `.tflite`. Everything in the file is checked before it is used: a damaged file gives one GraphError.

What an engine supports (operators, versions, types) is not checked here but by each engine.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import NoReturn

import numpy as np

from errors import GraphError
from graph import flatbuffer, schema
from graph.flatbuffer import Table
from graph.schema import (
    BufferField,
    CodeField,
    ModelField,
    OperatorField,
    QuantizationField,
    SubgraphField,
    TensorField,
)
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
        entries = flatbuffer.root(data).elements(ModelField.OPERATOR_CODES)
        return schema.BUILTIN_CODES[name] in map(_builtin_code, entries)
    except DAMAGE:
        return True


def _builtin_code(entry: Table) -> int:
    # The first field is one byte wide; later codes are in the second, which older files leave at 0.
    return max(entry.number(CodeField.CODE, "i"), entry.number(CodeField.OLD_CODE, "b"))


class _Reader:
    """Walks the flatbuffer from its root. `parse` turns what the schema's classes raise into GraphError."""

    def __init__(self, data: bytes, source: str) -> None:
        self._source = source
        self._sha256 = hashlib.sha256(data).hexdigest()
        self._data = data
        self._model = flatbuffer.root(data)
        self._size = len(data)
        # Vectors that share their elements could make a small file endless work. Real files hardly share any.
        self._budget = 4 * len(data) + 4096
        self._buffers: dict[int, bytes] = {}
        self._buffer_count = self._count(self._model.length(ModelField.BUFFERS))
        self._codes_count = self._model.length(ModelField.OPERATOR_CODES)

    def graph(self) -> Graph:
        """Return the main graph with the others."""
        version = self._model.number(ModelField.VERSION, "I")
        if version != schema.VERSION:
            self._fail(f"schema version {version}, expected {schema.VERSION}")
        count = self._count(self._model.length(ModelField.SUBGRAPHS))
        if not 1 <= count <= SUBGRAPHS_LIMIT:
            self._fail(f"{count} subgraphs, expected 1 to {SUBGRAPHS_LIMIT}")
        main, *others = map(self._subgraph, self._model.elements(ModelField.SUBGRAPHS))
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

    def _text(self, table: Table, field: int) -> str:
        self._count(table.length(field))
        return table.raw(field).decode("utf-8", "replace")

    def _subgraph(self, table: Table) -> Subgraph:
        self._count(table.length(SubgraphField.TENSORS))
        tensors = tuple(self._tensor(tensor, i) for i, tensor in enumerate(table.elements(SubgraphField.TENSORS)))
        self._count(table.length(SubgraphField.OPERATORS))
        operators = tuple(
            self._operator(tensors, operator, i) for i, operator in enumerate(table.elements(SubgraphField.OPERATORS))
        )
        inputs = self._indexes(tensors, "the network's inputs", table, SubgraphField.INPUTS)
        outputs = self._indexes(tensors, "the network's outputs", table, SubgraphField.OUTPUTS)
        subgraph = Subgraph(tensors, operators, inputs, outputs, self._text(table, SubgraphField.NAME))
        self._check_order(subgraph)
        return subgraph

    def _indexes(
        self, tensors: tuple[Tensor, ...], owner: str, table: Table, field: int, lowest: int = 0
    ) -> tuple[int, ...]:
        """Return a vector of indexes of tensors, each `lowest` (-1 where one may be left out) or more."""
        self._count(table.length(field))
        indexes = table.numbers(field, "i")
        for index in indexes:
            if not lowest <= index < len(tensors):
                self._fail(f"{owner}: tensor {index}, expected 0 to {len(tensors) - 1}")
        return indexes

    def _tensor(self, table: Table, index: int) -> Tensor:
        name = self._text(table, TensorField.NAME)
        code = table.number(TensorField.TYPE, "b")
        dtype = schema.TYPE_NAMES.get(code, f"type {code}")
        shape = self._sizes(Tensor(index, name, (), dtype), table, TensorField.SHAPE)
        tensor = Tensor(index, name, shape, dtype)
        if tensor.size > TENSOR_ELEMENTS_LIMIT:
            self._fail(f"shape {list(shape)} has over {TENSOR_ELEMENTS_LIMIT} elements", tensor=tensor)
        is_sparse = table.has(TensorField.SPARSITY)
        return Tensor(
            index,
            name,
            shape,
            dtype,
            self._quantization(table.table(TensorField.QUANTIZATION), tensor),
            self._constant(table.number(TensorField.BUFFER, "I"), tensor, is_sparse),
            self._sizes(tensor, table, TensorField.SIGNATURE),
            bool(table.number(TensorField.IS_VARIABLE, "?")),
            is_sparse,
        )

    def _sizes(self, tensor: Tensor, table: Table, field: int) -> tuple[int, ...]:
        """Return a shape or signature: sizes of 0 or more, or -1 for an open one."""
        length = self._count(table.length(field))
        if length > RANK_LIMIT:
            self._fail(f"{length} dimensions, at most {RANK_LIMIT} are supported", tensor=tensor)
        sizes = table.numbers(field, "i")
        if min(sizes, default=0) < -1:
            self._fail(f"shape {list(sizes)} has a negative size", tensor=tensor)
        return sizes

    def _quantization(self, table: Table | None, tensor: Tensor) -> Quantization | None:
        if table is None or not (length := self._count(table.length(QuantizationField.SCALES))):
            return None
        self._count(table.length(QuantizationField.ZERO_POINTS))
        zero_points = table.numbers(QuantizationField.ZERO_POINTS, "q")
        if zero_points and length != len(zero_points):
            self._fail(f"{length} scales and {len(zero_points)} zero points", tensor=tensor)
        scales = table.floats(QuantizationField.SCALES)
        # Old converters leave an axis of the weights on a bias, which LiteRT accepts; whoever uses the axis checks it.
        return Quantization(scales, zero_points or (0,) * length, table.number(QuantizationField.AXIS, "i"))

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
            buffer = self._model.element(ModelField.BUFFERS, index)
            if buffer.number(BufferField.OFFSET, "Q") or buffer.number(BufferField.SIZE, "Q"):
                self._fail("its data is outside the flatbuffer, which is not supported", tensor=tensor)
            self._count(buffer.length(BufferField.DATA))
            self._buffers[index] = buffer.raw(BufferField.DATA)
        return self._buffers[index]

    def _operator(self, tensors: tuple[Tensor, ...], table: Table, index: int) -> Operator:
        name, version, is_custom = self._code(table.number(OperatorField.CODE, "I"), index)
        owner = f"operator {index} {printable(name)}"
        if table.number(OperatorField.LARGE_OPTIONS_OFFSET, "Q") or table.number(OperatorField.LARGE_OPTIONS_SIZE, "Q"):
            self._fail(f"{owner}: its options are outside the flatbuffer, which is not supported")
        self._count(table.length(OperatorField.CUSTOM_OPTIONS))
        custom_options = table.raw(OperatorField.CUSTOM_OPTIONS)
        return Operator(
            index,
            name,
            version,
            self._indexes(tensors, owner, table, OperatorField.INPUTS, lowest=-1),
            self._indexes(tensors, owner, table, OperatorField.OUTPUTS),
            self._options(table),
            is_custom,
            custom_options,
            self._indexes(tensors, owner, table, OperatorField.INTERMEDIATES, lowest=-1),
        )

    def _code(self, position: int, index: int) -> tuple[str, int, bool]:
        """Return the name and version of an operator code, and whether it is a custom operator's."""
        if not 0 <= position < self._codes_count:
            self._fail(f"operator {index}: code {position} of {self._codes_count}")
        entry = self._model.element(ModelField.OPERATOR_CODES, position)
        code = _builtin_code(entry)
        name = schema.BUILTIN_NAMES.get(code, f"code {code}")
        is_custom = name == schema.CUSTOM
        name = self._text(entry, CodeField.CUSTOM_NAME) if is_custom else name
        return name, entry.number(CodeField.VERSION, "i", default=1), is_custom

    def _options(self, table: Table) -> Options:
        fields = schema.OPTION_TABLES.get(schema.OPTION_NAMES.get(table.number(OperatorField.OPTIONS_TYPE, "B"), ""))
        if fields is None or not table.has(OperatorField.OPTIONS):
            return Options()
        accessor = fields.accessor(self._data, table.position(OperatorField.OPTIONS))
        values: dict[str, OptionValue] = {}
        for name in fields.scalars:
            value = getattr(accessor, name)()
            if value is not None:
                values[name] = self._option_text(value) if isinstance(value, bytes) else value
        for name in fields.vectors:
            length = self._count(getattr(accessor, f"{name}Length")())
            values[name] = tuple(getattr(accessor, name)(i) for i in range(length))
        return Options(fields.name, values)

    def _option_text(self, raw: bytes) -> str:
        self._count(len(raw))
        return raw.decode("utf-8", "replace")

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
