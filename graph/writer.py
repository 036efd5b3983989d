"""Writes a Graph as a `.tflite`. The same graph gives the same bytes.

Not written, because a Graph does not hold them: metadata, signatures, and minima and maxima of calibration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tflite

from errors import GraphError
from graph import schema
from graph.types import Array, Graph, Operator, Options, OptionValue, Quantization, Subgraph, Tensor, location

# The schema asks for it, so that kernels can read constants where they are in the file.
BUFFER_ALIGNMENT = 16
Code = tuple[str, bool, int]


def write(graph: Graph) -> bytes:
    """Return the bytes of a `.tflite`. Raises GraphError for a sparse tensor and an unknown operator or type."""
    return _Writer(graph).file()


class _Writer:
    """Writes bottom-up, as flatbuffers are: a table after all that it points to."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._b = schema.builder()
        self._buffers = [self._buffer(b"")]
        subgraphs = (graph, *graph.others)
        self._codes: list[Code] = sorted({_code(operator) for s in subgraphs for operator in s.operators})

    def file(self) -> bytes:
        """Return the whole file."""
        b = self._b
        subgraphs = self._offsets([self._subgraph(s) for s in (self._graph, *self._graph.others)])
        codes = self._offsets([self._operator_code(*code) for code in self._codes])
        buffers = self._offsets(self._buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, schema.VERSION)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, subgraphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), schema.IDENTIFIER)
        return bytes(b.Output())

    def _subgraph(self, graph: Subgraph) -> int:
        b = self._b
        name = b.CreateString(graph.name) if graph.name else 0
        tensors = self._offsets([self._tensor(tensor) for tensor in graph.tensors])
        operators = self._offsets([self._operator(operator) for operator in graph.operators])
        inputs, outputs = self._int32(graph.inputs), self._int32(graph.outputs)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensors)
        tflite.SubGraphAddInputs(b, inputs)
        tflite.SubGraphAddOutputs(b, outputs)
        tflite.SubGraphAddOperators(b, operators)
        if name:
            tflite.SubGraphAddName(b, name)
        return int(tflite.SubGraphEnd(b))

    def _tensor(self, tensor: Tensor) -> int:
        b = self._b
        if tensor.is_sparse:
            raise GraphError(f"{location(self._graph.source, tensor=tensor)}: a sparse tensor cannot be written")
        buffer = 0
        if tensor.data is not None:
            self._buffers.append(self._buffer(_little_endian(tensor.data)))
            buffer = len(self._buffers) - 1
        name, shape = b.CreateString(tensor.name), self._int32(tensor.shape)
        signature = self._int32(tensor.signature) if tensor.signature else 0
        quantization = self._quantization(tensor.quantization) if tensor.quantization else 0
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddType(b, _number_of(tensor.dtype, schema.TYPE_CODES, "type"))
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        if quantization:
            tflite.TensorAddQuantization(b, quantization)
        tflite.TensorAddIsVariable(b, tensor.is_variable)
        if signature:
            tflite.TensorAddShapeSignature(b, signature)
        return int(tflite.TensorEnd(b))

    def _quantization(self, q: Quantization) -> int:
        b = self._b
        scales = b.CreateNumpyVector(np.asarray(q.scales, np.float32))
        zero_points = b.CreateNumpyVector(np.asarray(q.zero_points, np.int64))
        tflite.QuantizationParametersStart(b)
        tflite.QuantizationParametersAddScale(b, scales)
        tflite.QuantizationParametersAddZeroPoint(b, zero_points)
        tflite.QuantizationParametersAddQuantizedDimension(b, q.axis)
        return int(tflite.QuantizationParametersEnd(b))

    def _operator(self, operator: Operator) -> int:
        b = self._b
        inputs, outputs = self._int32(operator.inputs), self._int32(operator.outputs)
        intermediates = self._int32(operator.intermediates) if operator.intermediates else 0
        custom = b.CreateByteVector(operator.custom_options) if operator.custom_options else 0
        options = self._options(operator.options) if operator.options.table else 0
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, self._codes.index(_code(operator)))
        tflite.OperatorAddInputs(b, inputs)
        tflite.OperatorAddOutputs(b, outputs)
        if options:
            tflite.OperatorAddBuiltinOptionsType(b, schema.OPTION_CODES[operator.options.table])
            tflite.OperatorAddBuiltinOptions(b, options)
        if custom:
            tflite.OperatorAddCustomOptions(b, custom)
        if intermediates:
            tflite.OperatorAddIntermediates(b, intermediates)
        return int(tflite.OperatorEnd(b))

    def _options(self, options: Options) -> int:
        table = schema.OPTION_TABLES[options.table]
        values = {name: self._option(value) for name, value in options.values.items()}
        table.function("Start")(self._b)
        for name, value in values.items():
            table.function(f"Add{name}")(self._b, value)
        return int(table.function("End")(self._b))

    def _option(self, value: OptionValue) -> bool | int | float:
        """Return a scalar as it is, and text or numbers as the offset where they are written."""
        if isinstance(value, str):
            return int(self._b.CreateString(value))
        if isinstance(value, tuple):
            dtype = np.float32 if any(isinstance(number, float) for number in value) else np.int32
            return int(self._b.CreateNumpyVector(np.asarray(value, dtype)))
        return value

    def _operator_code(self, name: str, is_custom: bool, version: int) -> int:
        b = self._b
        code = schema.BUILTIN_CODES[schema.CUSTOM]
        if not is_custom:
            code = _number_of(name, schema.BUILTIN_CODES, "code")
        custom_name = b.CreateString(name) if is_custom else 0
        tflite.OperatorCodeStart(b)
        # The first field is one byte wide; readers take the larger of both.
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))
        tflite.OperatorCodeAddBuiltinCode(b, code)
        tflite.OperatorCodeAddVersion(b, version)
        if is_custom:
            tflite.OperatorCodeAddCustomCode(b, custom_name)
        return int(tflite.OperatorCodeEnd(b))

    def _buffer(self, raw: bytes) -> int:
        b = self._b
        data = 0
        if raw:
            b.StartVector(1, len(raw), BUFFER_ALIGNMENT)
            b.head -= len(raw)
            b.Bytes[b.head : b.head + len(raw)] = raw
            data = b.EndVector()
        tflite.BufferStart(b)
        if raw:
            tflite.BufferAddData(b, data)
        return int(tflite.BufferEnd(b))

    def _int32(self, values: Sequence[int]) -> int:
        return int(self._b.CreateNumpyVector(np.asarray(values, np.int32)))

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._b.PrependUOffsetTRelative(offset)
        return int(self._b.EndVector())


def _code(operator: Operator) -> Code:
    return operator.name, operator.is_custom, operator.version


def _number_of(name: str, codes: Mapping[str, int], prefix: str) -> int:
    """Return the schema's number of a name; the reader calls what the schema does not name `type 99` or `code 999`."""
    if name in codes:
        return int(codes[name])
    word, _, number = name.partition(" ")
    if word != prefix or not number.removeprefix("-").isdecimal():
        raise GraphError(f"{prefix} {name!r}: not in the schema of .tflite")
    return int(number)


def _little_endian(data: Array) -> bytes:
    return bytes(data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes())
