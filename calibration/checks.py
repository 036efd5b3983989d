"""What an int8 model must be: static, integer all the way, with usable scales. No TensorFlow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import CalibrationError, ConfigError, GraphError
from graph import oracle
from graph.reader import read
from graph.types import Tensor

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
    try:
        graph = read(path, str(path))
        oracle.check_loads(path)
    except GraphError as e:
        raise ConfigError(str(e)) from e
    inputs = [graph.tensors[i] for i in graph.inputs]
    outputs = [graph.tensors[i] for i in graph.outputs]
    if len(inputs) != 1 or len(outputs) != 1:
        raise ConfigError(f"{path}: expected one input and one output, got {len(inputs)} and {len(outputs)}")
    for tensor in (*inputs, *outputs):
        check_end(path, tensor)
    if len(inputs[0].shape) != 4:
        raise ConfigError(
            f"{path}: input {inputs[0].short_name}: expected a picture (1, h, w, c), got {list(inputs[0].shape)}"
        )
    for tensor in graph.tensors:
        check_tensor(path, tensor)
    operators = Counter(operator.label for operator in graph.operators)
    if "SHAPE" in operators:
        raise ConfigError(
            f"{path}: operator SHAPE: shapes are open until it runs; convert it with a fixed batch, or give the .keras"
        )
    return Quantized(_end(inputs[0]), _end(outputs[0]), len(graph.tensors), dict(operators))


def check_end(path: Path, tensor: Tensor) -> None:
    """Check an input or output: int8 (or the older uint8), quantized, of a fixed shape with batch 1.

    Raises ConfigError.
    """
    where = f"{path}: tensor {tensor.short_name}"
    if tensor.dtype not in ("int8", "uint8"):
        raise ConfigError(
            f"{where} is {tensor.dtype}, expected int8; convert with full integer quantization, or give the .keras"
        )
    # An open batch that is stored as 1 runs as 1, where no operator asks for it (see `inspect`).
    if not tensor.is_static or tensor.shape[:1] != (1,):
        shape = list(tensor.signature or tensor.shape)
        raise ConfigError(f"{where} has shape {shape}, expected fixed sizes and batch 1; convert it with a fixed batch")
    if tensor.quantization is None or not tensor.quantization.scales[0] > 0:
        raise ConfigError(f"{where} has no scale; convert with full integer quantization")


def check_tensor(path: Path, tensor: Tensor) -> None:
    """Check that a tensor is integer and that its scales are usable. Raises CalibrationError."""
    where = f"{path}: tensor {tensor.short_name}"
    if tensor.dtype not in INTEGER_TYPES:
        raise CalibrationError(f"{where} was left in {tensor.dtype}; its operator has no int8 form")
    if tensor.quantization is None:
        return
    scales = np.asarray(tensor.quantization.scales)
    # A single dead channel among others has a tiny scale of its own in good networks too, and does no harm.
    if not (np.isfinite(scales).all() and scales.min() > 0 and SCALE_MIN < scales.max() < SCALE_MAX):
        raise CalibrationError(
            f"{where} has a degenerate scale ({scales.min():g} to {scales.max():g}); use more, or more varied, pictures"
        )


def _end(tensor: Tensor) -> QuantizedTensor:
    return QuantizedTensor(tensor.name, tensor.shape, tensor.dtype, tensor.quant.scales[0], tensor.quant.zero_point)
