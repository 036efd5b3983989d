"""Signal-to-noise ratio of each int8 tensor against the float graph: where the accuracy goes. TensorFlow late."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artifact import Artifact
from calibration import converter, examples
from calibration.convert import LOG, TWIN, Int8Facts
from datasets import Dataset, sample
from graph.oracle import Oracle
from graph.reader import read
from graph.types import Graph, Tensor
from models.build import KerasFacts

PICTURES = 16


@dataclass(frozen=True)
class LayerNoise:
    """A tensor of the graph, the operator that computes it, and 10 log10 of signal power over error power."""

    name: str
    operator: str
    snr_db: float


def measure(
    model: Artifact[KerasFacts], int8: Artifact[Int8Facts], data: Dataset, pictures: int = PICTURES
) -> list[LayerNoise]:
    """Run the float and the int8 graph over test pictures and compare every tensor that both have, in order."""
    chosen = sample(data.test, min(pictures, len(data.test)))
    inputs = examples.select(data.test, chosen, model.facts, f"--data {data.name}")
    real, stored = inputs.real(), inputs.quantized(int8.facts.input)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        twin = int8.path.parent / TWIN  # the improved form has other channels than the network had
        exact_path = twin if twin.is_file() else model.path
        path.write_bytes(converter.to_float(exact_path, Path(folder) / LOG))
        exact, coarse = Oracle(path, "builtin", keep_all=True), Oracle(int8.path, "reference", keep_all=True)
        pairs = _common(read(path), read(int8.path))
    signal, noise = np.zeros(len(pairs)), np.zeros(len(pairs))
    for real_input, stored_input in zip(real, stored, strict=True):
        exact.invoke(real_input)
        coarse.invoke(stored_input)
        for i, pair in enumerate(pairs):
            reference = exact.tensor(pair.exact.index).astype(np.float32, copy=False)
            q = pair.coarse.quant
            error = reference - q.scales[0] * (coarse.tensor(pair.coarse.index).astype(np.float32) - q.zero_point)
            signal[i] += float(np.square(reference).sum())
            noise[i] += float(np.square(error).sum())
    return [
        LayerNoise(_layer_name(pair.coarse.name), pair.operator, decibels(signal[i], noise[i]))
        for i, pair in enumerate(pairs)
    ]


@dataclass(frozen=True)
class _Pair:
    """A tensor that both graphs have, and the operator that computes it in int8."""

    operator: str
    exact: Tensor
    coarse: Tensor


def decibels(signal: float, noise: float) -> float:
    """Return the ratio of two powers in decibels, infinite where either is 0."""
    return 10 * math.log10(signal / noise) if signal and noise else math.inf


def _common(exact: Graph, coarse: Graph) -> list[_Pair]:
    """Return each operator's output that both graphs have under the same name and shape, in order."""
    floats = {tensor.name: tensor for tensor in exact.tensors}
    pairs = []
    for operator in coarse.operators:
        for tensor in (coarse.tensors[i] for i in operator.outputs):
            same = floats.get(tensor.name)
            if same is not None and same.shape == tensor.shape and tensor.quantization is not None:
                pairs.append(_Pair(operator.label, same, tensor))
    return pairs


def _layer_name(name: str) -> str:
    """Return the layer's part of a tensor name such as v1_025_1/conv1_relu_1/Relu6;v1_025_1/..."""
    parts = name.split(";")[0].split("/")
    return "/".join(parts[1:3]) if len(parts) > 2 else name
