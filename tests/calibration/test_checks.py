"""Which scales are refused, and which only look strange."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration import checks
from errors import CalibrationError, ConfigError
from graph.types import Quantization, Tensor


def _tensor(scales: list[float], dtype: str = "int8", **more: Any) -> Tensor:
    quantization = Quantization(tuple(float(np.float32(s)) for s in scales), (0,) * len(scales)) if scales else None
    return dataclasses.replace(Tensor(0, "t", (1, 2, 2, 3), dtype, quantization, signature=(1, 2, 2, 3)), **more)


@pytest.mark.parametrize("scales", [[0.0], [1e-13], [np.inf], [np.nan], [1e13], [0.1, 0.0], [1e-13, 1e-14], [-0.1]])
def test_degenerate_scales(scales: list[float]) -> None:
    with pytest.raises(
        CalibrationError, match="tensor t has a degenerate scale .*; use more, or more varied, pictures"
    ):
        checks.check_tensor(Path("m"), _tensor(scales))


@pytest.mark.parametrize("scales", [[], [0.1], [1e-9], [0.1, 1e-13]])
def test_usable_scales(scales: list[float]) -> None:
    """A dead channel among others has a tiny scale: MLPerf's person detector has one."""
    checks.check_tensor(Path("m"), _tensor(scales))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_tensor_left_in_float(dtype: str) -> None:
    with pytest.raises(CalibrationError, match="tensor t was left in float"):
        checks.check_tensor(Path("m"), _tensor([], dtype))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dtype": "float64"}, "is float64, expected int8"),
        ({"dtype": "int32"}, "is int32, expected int8"),
        ({"signature": (1, -1, 2, 3)}, r"has shape \[1, -1, 2, 3\]"),
        ({"shape": (2, 2, 2, 3), "signature": (2, 2, 2, 3)}, r"has shape \[2, 2, 2, 3\]"),
        ({"quantization": None}, "has no scale"),
        ({"quantization": Quantization((0.0,), (0,))}, "has no scale"),
    ],
)
def test_refused_inputs_and_outputs(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checks.check_end(Path("m"), _tensor([0.1], **changed))


def test_an_open_batch_stored_as_one_is_accepted() -> None:
    checks.check_end(Path("m"), _tensor([0.1], signature=(-1, 2, 2, 3)))
