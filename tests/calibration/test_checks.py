"""Which scales are refused, and which only look strange."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from calibration import checks
from errors import CalibrationError, ConfigError
from graph.builder import Builder
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


def _dense(path: Path) -> Path:
    b = Builder()
    x, y = b.tensor((1, 4), scale=0.1), b.tensor((1, 3), scale=0.1)
    kernel = b.tensor((3, 4), scale=[0.1] * 3, data=np.arange(12).reshape(3, 4))
    b.operator("FULLY_CONNECTED", [x, kernel], [y], {}, "FullyConnectedOptions")
    path.write_bytes(b.finish([x], [y]))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # ai-edge-quantizer's GPTQ stores int8 weights as 4 bytes each, and LiteRT computes nonsense
        ({"data": np.zeros(48, np.uint8)}, "its buffer has 48 bytes, its shape needs 12"),
        # it puts large constants behind the flatbuffer, and TFLite-Micro computes with what is there
        ({"data": None, "offset": 64, "size": 12}, "its data is outside the flatbuffer, which is not supported"),
    ],
)
def test_constants_that_other_converters_store_otherwise_are_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = _dense(tmp_path / "m.tflite")
    checks.inspect(path)
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (buffer,) = [one for one in model.buffers if one.data is not None and len(one.data) == 12]
    for name, value in change.items():
        setattr(buffer, name, value)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(ConfigError, match=f"m.tflite, tensor 2 .*{message}"):
        checks.inspect(path)


def test_an_open_batch_stored_as_one_is_accepted() -> None:
    checks.check_end(Path("m"), _tensor([0.1], signature=(-1, 2, 2, 3)))
