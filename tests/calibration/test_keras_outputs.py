"""Keras networks whose output is not one vector of classes, from file to int8."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration import convert
from datasets import Dataset
from models import build, weights

CASES = {
    "map": (None, "output is a 1x8x8x3 map", [(1, 8, 8, 3)]),
    "two": (None, "the model has 2 outputs", [(1, 3), (1, 4)]),
    "sigmoid": (2, "", [(1, 1)]),
}


@pytest.mark.parametrize("kind", CASES)
def test_outputs_of_each_kind_are_converted_and_compared(kind: str, data: Dataset, tmp_path: Path) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    x = keras.Input((32, 32, 3))
    y = layers.Conv2D(8, 3, strides=4, padding="same", activation="relu")(x)
    pooled = layers.GlobalAveragePooling2D()(y)
    outputs = {
        "map": layers.Conv2D(3, 1, activation="softmax")(y),
        "two": [layers.Dense(3, activation="softmax")(pooled), layers.Dense(4)(pooled)],
        "sigmoid": layers.Dense(1, activation="sigmoid")(pooled),
    }[kind]
    path = tmp_path / f"{kind}.keras"
    keras.Model(x, outputs).save(path)
    classes, reason, shapes = CASES[kind]
    network = build.build(weights.resolve(str(path), None, data.identity, (), 3), ())
    facts = convert.calibrate(network, data, convert.Settings(pictures=16, held_out=30, is_plain=True)).facts
    assert network.facts.classes == facts.classes == classes
    assert sorted(tensor.shape for tensor in facts.outputs) == shapes
    assert facts.meaning.reason.startswith(reason)
    assert facts.check is not None
    assert facts.check.agreement > 0.8
    assert facts.check.float_top1 is None
