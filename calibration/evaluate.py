"""Run a model over pictures or arrays on this machine: the float one in Keras, the int8 one in LiteRT."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from calibration.checks import QuantizedTensor
from errors import ConfigError
from graph.kernels import USUAL
from graph.oracle import Oracle, run_joined
from graph.types import Array

Values: TypeAlias = npt.NDArray[Any]
"""Inputs or outputs as a model has them: int8, uint8, int16 or float32."""


def quantize(pixels: npt.NDArray[np.uint8], input_range: tuple[float, float], tensor: QuantizedTensor) -> Values:
    """Return uint8 pictures as the input of a model: integers, or real values where the input is float32.

    `input_range` are the float values of pixels 0 and 255.
    """
    low, high = input_range
    table: Values = quantize_reals(np.linspace(low, high, 256), tensor)[pixels]
    return table


def quantize_reals(real: Values, tensor: QuantizedTensor) -> Values:
    """Return real values as the input tensor of a model stores them; what is beyond its range is clipped."""
    if tensor.dtype == "float32":
        return real.astype(np.float32)
    info = np.iinfo(tensor.dtype)
    return np.clip(np.rint(real / tensor.scale) + tensor.zero_point, info.min, info.max).astype(tensor.dtype)


def inputs_of_array(x: Array, input_range: tuple[float, float] | None, tensor: QuantizedTensor, where: str) -> Values:
    """Return the examples of an array (n, ...) as the inputs of a model (n, ...), each of the tensor's shape.

    Real values are quantized with the input's scale, integers of the input's type are taken as they are, and other
    uint8 values are pixels of `input_range`. Raises ConfigError, beginning with `where`, for another size or type.
    """
    shape = "x".join(map(str, tensor.shape))
    if x[0].size != tensor.size:
        raise ConfigError(f"{where}: x_test is {'x'.join(map(str, x.shape[1:]))} each, the model's input is {shape}")
    x = x.reshape(len(x), *tensor.shape[1:]) if len(tensor.shape) > 1 else x.reshape(len(x), *tensor.shape)
    if x.dtype.kind == "f":
        return quantize_reals(x.astype(np.float32), tensor)
    if x.dtype == np.dtype(tensor.dtype):
        return x
    if x.dtype == np.uint8 and input_range is not None:
        return quantize(x.astype(np.uint8), input_range, tensor)
    raise ConfigError(
        f"{where}: x_test is {x.dtype}, the model's input {tensor.dtype}; give float32, or {tensor.dtype} as it is"
    )


def answers(
    path: Path, inputs: Values, kernels: str = USUAL, progress: Callable[[int], None] | None = None
) -> npt.NDArray[np.uint8]:
    """Return the bytes of all outputs of a model for each of its inputs (n, ...): uint8 (n, bytes).

    An input of a model that takes several is the bytes of all of them, one behind the other in the model's order.
    `kernels` is one of graph.kernels.KERNELS. `progress` is called with the count of inputs done.
    """
    oracle = Oracle(path, kernels, threads=2 if kernels == USUAL else 1)
    rows = []
    for i, one in enumerate(inputs):
        rows.append(b"".join(value.tobytes() for value in run_joined(oracle, one.tobytes())))
        if progress:
            progress(i + 1)
    size = sum(_bytes(end.shape, end.dtype) for end in oracle.outputs)
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(inputs), size)


def _bytes(shape: tuple[int, ...], dtype: str) -> int:
    return int(np.prod(shape)) * np.dtype(dtype).itemsize


def split(raw: npt.NDArray[np.uint8], tensors: Sequence[QuantizedTensor]) -> list[Values]:
    """Return each output (n, size), as stored, of the bytes of all outputs (n, bytes)."""
    values, at = [], 0
    for tensor in tensors:
        part = np.ascontiguousarray(raw[:, at : at + tensor.bytes])
        values.append(part.view(tensor.dtype).reshape(len(raw), tensor.size))
        at += tensor.bytes
    return values


def outputs(
    path: Path,
    pixels: npt.NDArray[np.uint8],
    input_range: tuple[float, float],
    kernels: str = USUAL,
    progress: Callable[[int], None] | None = None,
) -> Values:
    """Return the first output, (n, size), of a model that takes pictures, for uint8 pictures (n, h, w, c).

    `kernels` is one of graph.kernels.KERNELS. `progress` is called with the count of pictures done.
    """
    oracle = Oracle(path, kernels)
    source, ends = oracle.inputs[0], oracle.outputs
    tensor = QuantizedTensor(source.name, source.shape, source.dtype, source.scale, source.zero_point)
    tensors = [QuantizedTensor(end.name, end.shape, end.dtype, end.scale, end.zero_point) for end in ends]
    return split(answers(path, quantize(pixels, input_range, tensor), kernels, progress), tensors)[0]


def loaded(path: Path) -> Any:
    """Return the Keras model of a file, to read and to run; the one read last stays, as loading takes seconds."""
    return _loaded(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _loaded(path: Path, modified: int) -> Any:
    import keras

    return keras.models.load_model(path, compile=False)


def keras_outputs(path: Path, inputs: npt.NDArray[np.float32], batch: int = 100) -> list[npt.NDArray[np.float32]]:
    """Return each output (n, ...) that the float Keras model gives for the inputs (n, h, w, c)."""
    import keras

    model = loaded(path)
    if model.input_shape[0] == 1:
        free = keras.models.clone_model(model, input_tensors=keras.Input(model.input_shape[1:]))
        free.set_weights(model.get_weights())
        model = free
    parts = []
    for i in range(0, len(inputs), batch):
        found = model.predict_on_batch(inputs[i : i + batch])
        values = list(found.values()) if isinstance(found, dict) else found
        parts.append([np.asarray(value) for value in (values if isinstance(values, list | tuple) else [values])])
    return [np.concatenate(some) for some in zip(*parts, strict=True)]
