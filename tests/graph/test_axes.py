"""A bias with the axis of its weights: LiteRT refuses the file, TFLite-Micro runs it, and so do we."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.planner import plan
from errors import CompileError, GraphError
from graph.axes import corrected
from graph.builder import Builder
from graph.oracle import Oracle, check_loads
from graph.reader import parse
from tests.compilers.kernel_runner import Runner
from tests.compilers.reference import Reference

CHANNELS = 4


def network(bias_axis: int, kernel_axis: int = 3) -> bytes:
    """Return a depthwise layer."""
    b, rng = Builder(), np.random.default_rng(1)
    x = b.tensor((1, 5, 5, CHANNELS), scale=0.1)
    scale = [0.01, 0.02, 0.03, 0.04]
    kernel = b.tensor((1, 3, 3, CHANNELS), scale=scale, axis=kernel_axis, data=rng.integers(-9, 9, (1, 3, 3, CHANNELS)))
    bias = b.tensor((CHANNELS,), "int32", scale=scale, axis=bias_axis, data=rng.integers(-900, 900, CHANNELS))
    y = b.tensor((1, 5, 5, CHANNELS), scale=0.05)
    options = {"Padding": 0, "StrideH": 1, "StrideW": 1, "DepthMultiplier": 1}
    b.operator("DEPTHWISE_CONV_2D", [x, kernel, bias], [y], options, "DepthwiseConv2DOptions")
    return b.finish([x], [y])


def test_the_copy_has_the_only_axis_and_nothing_else_changed() -> None:
    copy = corrected(network(3))
    assert copy is not None
    assert parse(copy, "") == parse(network(0), "")
    assert len(copy) == len(network(3))
    assert sum(a != b for a, b in zip(copy, network(3), strict=True)) == 1


def test_a_file_without_such_an_axis_has_no_copy() -> None:
    assert corrected(network(0)) is None


def test_a_damaged_file_has_no_copy() -> None:
    assert corrected(network(3)[:100]) is None


@pytest.mark.slow
@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_engine_and_oracle_run_it_and_are_equal(kernels: str) -> None:
    graph = parse(network(3), "case")
    steps = lower(graph, kernels)
    picture = np.random.default_rng(2).integers(-128, 128, (1, 5, 5, CHANNELS)).astype(np.int8)
    ours = Runner(graph, steps, plan(graph, steps), kernels).run(picture)[0]
    for bias_axis in (0, 3):
        np.testing.assert_array_equal(ours, Reference(network(bias_axis)).run(picture)[0])


def test_the_oracle_takes_it_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(network(3))
    check_loads(path)
    assert Oracle(path).inputs[0].shape == (1, 5, 5, CHANNELS)


def test_an_axis_that_weights_lack_is_an_error() -> None:
    model = network(0, kernel_axis=4)
    assert corrected(model) is None
    with pytest.raises(GraphError, match="LiteRT can't load it"):
        Oracle(model)
    with pytest.raises(CompileError, match="4 scales for dimension 4"):
        lower(parse(model, "case"))
