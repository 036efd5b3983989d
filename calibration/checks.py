"""What an int8 model must be: static, integer all the way, with scales that mean something. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from errors import CalibrationError, ConfigError

SCALE_MIN, SCALE_MAX = 1e-12, 1e12
INTEGER_TYPES = ("int8", "uint8", "int32", "int64", "int16")


@dataclass(frozen=True)
class QuantizedTensor:
    """An input or output of an int8 model: real value = scale x (stored - zero_point)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Quantized:
    """An int8 model: its input and output, the number of its tensors, and how many operators it has by name."""

    input: QuantizedTensor
    output: QuantizedTensor
    tensors: int
    operators: dict[str, int]


def inspect(path: Path) -> Quantized:
    """Check an int8 .tflite and return its facts.

    Raises ConfigError if LiteRT can't load it, it is float, dynamic, or not one picture in and one vector out, and
    CalibrationError if a scale is degenerate.
    """
    from ai_edge_litert.interpreter import Interpreter

    raw = path.read_bytes()
    if raw[4:8] != b"TFL3":
        raise ConfigError(f"{path}: not a .tflite (its identifier is {raw[4:8]!r}, expected b'TFL3')")
    try:
        interpreter = Interpreter(model_content=raw, experimental_preserve_all_tensors=False)
        details = interpreter.get_tensor_details()
    except (ValueError, RuntimeError) as e:
        raise ConfigError(f"{path}: LiteRT can't load it ({str(e).strip().splitlines()[0]})") from e
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ConfigError(f"{path}: expected one input and one output, got {len(inputs)} and {len(outputs)}")
    for tensor in (*inputs, *outputs):
        _check_end(path, tensor)
    if len(inputs[0]["shape"]) != 4:
        raise ConfigError(
            f"{path}: input {inputs[0]['name']}: expected a picture (1, h, w, c), got {list(inputs[0]['shape'])}"
        )
    for tensor in details:
        _check_tensor(path, tensor)
    operators: dict[str, int] = {}
    for op in interpreter._get_ops_details():
        operators[op["op_name"]] = operators.get(op["op_name"], 0) + 1
    operators.pop("DELEGATE", None)
    if "SHAPE" in operators:
        raise ConfigError(
            f"{path}: operator SHAPE: shapes are worked out while it runs; convert it with a fixed batch, or give the "
            ".keras"
        )
    return Quantized(_end(inputs[0]), _end(outputs[0]), len(details), operators)


def _check_end(path: Path, tensor: dict[str, Any]) -> None:
    """Check an input or output: int8 (or the older uint8), quantised, of a fixed shape with batch 1."""
    dtype = np.dtype(tensor["dtype"]).name
    if dtype not in ("int8", "uint8"):
        raise ConfigError(
            f"{path}: tensor {tensor['name']} is {dtype}, expected int8; "
            "convert with full integer quantisation, or give the .keras"
        )
    signature = [int(d) for d in tensor["shape_signature"]]
    # An open batch that is written down as 1 runs as 1, where no operator asks for it (see `inspect`).
    if any(d <= 0 for d in signature[1:]) or signature[0] not in (-1, 1) or tensor["shape"][0] != 1:
        raise ConfigError(
            f"{path}: tensor {tensor['name']} has shape {signature}, expected fixed sizes and batch 1; "
            "convert it with a fixed batch"
        )
    if not tensor["quantization"][0] > 0:
        raise ConfigError(f"{path}: tensor {tensor['name']} has no scale; convert with full integer quantisation")


def _check_tensor(path: Path, tensor: dict[str, Any]) -> None:
    dtype = np.dtype(tensor["dtype"]).name
    if dtype not in INTEGER_TYPES:
        raise CalibrationError(f"{path}: tensor {tensor['name']} was left in {dtype}; its operator has no int8 form")
    scales = tensor["quantization_parameters"]["scales"]
    # A single dead channel among others has a tiny scale of its own in good networks too, and does no harm.
    whole = not scales.size or (np.isfinite(scales).all() and scales.min() > 0 and SCALE_MIN < scales.max() < SCALE_MAX)
    if not whole:
        raise CalibrationError(
            f"{path}: tensor {tensor['name']} has a degenerate scale ({scales.min():g} to {scales.max():g}); "
            "use more, or more varied, pictures"
        )


def _end(tensor: dict[str, Any]) -> QuantizedTensor:
    scale, zero_point = tensor["quantization"]
    shape = tuple(int(d) for d in tensor["shape"])
    return QuantizedTensor(tensor["name"], shape, np.dtype(tensor["dtype"]).name, float(scale), int(zero_point))
