"""Run a model over pictures on this machine: the float one in Keras, the int8 one in LiteRT."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from calibration.checks import QuantizedTensor
from graph.oracle import Oracle

Integers: TypeAlias = npt.NDArray[np.int8 | np.uint8]
"""Inputs or outputs as an int8 model has them, int8 or uint8."""


def quantize(pixels: npt.NDArray[np.uint8], input_range: tuple[float, float], tensor: QuantizedTensor) -> Integers:
    """Return uint8 pictures as the integer input (int8 or uint8) of a model.

    `input_range` are the float values of pixels 0 and 255.
    """
    low, high = input_range
    real = np.linspace(low, high, 256)
    info = np.iinfo(tensor.dtype)
    table = np.clip(np.rint(real / tensor.scale) + tensor.zero_point, info.min, info.max).astype(tensor.dtype)
    return table[pixels]


def outputs(
    path: Path,
    pixels: npt.NDArray[np.uint8],
    input_range: tuple[float, float],
    kernels: str = "xnnpack",
    progress: Callable[[int], None] | None = None,
) -> Integers:
    """Return the integer outputs, (n, classes), for uint8 pictures (n, h, w, c).

    `kernels` is one of graph.oracle.KERNELS. `progress` is called with the count of pictures done.
    """
    oracle = Oracle(path, kernels, threads=2 if kernels == "xnnpack" else 1)
    source, target = oracle.inputs[0], oracle.outputs[0]
    tensor = QuantizedTensor(source.name, source.shape, source.dtype, source.scale, source.zero_point)
    result = np.empty((len(pixels), math.prod(target.shape)), target.dtype)
    for i, picture in enumerate(pixels):
        result[i] = oracle.run(quantize(picture[None], input_range, tensor))[0].reshape(-1)
        if progress:
            progress(i + 1)
    return result


def keras_top1(path: Path, inputs: npt.NDArray[np.float32], batch: int = 100) -> npt.NDArray[np.int64]:
    """Return the class that the float Keras model gives each of the inputs (n, h, w, c)."""
    import keras

    model = keras.models.load_model(path, compile=False)
    if model.input_shape[0] == 1:
        free = keras.models.clone_model(model, input_tensors=keras.Input(model.input_shape[1:]))
        free.set_weights(model.get_weights())
        model = free
    scores = [model.predict_on_batch(inputs[i : i + batch]) for i in range(0, len(inputs), batch)]
    return np.argmax(np.concatenate(scores).reshape(len(inputs), -1), axis=1)
