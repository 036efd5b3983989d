"""Keras files as users have them: each loads as the same network with batch 1, or says why not and what to do."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import ConfigError
from models import input_range, keras_file

PICTURE = (16, 16, 3)


def _sequential(*layers: Any, shape: tuple[int | None, ...] = PICTURE) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(shape), *layers])


def _head(classes: int = 3) -> list[Any]:
    from keras import layers as L

    return [L.Conv2D(4, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(classes, activation="softmax")]


def _nested() -> Any:
    """Return a network as Teachable Machine writes it: a Sequential of two Sequentials, with a network in the first."""
    import keras
    from keras import layers as L

    x = keras.Input(PICTURE)
    base = keras.Model([x], L.DepthwiseConv2D(3)(L.BatchNormalization()(L.Conv2D(4, 3)(x))))
    return _sequential(
        keras.Sequential([keras.Input(PICTURE), base, L.GlobalAveragePooling2D()]),
        keras.Sequential([keras.Input((4,)), L.Dense(5, activation="relu"), L.Dense(2, activation="softmax")]),
    )


def _tutorial() -> Any:
    """Return a transfer-learning tutorial's network: augmentation, preprocessing and a base inside of a model."""
    import keras
    from keras import layers as L

    keras.utils.set_random_seed(1)
    x = keras.Input(PICTURE)
    augmented = keras.Sequential([L.RandomRotation(0.2)])(L.RandomFlip()(x))
    y = augmented / 127.5 - 1.0
    inner = keras.Input(PICTURE)
    base = keras.Model(inner, L.Conv2D(4, 3, activation="relu")(inner))
    y = L.Dropout(0.2)(L.GlobalAveragePooling2D()(base(y, training=False)))
    return keras.Model(x, L.Dense(3)(y))


def _preprocessing_inside() -> Any:
    from keras.applications import MobileNetV3Small

    return MobileNetV3Small((32, 32, 3), alpha=0.75, minimalistic=True, weights=None, classes=3)


def _normalization() -> Any:
    from keras import layers as L

    return _sequential(L.Normalization(mean=[127.0] * 3, variance=[60.0**2] * 3), *_head())


def _rescaled_from_one() -> Any:
    from keras import layers as L

    return _sequential(L.Rescaling(2.0, offset=-1.0), *_head())


def _flowers() -> Any:
    from keras import layers as L

    return _sequential(L.Rescaling(1 / 255), *_head())


NETWORKS: dict[str, tuple[Callable[[], Any], tuple[float, float] | None]] = {
    "sequential": (lambda: _sequential(*_head()), None),
    "nested": (_nested, None),
    "tutorial": (_tutorial, (0.0, 255.0)),
    "flowers": (_flowers, (0.0, 255.0)),
    "normalization": (_normalization, (0.0, 255.0)),
    "preprocessing inside": (_preprocessing_inside, (0.0, 255.0)),
    "from 0..1": (_rescaled_from_one, (0.0, 1.0)),
}


@pytest.mark.filterwarnings("ignore:.*HDF5.*")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_kind_loads_as_one_network_of_batch_1(tmp_path: Path, name: str, suffix: str) -> None:
    make, expected_range = NETWORKS[name]
    if (name, suffix) == ("tutorial", ".h5"):
        pytest.skip("Keras 3 writes operations such as / into .h5 but does not read them")
    model = make()
    path = tmp_path / f"mine{suffix}"
    model.save(path)
    loaded = keras_file.load(path)
    assert loaded.input_shape == (1, *model.input_shape[1:])
    picture = np.random.default_rng(0).uniform(0, 255, loaded.input_shape).astype(np.float32)
    expected = np.asarray(model(keras_file.as_input(model, picture), training=False))
    np.testing.assert_allclose(np.asarray(loaded(picture)), expected, rtol=1e-5, atol=1e-6)
    assert input_range.read(loaded) == expected_range


def test_the_line_of_an_error_that_says_what_is_wrong() -> None:
    text = "Exception encountered when calling Conv2D.call().\n\n\x1b[1mIt takes 3 channels, got 4\x1b[0m\n\nArguments"
    assert keras_file.first_line(ValueError(text)) == "It takes 3 channels, got 4"
    assert keras_file.first_line(ValueError()) == "ValueError"


def test_a_picture_that_is_not_square(tmp_path: Path) -> None:
    path = tmp_path / "wide.keras"
    _sequential(*_head(), shape=(16, 24, 3)).save(path)
    assert keras_file.load(path).input_shape == (1, 16, 24, 3)


