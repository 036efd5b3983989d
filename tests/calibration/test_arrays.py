"""Keras networks that take arrays: vectors, audio features, 2 or 4 channels, from file and npz to outputs."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from artifact import Artifact
from calibration import convert, examples, input_range
from calibration.convert import Int8Facts
from datasets import Dataset, load
from errors import ConfigError
from models import build, weights
from models.build import KerasFacts

SHAPES = {"vector": (6,), "features": (9, 5), "four channels": (8, 8, 4)}


def _network(shape: tuple[int, ...], path: Path) -> Artifact[KerasFacts]:
    """Return a network whose class is 1 where the mean of its input is over 0.5."""
    x = keras.Input(shape)
    score = layers.Dense(2, name="score")(layers.Flatten()(x))
    model = keras.Model(x, score)
    size = int(np.prod(shape))
    model.get_layer("score").set_weights([np.stack([-np.ones(size), np.ones(size)], 1) / size, np.array([0.5, -0.5])])
    model.save(path)
    return build.build(weights.resolve(str(path), None, load("fashion_mnist").identity, (), 3), ())


def _data(folder: Path, shape: tuple[int, ...], dtype: str) -> Dataset:
    labels = np.arange(40) % 2
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (40, *shape))
    x = np.clip(np.where(labels == 1, 0.8, 0.2).reshape(-1, *[1] * len(shape)) + noise, 0, 1)
    values: npt.NDArray[np.generic] = (x * 255 if dtype == "uint8" else x).astype(dtype)
    np.savez(folder / "x.npz", x_train=values, y_train=labels, x_test=values, y_test=labels)
    return load(f"npz:{folder / 'x.npz'}")


def _calibrate(shape: tuple[int, ...], dtype: str, folder: Path) -> Artifact[Int8Facts]:
    return convert.calibrate(_network(shape, folder / "n.keras"), _data(folder, shape, dtype), convert.Settings())


@pytest.mark.parametrize("kind", SHAPES)
def test_arrays_are_taken_as_they_are(kind: str, tmp_path: Path) -> None:
    int8 = _calibrate(SHAPES[kind], "float32", tmp_path)
    assert int8.facts.input_shape == (1, *SHAPES[kind])
    # What the arrays hold, not what pixels would become.
    low, high = input_range.held_range(int8.facts.input)
    assert (low, high) == pytest.approx((0, 0.9), abs=0.02)
    check = int8.facts.check
    assert check is not None
    assert (check.n, check.float_top1, check.int8_top1, check.agreement) == (40, 1, 1, 1)


def test_uint8_of_four_channels_are_pixels_of_the_range(tmp_path: Path) -> None:
    network = _network((8, 8, 4), tmp_path / "n.keras")
    data = _data(tmp_path, (8, 8, 4), "uint8")
    facts = convert.calibrate(network, data, convert.Settings()).facts
    low, high = input_range.held_range(facts.input)
    assert (low, high) == pytest.approx((-0.8, 0.8), abs=0.1)


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((7,), "float32", "its arrays are 7 each, the model's input is 6; give x_train and x_test of that shape"),
        ((6,), "int16", "its arrays are int16; give float32 values"),
        ((8, 8, 3), "uint8", "it has pictures, and the model's input is 6, which is not a picture of 1 or 3 channels"),
    ],
)
def test_other_data_is_refused_with_the_next_step(
    shape: tuple[int, ...], dtype: str, words: str, tmp_path: Path
) -> None:
    network = KerasFacts((1, 6), 2, (), (-1.0, 1.0), 14)
    data = _data(tmp_path, shape, dtype)
    with pytest.raises(ConfigError) as e:
        examples.select(data.train, range(4), network, "--data npz:x.npz")
    assert str(e.value).startswith(f"--data npz:x.npz: {words}")


def test_several_inputs_are_refused_with_the_next_step(tmp_path: Path) -> None:
    a, b = keras.Input((4,)), keras.Input((5,))
    keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([a, b]))).save(tmp_path / "n.keras")
    source = weights.resolve(str(tmp_path / "n.keras"), None, load("fashion_mnist").identity, (), 3)
    with pytest.raises(ConfigError, match=r"expected one input, got 2: \[None, 4\], \[None, 5\]; join them"):
        build.build(source, ())


def test_an_autoencoder_has_no_classes(tmp_path: Path) -> None:
    x = keras.Input((6,))
    keras.Model(x, layers.Dense(6)(layers.Dense(3, activation="relu")(x))).save(tmp_path / "n.keras")
    data = _data(tmp_path, (6,), "float32")
    network = build.build(
        weights.resolve(str(tmp_path / "n.keras"), None, data.identity, data.class_names, 3), data.class_names
    )
    facts = convert.calibrate(network, data, convert.Settings()).facts
    assert (network.facts.classes, facts.classes, facts.meaning.kind) == (None, None, "reconstruction")
