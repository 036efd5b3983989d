"""Which scales are refused, and which only look strange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration import checks
from errors import CalibrationError, ConfigError


def _tensor(scales: list[float], dtype: type = np.int8, **more: Any) -> dict[str, Any]:
    scale = scales[0] if scales else 0.0
    return {
        "name": "t",
        "dtype": dtype,
        "shape": np.array([1, 2, 2, 3]),
        "shape_signature": np.array([1, 2, 2, 3]),
        "quantization": (scale, 0),
        "quantization_parameters": {"scales": np.array(scales, np.float32)},
    } | more


@pytest.mark.parametrize("scales", [[0.0], [1e-13], [np.inf], [np.nan], [1e13], [0.1, 0.0], [1e-13, 1e-14], [-0.1]])
def test_degenerate_scales(scales: list[float]) -> None:
    with pytest.raises(
        CalibrationError, match="tensor t has a degenerate scale .*; use more, or more varied, pictures"
    ):
        checks._check_tensor(Path("m"), _tensor(scales))


@pytest.mark.parametrize("scales", [[], [0.1], [1e-9], [0.1, 1e-13]])
def test_scales_that_will_do(scales: list[float]) -> None:
    """A dead channel among others has a tiny scale: MLPerf's person detector has one."""
    checks._check_tensor(Path("m"), _tensor(scales))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_tensor_left_in_float(dtype: type) -> None:
    with pytest.raises(CalibrationError, match="tensor t was left in float"):
        checks._check_tensor(Path("m"), _tensor([], dtype))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dtype": np.float32}, "is float32, expected int8"),
        ({"dtype": np.int16}, "is int16, expected int8"),
        ({"shape_signature": np.array([1, -1, 2, 3])}, r"has shape \[1, -1, 2, 3\]"),
        ({"shape": np.array([2, 2, 2, 3]), "shape_signature": np.array([2, 2, 2, 3])}, r"has shape \[2, 2, 2, 3\]"),
        ({"quantization": (0.0, 0)}, "has no scale"),
    ],
)
def test_ends_that_won_t_do(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        checks._check_end(Path("m"), _tensor([0.1]) | changed)


def test_an_open_batch_that_is_one_will_do() -> None:
    checks._check_end(Path("m"), _tensor([0.1], shape_signature=np.array([-1, 2, 2, 3])))
