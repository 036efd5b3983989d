"""A preset's int8 graph without TensorFlow takes the memory of the converted one, and LiteRT runs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import checks, evaluate
from compilers import aot
from compilers.aot.lower import KERNEL_SETS
from graph.reader import read
from graph.writer import write
from models import presets, random_int8
from tests.compilers.networks import tflite_of

# They join sums of two channels where weights are small enough: those of the classifier are, the random ones are not.
JOINING, JOINED_BYTES = ("dsp", "m7"), 24


@pytest.mark.parametrize("kernels", KERNEL_SETS)
@pytest.mark.parametrize("stream_input", [False, True])
def test_memory_is_exactly_that_of_the_converted_network(stream_input: bool, kernels: str) -> None:
    ours, real = random_int8.graph_of(presets.parse("v3s_075", 10)), read(tflite_of("v3s_075"))
    assert [operator.name for operator in ours.operators] == [operator.name for operator in real.operators]
    random, converted = (aot.outline(graph, kernels, "size", stream_input) for graph in (ours, real))
    if kernels in JOINING:
        assert 0 <= random.weights_bytes - converted.weights_bytes <= JOINED_BYTES
        random = replace(random, weights_bytes=converted.weights_bytes)
    assert random == converted


def test_litert_runs_it(tmp_path: Path) -> None:
    path = tmp_path / "v3s.tflite"
    path.write_bytes(write(random_int8.graph_of(presets.parse("v3s_075_32", 10))))
    assert checks.inspect(path).meaning.classes == 10
    inputs = np.random.default_rng(1).integers(-128, 128, (2, 32, 32, 3), np.int8)
    assert evaluate.answers(path, inputs, "reference").shape == (2, 10)