def _rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration in an .h5 file."""
    import h5py

    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in keras_file.layers_of(config):
            change(layer)
        file.attrs["model_config"] = json.dumps(config)


@pytest.mark.filterwarnings("ignore:.*HDF5.*")
def test_a_file_of_keras_2_loads(tmp_path: Path) -> None:
    """Keras 2 wrote `groups`, a list as the axis of BatchNormalization, and batch_input_shape."""

    def as_keras_2(layer: dict[str, Any]) -> None:
        options = layer["config"]
        if layer["class_name"] == "DepthwiseConv2D":
            options["groups"] = 1
        if layer["class_name"] == "BatchNormalization":
            options["axis"] = [3]
        if layer["class_name"] == "InputLayer":
            options["batch_input_shape"] = options.pop("batch_shape")

    model = _nested()
    path = tmp_path / "two.h5"
    model.save(path)
    expected = keras_file.load(path)
    _rewrite(path, as_keras_2)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, *PICTURE)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(keras_file.load(path)(picture)), np.asarray(expected(picture)))


def test_the_operations_of_keras_2_become_rescaling() -> None:
    layer = {
        "class_name": "TFOpLambda",
        "config": {"name": "tf.math.truediv", "function": "math.truediv"},
        "inbound_nodes": [["input_1", 0, 0, {"y": 127.5, "name": None}]],
    }
    keras_file._repair_layer(layer)
    assert layer["class_name"] == "Rescaling"
    assert layer["config"] == {"name": "tf.math.truediv", "scale": 1 / 127.5, "offset": 0.0}
    assert layer["inbound_nodes"] == [[["input_1", 0, 0, {}]]]


def test_an_open_size_takes_rho(tmp_path: Path) -> None:
    path = tmp_path / "open.keras"
    _sequential(*_head(), shape=(None, None, 3)).save(path)
    with pytest.raises(ConfigError, match="no fixed size; give the side with --rho"):
        keras_file.load(path)
    assert keras_file.load(path, rho=32).input_shape == (1, 32, 32, 3)
    _sequential(*_head()).save(path)
    with pytest.raises(ConfigError, match="--rho 32: open.keras takes 16x16; leave --rho out"):
        keras_file.load(path, rho=32)


@pytest.mark.filterwarnings("ignore:.*HDF5.*")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_never_runs(tmp_path: Path, suffix: str) -> None:
    from keras import layers as L

    path = tmp_path / f"code{suffix}"
    _sequential(L.Lambda(lambda t: t / 2.0), *_head()).save(path)
    with pytest.raises(ConfigError, match=r"layer 'lambda[_0-9]*' is a Lambda.*never run; put a layer"):
        keras_file.load(path)


@pytest.mark.filterwarnings("ignore:.*HDF5.*")
def test_layers_of_other_packages_are_named(tmp_path: Path) -> None:
    path = tmp_path / "quantized.h5"
    _sequential(*_head()).save(path)

    def wrap(layer: dict[str, Any]) -> None:
        if layer["class_name"] == "Dense":
            layer["class_name"] = "QuantizeWrapperV2"

    _rewrite(path, wrap)
    with pytest.raises(ConfigError, match=r"is a QuantizeWrapperV2 of tensorflow-model.*convert it to int8"):
        keras_file.load(path)


def test_a_loop_over_time_is_refused(tmp_path: Path) -> None:
    """TensorFlow's converter crashes on some loops, and with it this process."""
    from keras import layers as L

    _sequential(L.Bidirectional(L.LSTM(2, name="loop")), L.Dense(2), shape=(4, 3)).save(tmp_path / "loop.keras")
    with pytest.raises(ConfigError, match=r"layer '.*loop' is a LSTM, a loop, which has no int8 form; use Conv1D"):
        keras_file.load(tmp_path / "loop.keras")
    _sequential(L.GRU(2, unroll=True), L.Dense(2), shape=(4, 3)).save(tmp_path / "unrolled.keras")
    assert keras_file.load(tmp_path / "unrolled.keras").input_shape == (1, 4, 3)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("text.keras", b"hello", "not a Keras model"),
        ("text.h5", b"hello", "not a Keras model"),
        ("empty.keras", b"", "not a Keras model"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=expected) as caught:
        keras_file.load(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", ["[]", "[" * 100_000, '"x"', "{}", '{"class_name": "Sequential", "config": 3}'])
def test_a_configuration_that_is_none(tmp_path: Path, config: str) -> None:
    with zipfile.ZipFile(tmp_path / "odd.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", '{"keras_version": "9.9"}')
    with pytest.raises(ConfigError, match=r"odd\.keras") as caught:
        keras_file.load(tmp_path / "odd.keras")
    assert "\n" not in str(caught.value)
