"""Signal-to-noise ratio of each int8 tensor against the float graph: where the accuracy goes. TensorFlow late."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artifact import Artifact
from calibration.convert import LOG, Int8Facts, convert_float, to_range
from calibration.evaluate import interpreter, quantize
from datasets import Dataset, prepare_many, sample
from models.build import KerasFacts

PICTURES = 16


@dataclass(frozen=True)
class LayerNoise:
    """A tensor of the graph, the operator that makes it, and 10 log10 of signal power over the power of the error."""

    name: str
    operator: str
    snr_db: float


def measure(
    model: Artifact[KerasFacts], int8: Artifact[Int8Facts], data: Dataset, pictures: int = PICTURES
) -> list[LayerNoise]:
    """Run the float and the int8 graph over test pictures and compare every tensor that both have, in order."""
    chosen = sample(data.test, min(pictures, len(data.test)))
    _, h, _, channels = model.facts.input_shape
    pixels = prepare_many(data.test, chosen, h, channels)
    input_range = model.facts.input_range
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        path.write_bytes(convert_float(model.path, Path(folder) / LOG))
        exact = interpreter(path, "builtin", keep_all=True)
        coarse = interpreter(int8.path, "reference", keep_all=True)
    pairs = _common(exact, coarse)
    signal, noise = np.zeros(len(pairs)), np.zeros(len(pairs))
    for picture in pixels:
        _invoke(exact, to_range(picture[None], input_range))
        _invoke(coarse, quantize(picture[None], input_range, int8.facts.input))
        for i, (_, _, ours, theirs) in enumerate(pairs):
            reference = exact.get_tensor(theirs)
            scale, zero_point = ours["quantization"]
            error = reference - scale * (coarse.get_tensor(ours["index"]).astype(np.float32) - zero_point)
            signal[i] += float(np.square(reference).sum())
            noise[i] += float(np.square(error).sum())
    return [LayerNoise(n, op, _decibels(signal[i], noise[i])) for i, (n, op, _, _) in enumerate(pairs)]


def _invoke(model: Any, x: np.ndarray[Any, Any]) -> None:
    model.set_tensor(model.get_input_details()[0]["index"], x)
    model.invoke()


def _decibels(signal: float, noise: float) -> float:
    return 10 * math.log10(signal / noise) if signal and noise else math.inf


def _common(exact: Any, coarse: Any) -> list[tuple[str, str, dict[str, Any], int]]:
    """Return (name, operator, int8 tensor, index of the float one) of each operator's output that both graphs have."""
    floats = {t["name"]: t for t in exact.get_tensor_details()}
    tensors = {t["index"]: t for t in coarse.get_tensor_details()}
    found = []
    for op in coarse._get_ops_details():
        for index in op["outputs"]:
            tensor = tensors.get(int(index))
            same = floats.get(tensor["name"]) if tensor else None
            if tensor and same and tuple(same["shape"]) == tuple(tensor["shape"]):
                found.append((_short(tensor["name"]), op["op_name"], tensor, same["index"]))
    return found


def _short(name: str) -> str:
    """Return the layer's part of a tensor name such as v1_025_1/conv1_relu_1/Relu6;v1_025_1/..."""
    parts = name.split(";")[0].split("/")
    return "/".join(parts[1:3]) if len(parts) > 2 else name
