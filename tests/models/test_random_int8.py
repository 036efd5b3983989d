"""A preset's int8 graph without TensorFlow takes the memory of the converted one, and LiteRT runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration import checks, evaluate
from compilers import aot
from graph.reader import read
from graph.writer import write
from models import presets, random_int8
from tests.compilers.networks import tflite_of


@pytest.mark.parametrize("stream_input", [False, True])
def test_memory_is_exactly_that_of_the_converted_network(stream_input: bool) -> None:
    ours, real = random_int8.graph_of(presets.parse("v3s_075", 10)), read(tflite_of("v3s_075", is_random=True))
    assert [operator.name for operator in ours.operators] == [operator.name for operator in real.operators]
    outlines = [aot.outline(graph, "dsp", "size", stream_input) for graph in (ours, real)]
    assert outlines[0] == outlines[1]


def test_litert_runs_it(tmp_path: Path) -> None:
    path = tmp_path / "v3s.tflite"
    path.write_bytes(write(random_int8.graph_of(presets.parse("v3s_075_32", 10))))
    assert checks.inspect(path).meaning.classes == 10
    inputs = np.random.default_rng(1).integers(-128, 128, (2, 32, 32, 3), np.int8)
    assert evaluate.answers(path, inputs, "reference").shape == (2, 10)
