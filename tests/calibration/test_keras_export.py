"""The quick export of Keras's networks: the converter makes the bytes of Keras's own of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import lite

from calibration import converter
from calibration.keras_export import quick_export
from console.quiet import output_to


def save(path: Path) -> None:
    """Write a network with two inputs, two outputs, and a batch normalization that is used twice."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(2)
    a, b = keras.Input((8, 8, 3), 1, name="left"), keras.Input((8, 8, 3), 1, name="right")
    normalize = keras.layers.BatchNormalization(name="norm")
    x = normalize(keras.layers.Conv2D(3, 3, padding="same", name="conv")(a))
    y = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Add(name="sum")([x, normalize(b)]))
    ends = {name: keras.layers.Dense(2, name=name)(y) for name in ("cat", "dog")}
    keras.Model([a, b], ends, name="pair").save(path)


def test_the_converter_makes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "pair.keras")
    own = keras.export.ExportArchive
    used: list[Any] = []

    def keras_s_own() -> Any:
        used.append(own())
        return used[-1]

    def converted() -> bytes:
        keras.utils.clear_session()
        model = keras.models.load_model(tmp_path / "pair.keras", compile=False)
        int8 = converter._int8(model)
        rng = np.random.default_rng(0)
        pictures = [{name: rng.normal(size=(1, 8, 8, 3)).astype(np.float32) for name in ("left", "right")}] * 2
        int8.representative_dataset = lambda: iter(pictures)
        with output_to(tmp_path / "log"):
            return bytes(int8.convert())

    loads: list[Any] = []

    def load(*arguments: Any) -> Any:
        loads.append(tf.saved_model.load(*arguments))
        return loads[-1]

    monkeypatch.setattr(keras.export, "ExportArchive", keras_s_own)
    monkeypatch.setattr(lite, "_load", load)
    expected = converted()
    assert (len(used), len(loads)) == (1, 1), "the converter exports otherwise by now: the quick export has no use"
    assert not loads[0].graph_debug_info.ByteSize(), "the converter gets what the quick export leaves out"
    with quick_export():
        assert converted() == expected
    assert (len(used), len(loads)) == (1, 1)
    assert (keras.export.ExportArchive, lite._load) == (keras_s_own, load)


def test_a_network_with_a_table_is_left_to_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    class Own:
        def track(self, model: Any) -> None:
            calls.append(("track", model))

        def add_endpoint(self, *arguments: Any) -> None:
            calls.append(("add_endpoint", *arguments))

        def write_out(self, folder: str) -> None:
            calls.append(("write_out", folder))

    monkeypatch.setattr(keras.export, "ExportArchive", Own)
    keys = tf.lookup.KeyValueTensorInitializer([0, 1], [5, 6])
    table = tf.lookup.StaticHashTable(keys, -1)
    signature = [tf.TensorSpec((1,), tf.int32)]
    with quick_export():
        archive = keras.export.ExportArchive()
        archive.track("the model")
        archive.add_endpoint("serve", table.lookup, signature)
        archive.write_out(str(tmp_path))
    assert calls == [
        ("track", "the model"), ("add_endpoint", "serve", table.lookup, signature), ("write_out", str(tmp_path)),
    ]  # fmt: skip
