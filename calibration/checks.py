"""What an int8 model must be: static, integer inside, with usable scales; its ends may be float. No TensorFlow."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import meaning
from calibration.meaning import Meaning
from errors import CalibrationError, ConfigError, GraphError
from graph import oracle
from graph.reader import read
from graph.types import Graph, Tensor

SCALE_MIN, SCALE_MAX = 1e-12, 1e12
INTEGER_TYPES = ("int8", "uint8", "int32", "int64", "int16", "bool")
END_TYPES = ("int8", "uint8", "int16", "float32")
CONVERT = (
    "convert with full integer quantization (tf.lite.TFLiteConverter with a representative_dataset and "
    "TFLITE_BUILTINS_INT8), or give the .keras"
)


@dataclass(frozen=True)
class QuantizedTensor:
    """An input or output of an int8 model: real value = scale x (stored - zero_point); `scale` is 0 for float32."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return self.size * np.dtype(self.dtype).itemsize

    @property
    def is_picture(self) -> bool:
        """Whether a gray or color picture has this shape."""
        return is_picture_shape(self.shape)


def is_picture_shape(shape: tuple[int, ...]) -> bool:
    """Return whether a gray or color picture has a shape: (1, h, w, 1) or (1, h, w, 3)."""
    return len(shape) == 4 and shape[0] == 1 and shape[3] in (1, 3)


@dataclass(frozen=True)
class Quantized:
    """An int8 model: its ends, what its outputs mean, the number of tensors, and how many operators it has by name.

    `first` is the input as the network computes with it: behind the QUANTIZE of a float input. `more_inputs` are those
    behind the first, as the file has them.
    """

    input: QuantizedTensor
    first: QuantizedTensor
    outputs: tuple[QuantizedTensor, ...]
    meaning: Meaning
    tensors: int
    operators: dict[str, int]
    more_inputs: tuple[QuantizedTensor, ...] = ()


def inspect(path: Path, name: str | None = None) -> Quantized:
    """Check an int8 .tflite and return its facts. `name` is what messages say for the file, its path by default.

    Raises ConfigError if LiteRT can't load it, it computes in float or is dynamic, and
    CalibrationError if a scale is degenerate.
    """
    try:
        where = name or str(path)
        graph = read(path, where)
        oracle.check_loads(path)
    except GraphError as e:
        raise ConfigError(str(e)) from e
    if not graph.inputs or not graph.outputs:
        raise ConfigError(
            f"{where}: expected at least one input and one output, got {len(graph.inputs)} and {len(graph.outputs)}"
        )
    sources, outputs = ([graph.tensors[i] for i in ends] for ends in (graph.inputs, graph.outputs))
    first, *_ = [_behind_quantize(where, graph, source) for source in sources]
    for source in sources:
        check_end(where, source)
    for tensor in outputs:
        check_output(where, graph, tensor)
    ends = {*graph.inputs, *graph.outputs}
    for tensor in graph.tensors:
        if not (tensor.index in ends and tensor.dtype == "float32"):
            check_tensor(where, tensor)
    operators = Counter(operator.label for operator in graph.operators)
    if "SHAPE" in operators:
        raise ConfigError(
            f"{where}: operator SHAPE: shapes are open until it runs; convert it with a fixed batch, or give the .keras"
        )
    return Quantized(
        _end(sources[0]), _end(first), tuple(map(_end, outputs)), meaning.of_network(graph), len(graph.tensors),
        dict(operators), tuple(map(_end, sources[1:])),
    )  # fmt: skip


def _behind_quantize(path: Path | str, graph: Graph, source: Tensor) -> Tensor:
    """Return the input, or what the QUANTIZE of a float input makes of it. Raises ConfigError if it stays float."""
    if source.dtype != "float32":
        return source
    users = [operator for operator in graph.operators if source.index in operator.inputs]
    if not users or any(operator.name != "QUANTIZE" for operator in users):
        raise ConfigError(f"{path}: tensor {source.short_name} is float32, expected int8; {_how_to_convert(graph)}")
    return graph.tensors[users[0].outputs[0]]


def _how_to_convert(graph: Graph) -> str:
    weights = {tensor.dtype for tensor in graph.tensors if tensor.data is not None and len(tensor.shape) > 1}
    if "int8" in weights:
        return f"its weights alone are int8 (dynamic range quantization); {CONVERT}"
    return CONVERT


def check_end(path: Path | str, tensor: Tensor) -> None:
    """Check an input: int8, uint8 or int16 with a scale, or float32, of a fixed shape with batch 1.

    Raises ConfigError.
    """
    _check_type(path, tensor)
    # An open batch that is stored as 1 runs as 1, where no operator asks for it (see `inspect`).
    if not tensor.is_static or (len(tensor.shape) > 1 and tensor.shape[0] != 1):
        raise _not_fixed(path, tensor)


def check_output(path: Path | str, graph: Graph, tensor: Tensor) -> None:
    """Check an output: as an input, of any fixed shape; float32 is from a DEQUANTIZE. Raises ConfigError."""
    _check_type(path, tensor)
    makers = [operator.name for operator in graph.operators if tensor.index in operator.outputs]
    if tensor.dtype == "float32" and makers != ["DEQUANTIZE"]:
        raise ConfigError(f"{path}: tensor {tensor.short_name} is float32, expected int8; {_how_to_convert(graph)}")
    if not tensor.is_static:
        raise _not_fixed(path, tensor)


def _check_type(path: Path | str, tensor: Tensor) -> None:
    where = f"{path}: tensor {tensor.short_name}"
    if tensor.dtype not in END_TYPES:
        raise ConfigError(f"{where} is {tensor.dtype}, expected int8; {CONVERT}")
    if tensor.dtype != "float32" and (tensor.quantization is None or not tensor.quantization.scales[0] > 0):
        raise ConfigError(f"{where} has no scale; convert with full integer quantization")


def _not_fixed(path: Path | str, tensor: Tensor) -> ConfigError:
    where, shape = f"{path}: tensor {tensor.short_name}", list(tensor.signature or tensor.shape)
    return ConfigError(f"{where} has shape {shape}, expected fixed sizes and batch 1; convert it with a fixed batch")


def check_tensor(path: Path | str, tensor: Tensor) -> None:
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
    if tensor.dtype == "float32":
        return QuantizedTensor(tensor.name, tensor.shape, tensor.dtype, 0.0, 0)
    return QuantizedTensor(tensor.name, tensor.shape, tensor.dtype, tensor.quant.scales[0], tensor.quant.zero_point)
