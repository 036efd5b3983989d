"""The first operator that other kernels compute in another way than LiteRT's reference kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graph.builder import Builder
from graph.difference import TFLM, FirstDifference, first_difference
from graph.types import Array
from tests.compilers.networks import shared_data


def two_layers(path: Path) -> Path:
    """Write a MAX_POOL_2D, which all kernels compute alike, and a dense layer, which TFLite-Micro rounds twice."""
    rng = np.random.default_rng(1)
    b = Builder()
    x = b.tensor((1, 4, 4, 16), scale=0.02)
    pooled = b.tensor((1, 1, 1, 16), scale=0.02)
    weights = b.tensor((64, 16), scale=0.01, data=rng.integers(-3, 4, (64, 16)))
    y = b.tensor((1, 64), scale=0.0035)
    pool = {"StrideH": 4, "StrideW": 4, "FilterHeight": 4, "FilterWidth": 4, "Padding": 1}
    b.operator("MAX_POOL_2D", [x], [pooled], pool, "Pool2DOptions")
    b.operator("FULLY_CONNECTED", [pooled, weights, -1], [y], {}, "FullyConnectedOptions")
    path.write_bytes(b.finish([x], [y]))
    return path


def inputs(*shape: int) -> Array:
    return np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize("kernels", [TFLM, "builtin"])
def test_the_operator_that_rounds_otherwise_is_named(kernels: str, tmp_path: Path) -> None:
    found = first_difference(two_layers(tmp_path / "two.tflite"), inputs(20, 4, 4, 16), kernels)
    assert found == FirstDifference(kernels, 1, "FULLY_CONNECTED", 1)


def test_equal_kernels_have_no_difference(tmp_path: Path) -> None:
    assert first_difference(two_layers(tmp_path / "two.tflite"), inputs(4, 4, 4, 16), "reference") is None


@pytest.mark.parametrize(("name", "operator", "shape"), [("ad01", 0, (640,)), ("resnet8", 14, (32, 32, 3))])
def test_dense_layers_of_mlperf_s_networks_differ(name: str, operator: int, shape: tuple[int, ...]) -> None:
    path = shared_data(f"mlperf_{name}_int8.tflite")
    if not path.is_file():
        pytest.skip("needs ../shared/data")
    assert first_difference(path, inputs(5, *shape), TFLM) == FirstDifference(TFLM, operator, "FULLY_CONNECTED", 1)
