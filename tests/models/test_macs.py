"""The table's multiply-accumulates against those of the converted file, counted from its tensors."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from graph.reader import read
from models import presets
from models.network import Network
from tests.compilers.networks import tflite_of
from tests.pipeline.small import PRESET

WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
NAMES = ("v2_035", "v3s_075", "v3sm_075")  # which the tests of the compiler convert too


def _macs(path: Path) -> int:
    """Count convolutions, depthwise convolutions and fully connected layers by the shapes in the file."""
    graph, total = read(path), 0
    for operator in graph.operators:
        if operator.name in WITH_WEIGHTS:
            output, weights = graph.tensors[operator.outputs[0]].shape, graph.tensors[operator.inputs[1]]
            # Weights are (out, h, w, in), depthwise (1, h, w, out), of a fully connected layer (out, in).
            total += weights.size * (output[1] * output[2] if len(output) == 4 else 1)
    return total


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_macs_and_bytes_of_the_table_are_those_of_the_file(name: str) -> None:
    _check(presets.parse(name, 10).network(), tflite_of(name))


def test_those_of_v1_too(int8: Artifact[Int8Facts]) -> None:
    _check(presets.parse(PRESET, 4).network(), int8.path)


def _check(net: Network, path: Path) -> None:
    assert _macs(path) == net.macs
    graph = read(path)
    assert {tensor.dtype for tensor in graph.tensors} <= {"int8", "int32"}
    layers = [operator for operator in graph.operators if operator.name in WITH_WEIGHTS]
    assert len(layers) == net.weight_layers
    parameters = {i for operator in layers for i in operator.inputs[1:] if i >= 0}
    stored = sum(data.nbytes for i in parameters if (data := graph.tensors[i].data) is not None)
    # A bias of zeros, as a classifier with random weights has, is left out
    left_out = sum(4 * graph.tensors[o.outputs[0]].shape[-1] for o in layers if o.inputs[2] < 0)
    assert stored + left_out == net.int8_bytes
