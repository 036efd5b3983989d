"""Small `.tflite` files from the schema, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import tflite

TYPES = {"int8": tflite.TensorType.INT8, "int32": tflite.TensorType.INT32, "int64": tflite.TensorType.INT64}
# Versions that LiteRT's reference kernels take for int8.
VERSIONS = {"FULLY_CONNECTED": 4, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "QUANTIZE": 2, "HARD_SWISH": 1, "RESHAPE": 1}


class Builder:
    """Collects tensors and operators, then writes them."""

    def __init__(self) -> None:
        self.tensors: list[dict[str, Any]] = []
        self.operators: list[dict[str, Any]] = []

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        data: npt.ArrayLike | None = None,
        axis: int = 0,
        name: str | None = None,
    ) -> int:
        """Add a tensor and return its index. With `data` it is a constant."""
        scales = [] if scale is None else list(np.atleast_1d(scale))
        zero_points = list(np.broadcast_to(zero_point, len(scales))) if scales else []
        raw = None if data is None else np.asarray(data, np.dtype(dtype)).reshape(tuple(shape)).tobytes()
        name = name or f"t{len(self.tensors)}"
        self.tensors.append(locals() | {"shape": list(shape)})
        return len(self.tensors) - 1

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Mapping[str, Any] | None = None,
        table: str | None = None,
        version: int | None = None,
    ) -> None:
        """Add an operator; `options` are the fields of the options table named `table`."""
        self.operators.append(
            {"name": name, "inputs": list(inputs), "outputs": list(outputs), "options": dict(options or {}),
             "table": table, "version": version or VERSIONS.get(name, 2)}
        )  # fmt: skip

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the bytes of the file."""
        b = flatbuffers.Builder(4096)
        codes = sorted({(o["name"], o["version"]) for o in self.operators})
        buffers = [self._buffer(b, None)] + [self._buffer(b, t["raw"]) for t in self.tensors]
        tensors = [self._tensor(b, t, i + 1) for i, t in enumerate(self.tensors)]
        operators = [self._operator(b, o, codes.index((o["name"], o["version"]))) for o in self.operators]
        vectors = [_ints(b, inputs), _ints(b, outputs), _offsets(b, tensors), _offsets(b, operators)]
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, vectors[2])
        tflite.SubGraphAddInputs(b, vectors[0])
        tflite.SubGraphAddOutputs(b, vectors[1])
        tflite.SubGraphAddOperators(b, vectors[3])
        subgraphs = _offsets(b, [tflite.SubGraphEnd(b)])
        code_vector = _offsets(b, [_code(b, *code) for code in codes])
        buffer_vector = _offsets(b, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, code_vector)
        tflite.ModelAddSubgraphs(b, subgraphs)
        tflite.ModelAddBuffers(b, buffer_vector)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    @staticmethod
    def _buffer(b: flatbuffers.Builder, raw: bytes | None) -> int:
        data = b.CreateByteVector(raw) if raw is not None else None
        tflite.BufferStart(b)
        if data is not None:
            tflite.BufferAddData(b, data)
        return int(tflite.BufferEnd(b))

    @staticmethod
    def _tensor(b: flatbuffers.Builder, t: Mapping[str, Any], buffer: int) -> int:
        name, shape = b.CreateString(t["name"]), _ints(b, t["shape"])
        scales = b.CreateNumpyVector(np.asarray(t["scales"], np.float32))
        zero_points = b.CreateNumpyVector(np.asarray(t["zero_points"], np.int64))
        tflite.QuantizationParametersStart(b)
        if t["scales"]:
            tflite.QuantizationParametersAddScale(b, scales)
            tflite.QuantizationParametersAddZeroPoint(b, zero_points)
            tflite.QuantizationParametersAddQuantizedDimension(b, t["axis"])
        quantization = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddType(b, TYPES[t["dtype"]])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        tflite.TensorAddQuantization(b, quantization)
        return int(tflite.TensorEnd(b))

    @staticmethod
    def _operator(b: flatbuffers.Builder, o: Mapping[str, Any], code: int) -> int:
        inputs, outputs = _ints(b, o["inputs"]), _ints(b, o["outputs"])
        options = None
        if o["table"]:
            getattr(tflite, f"{o['table']}Start")(b)
            for field, value in o["options"].items():
                getattr(tflite, f"{o['table']}Add{field}")(b, value)
            options = getattr(tflite, f"{o['table']}End")(b)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, code)
        tflite.OperatorAddInputs(b, inputs)
        tflite.OperatorAddOutputs(b, outputs)
        if options is not None:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, o["table"]))
            tflite.OperatorAddBuiltinOptions(b, options)
        return int(tflite.OperatorEnd(b))


def _code(b: flatbuffers.Builder, name: str, version: int) -> int:
    code = getattr(tflite.BuiltinOperator, name)
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))
    tflite.OperatorCodeAddBuiltinCode(b, code)
    tflite.OperatorCodeAddVersion(b, version)
    return int(tflite.OperatorCodeEnd(b))


def _ints(b: flatbuffers.Builder, values: Sequence[int]) -> int:
    return int(b.CreateNumpyVector(np.asarray(values, np.int32)))


def _offsets(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())
