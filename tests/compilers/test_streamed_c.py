"""Generated C that takes its input row by row: random chains of layers equal LiteRT's bytes."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np
import pytest

from compilers.aot import compile_graph
from errors import CompileError
from graph.reader import parse
from tests.compilers.chains import NOT_SHRUNK, chains
from tests.compilers.host_build import HostEngine, StreamedEngine
from tests.compilers.reference import Reference
from tests.compilers.test_planner import next_reshape
from tests.kernels.cases import Case

NETWORKS = 8


def streamed_cases(kernels: str) -> list[Case]:
    """Return chains that can take their input row by row, the same each time."""
    cases: list[Case] = []

    @hypothesis.settings(max_examples=60, suppress_health_check=NOT_SHRUNK, database=None, derandomize=True)
    @hypothesis.given(case=chains())
    def collect(case: Case) -> None:
        if len(cases) == NETWORKS:
            return
        try:
            compile_graph(parse(case.model, "case"), kernels, stream_input=True)
        except CompileError:
            return
        cases.append(case)

    collect()
    return cases


@pytest.mark.parametrize("kernels", ["portable", "dsp"])
def test_random_chains_equal_the_reference(kernels: str, tmp_path: Path) -> None:
    cases, draw = streamed_cases(kernels), np.random.default_rng(7)
    assert len(cases) == NETWORKS
    for i, case in enumerate(cases):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "case.tflite").write_bytes(case.model)
        engine, reference = StreamedEngine(folder / "case.tflite", folder, kernels), Reference(case.model)
        for inputs in case.runs:
            data, at = np.ascontiguousarray(inputs[0]).tobytes(), 0
            engine.begin()
            while at < len(data):
                count = int(draw.integers(1, 40))
                engine.take(data[at : at + count])
                at += count
            np.testing.assert_array_equal(engine.finish(), reference.run(*inputs)[0].reshape(-1))


def test_a_network_that_moves_nothing_builds_without_warnings(tmp_path: Path) -> None:
    engine = HostEngine(next_reshape(), tmp_path)
    values = np.arange(engine.plan.inputs[0].bytes).astype(np.int8)
    np.testing.assert_array_equal(engine.run(values)[0].reshape(-1), values)
