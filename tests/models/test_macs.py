"""The table's multiply-accumulates against those of the converted file, counted from its flatbuffer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tflite

from artifact import Artifact
from calibration import convert
from calibration.convert import Int8Facts
from models import presets
from models.network import Network
from tests.models.flatbuffer import Graph
from tests.pipeline.small import PRESET

NAMES = ("v2_035_32", "v3s_075_32", "v3sm_075_64")


def _macs(path: Path) -> int:
    """Count convolutions, depthwise convolutions and fully connected layers by the shapes in the file."""
    graph, total = Graph(path), 0
    for op in graph.operators():
        output, weights = graph.shape(op.outputs[0]), graph.shape(op.inputs[1]) if len(op.inputs) > 1 else ()
        match op.code:
            case tflite.BuiltinOperator.CONV_2D:  # weights (out, h, w, in)
                total += int(np.prod(weights)) * output[1] * output[2]
            case tflite.BuiltinOperator.DEPTHWISE_CONV_2D:  # (1, h, w, out)
                total += int(np.prod(weights)) * output[1] * output[2]
            case tflite.BuiltinOperator.FULLY_CONNECTED:  # (out, in)
                total += int(np.prod(weights))
    return total


def _converted(name: str, tmp_path: Path) -> tuple[Network, Path]:
    from models import keras_model

    preset = presets.parse(name, 10)
    model = keras_model.build(preset.network(), batch=1, name=name)
    rng = np.random.default_rng(0)
    for variable in model.weights:  # the converter drops a bias of zeros
        if variable.path.endswith(("beta", "bias")):
            variable.assign(rng.normal(0, 0.2, variable.shape))
    model.save(tmp_path / "m.keras")
    x = rng.uniform(-1, 1, (4, preset.rho, preset.rho, 3)).astype(np.float32)
    (tmp_path / "m.tflite").write_bytes(convert._convert(tmp_path / "m.keras", x, tmp_path / "log"))
    return preset.network(), tmp_path / "m.tflite"


@pytest.mark.parametrize("name", NAMES)
def test_macs_and_bytes_of_the_table_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    _check(*_converted(name, tmp_path))


def test_those_of_v1_too(int8: Artifact[Int8Facts]) -> None:
    _check(presets.parse(PRESET, 4).network(), int8.path)


def _check(net: Network, path: Path) -> None:
    assert _macs(path) == net.macs
    graph = Graph(path)
    assert {tensor.Type() for tensor in graph.tensors()} <= {tflite.TensorType.INT8, tflite.TensorType.INT32}
    layers = [op for op in graph.operators() if op.code in Graph.WITH_WEIGHTS]
    assert len(layers) == net.weight_layers
    stored = sum(graph.nbytes(i) for i in {i for op in layers for i in op.inputs[1:] if i >= 0})
    # A bias of zeros, as a classifier with random weights has, is left out
    left_out = sum(4 * graph.shape(op.outputs[0])[-1] for op in layers if op.inputs[2] < 0)
    assert stored + left_out == net.int8_bytes
