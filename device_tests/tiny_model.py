"""Small .tflite files written straight from the schema, for tests that have no artifact to run. Needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

DTYPES = {
    "int8": tflite.TensorType.INT8,
    "uint8": tflite.TensorType.UINT8,
    "int32": tflite.TensorType.INT32,
    "float32": tflite.TensorType.FLOAT32,
}


@dataclass(frozen=True)
class Tensor:
    """One tensor of a model to write; `data` makes it a constant."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0
    data: NDArray[np.generic] | None = None


def dense(path: Path, dtype: str = "int8", shape: tuple[int, ...] = (1, 16, 16, 3), classes: int = 10) -> Path:
    """Write a fully connected layer of `dtype` with fixed random weights, whose outputs spread over many values."""
    rng = np.random.default_rng(20)
    size = int(np.prod(shape))
    zero = {"int8": -1, "uint8": 127, "float32": 0}[dtype]
    if dtype == "float32":
        weights = rng.normal(0, 0.1, (classes, size)).astype(np.float32)
        bias = rng.normal(0, 1, classes).astype(np.float32)
        tensors = [Tensor("input", shape, dtype), Tensor("output", (1, classes), dtype)]
        constants = [
            Tensor("weights", weights.shape, dtype, data=weights),
            Tensor("bias", (classes,), dtype, data=bias),
        ]
    else:
        middle = 128 if dtype == "uint8" else 0
        weights = (rng.integers(-127, 128, (classes, size)) + middle).astype(dtype)
        bias = rng.integers(-20000, 20000, classes).astype(np.int32)
        scale = 0.006 * size**0.5
        tensors = [Tensor("input", shape, dtype, 1 / 128, zero), Tensor("output", (1, classes), dtype, scale, zero)]
        constants = [
            Tensor("weights", weights.shape, dtype, 1 / 128, middle, weights),
            Tensor("bias", (classes,), "int32", 1 / 128**2, 0, bias),
        ]
    path.write_bytes(_model([*tensors, *constants], tflite.BuiltinOperator.FULLY_CONNECTED, [0, 2, 3], [0], [1]))
    return path


def failing(path: Path) -> Path:
    """Write a model that loads, and fails when run with an index of 4 or more: GATHER from a table of four."""
    table = np.arange(4, dtype=np.float32)
    tensors = [
        Tensor("index", (1,), "int32"),
        Tensor("output", (1,), "float32"),
        Tensor("table", (4,), "float32", data=table),
    ]
    path.write_bytes(_model(tensors, tflite.BuiltinOperator.GATHER, [2, 0], [0], [1]))
    return path


def _model(tensors: list[Tensor], op: int, op_inputs: list[int], inputs: list[int], outputs: list[int]) -> bytes:
    b = flatbuffers.Builder(4096)
    buffers = [_buffer(b, None)] + [_buffer(b, t.data) for t in tensors]
    entries = [_tensor(b, t, number + 1) for number, t in enumerate(tensors)]
    operator = _operator(b, op, op_inputs, outputs)
    tables = (_vector(b, entries), _ints(b, inputs), _ints(b, outputs), _vector(b, [operator]))
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, tables[0])
    tflite.SubGraphAddInputs(b, tables[1])
    tflite.SubGraphAddOutputs(b, tables[2])
    tflite.SubGraphAddOperators(b, tables[3])
    graphs = _vector(b, [tflite.SubGraphEnd(b)])
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, op)
    tflite.OperatorCodeAddBuiltinCode(b, op)
    tflite.OperatorCodeAddVersion(b, 4 if op == tflite.BuiltinOperator.FULLY_CONNECTED else 1)
    codes = _vector(b, [tflite.OperatorCodeEnd(b)])
    stored = _vector(b, buffers)
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, codes)
    tflite.ModelAddSubgraphs(b, graphs)
    tflite.ModelAddBuffers(b, stored)
    b.Finish(tflite.ModelEnd(b), b"TFL3")
    return bytes(b.Output())


def _operator(b: flatbuffers.Builder, op: int, inputs: list[int], outputs: list[int]) -> int:
    if op == tflite.BuiltinOperator.FULLY_CONNECTED:
        tflite.FullyConnectedOptionsStart(b)
        options, kind = tflite.FullyConnectedOptionsEnd(b), tflite.BuiltinOptions.FullyConnectedOptions
    else:
        tflite.GatherOptionsStart(b)
        options, kind = tflite.GatherOptionsEnd(b), tflite.BuiltinOptions.GatherOptions
    ins, outs = _ints(b, inputs), _ints(b, outputs)
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, 0)
    tflite.OperatorAddInputs(b, ins)
    tflite.OperatorAddOutputs(b, outs)
    tflite.OperatorAddBuiltinOptionsType(b, kind)
    tflite.OperatorAddBuiltinOptions(b, options)
    return int(tflite.OperatorEnd(b))


def _tensor(b: flatbuffers.Builder, tensor: Tensor, buffer: int) -> int:
    name, shape = b.CreateString(tensor.name), _ints(b, list(tensor.shape))
    quantization = 0
    if tensor.scale:
        scales = b.CreateNumpyVector(np.array([tensor.scale], np.float32))
        zeros = b.CreateNumpyVector(np.array([tensor.zero_point], np.int64))
        tflite.QuantizationParametersStart(b)
        tflite.QuantizationParametersAddScale(b, scales)
        tflite.QuantizationParametersAddZeroPoint(b, zeros)
        quantization = tflite.QuantizationParametersEnd(b)
    tflite.TensorStart(b)
    tflite.TensorAddName(b, name)
    tflite.TensorAddShape(b, shape)
    tflite.TensorAddType(b, DTYPES[tensor.dtype])
    tflite.TensorAddBuffer(b, buffer)
    if quantization:
        tflite.TensorAddQuantization(b, quantization)
    return int(tflite.TensorEnd(b))


def _buffer(b: flatbuffers.Builder, data: NDArray[np.generic] | None) -> int:
    stored = b.CreateByteVector(data.tobytes()) if data is not None else 0
    tflite.BufferStart(b)
    if stored:
        tflite.BufferAddData(b, stored)
    return int(tflite.BufferEnd(b))


def _ints(b: flatbuffers.Builder, values: list[int]) -> int:
    return int(b.CreateNumpyVector(np.array(values, np.int32)))


def _vector(b: flatbuffers.Builder, offsets: list[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())
