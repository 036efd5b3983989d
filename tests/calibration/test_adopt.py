"""A .tflite of others: what is taken as it is, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import Artifact, sha256_of
from calibration import convert, converter, input_range
from calibration.checks import QuantizedTensor
from calibration.convert import Int8Facts
from calibration.meaning import Meaning
from errors import ConfigError
from tests.pipeline.small import CLASSES, SHARED_DATA

VWW = SHARED_DATA / "mlperf_vww_96_int8.tflite"
CORAL = SHARED_DATA / "coral_mobilenet_v1_0.25_128_quant.tflite"


def test_a_float_file(tmp_path: Path) -> None:
    import keras

    x = keras.Input((8, 8, 3), batch_size=1)
    keras.Model(x, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))).save(tmp_path / "m.keras")
    path = tmp_path / "float.tflite"
    path.write_bytes(converter.to_float(tmp_path / "m.keras", tmp_path / "log"))
    with pytest.raises(ConfigError, match="is float32, expected int8; convert with full integer quantization"):
        convert.adopt(path, CLASSES, None)


@pytest.mark.parametrize("batch", [None, 2])
def test_an_open_shape_and_another_batch(batch: int | None, tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    x = keras.Input((8 if batch else None, 8, 3), batch_size=batch)
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(x, y))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    picture = np.random.default_rng(0).uniform(-1, 1, (batch or 1, 8, 8, 3)).astype(np.float32)
    converter.representative_dataset = lambda: [[picture]]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "open.tflite"
    from console.quiet import output_to

    with output_to(tmp_path / "log"):
        path.write_bytes(converter.convert())
    with pytest.raises(ConfigError, match="expected fixed sizes and batch 1; convert it with a fixed batch"):
        convert.adopt(path, CLASSES, None)


def test_files_that_are_cut_anywhere_are_one_error_and_quiet(
    int8: Artifact[Int8Facts], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw, path = int8.path.read_bytes(), tmp_path / "cut.tflite"
    capfd.readouterr()
    for keep in (0, 3, 8, 60, 1000, len(raw) // 3, len(raw) // 2, len(raw) - 1000):
        path.write_bytes(raw[:keep])
        with pytest.raises(ConfigError, match=r"cut\.tflite") as caught:
            convert.adopt(path, CLASSES, None)
        assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_names_and_classes(int8: Artifact[Int8Facts], tmp_path: Path) -> None:
    (tmp_path / "mine.tflite").write_bytes(int8.path.read_bytes())
    with pytest.raises(ConfigError, match=r"no such file; did you mean mine.tflite\?"):
        convert.adopt(tmp_path / "mien.tflite", CLASSES, None)
    with pytest.raises(ConfigError, match="it has 4 classes, the data set 2"):
        convert.adopt(tmp_path / "mine.tflite", ("a", "b"), (-1.0, 1.0))
    artifact = convert.adopt(tmp_path / "mine.tflite", CLASSES, (-1.0, 1.0))
    assert artifact.sha256 == int8.sha256 == sha256_of(artifact.path)
    assert artifact.facts.labels == CLASSES
    assert convert.adopt(tmp_path / "mine.tflite", CLASSES, (-1.0, 1.0)).reused
    assert not convert.adopt(tmp_path / "mine.tflite", CLASSES, (0.0, 1.0)).reused


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "expected"),
    [
        ("int8", 2 / 255, -1, (-1.0, 1.0)),
        ("int8", 0.0078125, 0, (-1.0, 1.0)),
        ("uint8", 0.0078125, 128, (-1.0, 1.0)),
        ("int8", 1 / 255, -128, (0.0, 1.0)),
        ("int8", 1.0, -128, (0.0, 255.0)),
        ("uint8", 1.0, 0, (0.0, 255.0)),
        ("int8", 1.0, 0, (-128.0, 127.0)),
    ],
)
def test_the_input_range_follows_from_the_scale(dtype: str, scale: float, zero_point: int, expected: Any) -> None:
    tensor = QuantizedTensor("x", (1, 2, 2, 1), dtype, scale, zero_point)
    assert input_range.range_by_scale(tensor) == (expected, "scale")


@pytest.mark.parametrize(("high", "expected"), [(1.0, (-1.0, 1.0)), (0.99, (-1.0, 1.0)), (255.0, (0.0, 255.0))])
def test_the_range_of_a_symmetric_input_is_assumed(high: float, expected: Any) -> None:
    tensor = QuantizedTensor("x", (1, 2, 2, 1), "int16", high / 32767, 0)
    assert input_range.range_by_scale(tensor) == (expected, "assumed")


def test_an_input_range_that_is_not_a_known_one() -> None:
    tensor = QuantizedTensor("x", (1, 2, 2, 1), "int8", 0.02, -8)
    assert input_range.range_by_scale(tensor) == (None, "unknown")
    facts = Int8Facts((1, 2, 2, 1), 2, (), None, tensor, (tensor,), Meaning("classes", 2), 1, {})
    with pytest.raises(ConfigError, match=r"holds -2.4 to 2.7; give the range with --input-range"):
        convert.expect_range(facts, "m")


@pytest.mark.skipif(not VWW.is_file(), reason="needs ../shared/data")
def test_the_person_detector_is_adopted() -> None:
    artifact = convert.adopt(VWW, ("non_person", "person"), None)
    assert artifact.facts.input_range == (0.0, 1.0)
    assert artifact.facts.input_shape == (1, 96, 96, 3)
    assert artifact.sha256 == sha256_of(VWW)


@pytest.mark.skipif(not CORAL.is_file(), reason="needs ../shared/data")
def test_a_legacy_uint8_model_is_adopted() -> None:
    labels = tuple(f"class {i}" for i in range(1001))
    artifact = convert.adopt(CORAL, labels, None)
    assert (artifact.facts.input.dtype, artifact.facts.input_range) == ("uint8", (-1.0, 1.0))
