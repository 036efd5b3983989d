"""Training: a run that was stopped goes on as if it had not been; each picture of each epoch is known beforehand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import sha256_of
from datasets import Dataset, Split, prepare_many
from errors import ConfigError
from models import checkpoint, presets, training
from models.training import notes
from models.training.batches import Batches, Recipe, to_input
from models.training.train import accuracy, train

PRESET = presets.parse("v1_025_32", 4)
SHALLOW = presets.parse("v1s_025_32", 4)
FACTS = checkpoint.CheckpointFacts("v1_050_32", 4, 3, ("a", "b", "c", "d"), (-1.0, 1.0), "npz:x.npz")
RECIPE = Recipe(((32, 2),), batch=16, learning_rate=1e-2)


@pytest.fixture
def small(data: Dataset) -> Dataset:
    part = Split(data.train.labels[:64], data.train.read)
    return Dataset(data.name, data.class_names, part, data.test, data.source)


@pytest.mark.slow
def test_a_stopped_run_ends_in_the_same_bytes(small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.training import train as module

    through = train(SHALLOW, small, RECIPE, tmp_path / "through.npz", "test")
    save = module._save_state

    def stop_after_saving(model: Any, state: Path) -> None:
        save(model, state)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_save_state", stop_after_saving)
    with pytest.raises(KeyboardInterrupt):
        train(SHALLOW, small, RECIPE, tmp_path / "stopped.npz", "test")
    assert {p.name for p in tmp_path.glob("stopped*")} == {"stopped.state.keras", "stopped.state.json"}

    # Killed between the log and the state: the log is one epoch ahead, which is done again.
    log = tmp_path / "stopped.state.json"
    found = json.loads(log.read_text())
    log.write_text(json.dumps(found | {"history": [*found["history"], {"epoch": 2}]}))

    monkeypatch.setattr(module, "_save_state", save)
    resumed = train(SHALLOW, small, RECIPE, tmp_path / "stopped.npz", "test")
    assert resumed == through
    assert [row["epoch"] for row in resumed.history or ()] == [1, 2]
    assert sha256_of(tmp_path / "stopped.npz") == sha256_of(tmp_path / "through.npz")
    assert {p.name for p in tmp_path.glob("stopped*")} == {"stopped.npz", "stopped.json"}
    assert through.float_top1 == round(_top1(tmp_path / "through.npz", small, SHALLOW), 4)


def test_few_steps_leave_no_statistics_of_the_beginning(small: Dataset) -> None:
    import keras

    from models.training import train as module

    model = module._fresh(PRESET, small, RECIPE, None)
    module._settle_statistics(model, PRESET, small, RECIPE)
    x = to_input(prepare_many(small.train, range(64), 32, 3))
    normalize = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    values = np.asarray(keras.Model(model.input, normalize.input)(x))
    np.testing.assert_allclose(normalize.moving_mean, values.mean(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(normalize.moving_variance, values.var(axis=(0, 1, 2)), rtol=1e-2, atol=1e-5)
    assert normalize.momentum == 0.99
    alone, in_batch = np.argmax(model(x), axis=1), np.argmax(model(x, training=True), axis=1)
    assert (alone == in_batch).mean() > 0.9


def test_what_to_know_of_a_result_is_said(small: Dataset) -> None:
    facts = replace(FACTS, float_top1=0.27, history=({"accuracy": 0.9},))
    assert "near chance (25.0 %)" in next(notes.after(facts))
    assert "by heart" in next(notes.after(replace(facts, float_top1=0.6)))
    assert list(notes.after(replace(facts, float_top1=0.8))) == []
    few = "classes of fewer than 20 training pictures: dark 16, left 16, right 16, light 16"
    assert list(notes.before(small, None)) == [few]
    one = Dataset(small.name, small.class_names, Split(np.zeros(30, np.int64), small.train.read), small.test, "")
    assert [text for text in notes.before(one, "a/b.npz") if "one class" in text or "begins with" in text] == [
        "begins with the weights of b.npz; --weights random begins with none",
        "all training pictures are of one class: nothing can be told apart",
    ]


@pytest.mark.parametrize(
    ("pictures", "batch", "stages"), [(60_000, 64, ((48, 3), (96, 6))), (72, 9, ((48, 18), (96, 36)))]
)
def test_a_small_data_set_has_small_batches_and_more_epochs(pictures: int, batch: int, stages: Any) -> None:
    assert training.batch_for(pictures) == batch
    steps = -(-pictures // batch)
    assert training.parse_stages(None, presets.parse("v1_025_96", 3), steps) == stages


def test_a_small_data_set_begins_with_the_nearest_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TRAINED_DIR", tmp_path)
    assert training._nearest(presets.parse("v1_025_96", 3)).endswith("v1_025.fashion_mnist.npz")
    assert training._nearest(presets.parse("v1_050_96", 3)) == "random"


def _top1(path: Path, data: Dataset, preset: presets.Preset) -> float:
    from models import keras_model

    model = keras_model.build(preset.network())
    keras_model.set_weights(model, checkpoint.load(path))
    return accuracy(model, data.test, preset.rho, preset.channels)


def test_a_state_that_can_t_be_read(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "x.state.keras").write_bytes(b"cut")
    (tmp_path / "x.state.json").write_text("{")
    with pytest.raises(ConfigError, match=r"x.state.json: can't be read .*; delete it"):
        train(PRESET, small, RECIPE, tmp_path / "x.npz", "test")


def _epoch(split: Split, recipe: Recipe, epoch: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    batches = Batches(split, recipe, 3, epoch)
    parts = [batches[i] for i in range(len(batches))]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def test_batches_are_the_same_each_time_and_in_any_order(small: Dataset) -> None:
    x, y = _epoch(small.train, RECIPE)
    again, labels = _epoch(small.train, RECIPE)
    assert (x == again).all()
    assert (y == labels).all()
    last = Batches(small.train, RECIPE, 3, 0)[3]
    assert (last[0] == x[48:]).all()


def test_batches_differ_by_epoch_and_seed_and_hold_each_picture_once(small: Dataset) -> None:
    x, y = _epoch(small.train, RECIPE)
    assert x.shape == (64, 32, 32, 3)
    assert x.dtype == np.float32
    assert x.min() >= -1
    assert x.max() <= 1
    assert sorted(y) == sorted(small.train.labels)
    assert not np.array_equal(x, _epoch(small.train, RECIPE, epoch=1)[0])
    assert not np.array_equal(x, _epoch(small.train, Recipe(((32, 2),), batch=16, seed=2))[0])


def test_labels_stay_with_their_pictures(small: Dataset) -> None:
    """Without flips, "left" is lighter on the left and "right" on the right, however it is cropped."""
    x, y = _epoch(small.train, Recipe(((32, 1),), batch=20, flip=False))
    lean = x[:, :, :10].mean(axis=(1, 2, 3)) - x[:, :, -10:].mean(axis=(1, 2, 3))
    assert (lean[y == 1] > 0.1).all()
    assert (lean[y == 2] < -0.1).all()
    assert (np.abs(lean[(y == 0) | (y == 3)]) < 0.1).all()


def test_flips_mirror(small: Dataset) -> None:
    x, y = _epoch(small.train, Recipe(((32, 1),), batch=20))
    lean = x[y == 1][:, :, :10].mean(axis=(1, 2, 3)) - x[y == 1][:, :, -10:].mean(axis=(1, 2, 3))
    assert (lean > 0.1).any()
    assert (lean < -0.1).any()


def test_input_range() -> None:
    assert to_input(np.array([0, 255], np.uint8)).tolist() == [-1.0, 1.0]


def test_sides_of_epochs() -> None:
    recipe = Recipe(((32, 1), (64, 2)))
    assert [recipe.side_of(epoch) for epoch in range(3)] == [32, 64, 64]
    with pytest.raises(ValueError, match="3 epochs"):
        recipe.side_of(3)


@pytest.mark.parametrize(
    ("text", "stages"), [(None, ((32, 3), (32, 6))), ("64:1", ((64, 1),)), ("48:3,32:2", ((48, 3), (32, 2)))]
)
def test_stages(text: str | None, stages: Any) -> None:
    assert training.parse_stages(text, PRESET, 100) == stages


def test_few_pictures_are_seen_more_often() -> None:
    assert training.parse_stages(None, PRESET, 2) == ((32, 69), (32, 138))


@pytest.mark.parametrize("text", ["", "64", "64:", "64:1,", "a:b", "64:0", "16:1", "999:1", "64:1:1", "-64:1"])
def test_bad_stages(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--stages {text}: "):
        training.parse_stages(text, PRESET, 100)


def _ask(npz: Path, **changed: Any) -> Any:
    asked = {
        "model": "v1_025_32", "data": f"npz:{npz}", "stages": None, "batch": None, "learning_rate": 1e-3, "seed": 1,
        "weights": None, "channels": 3, "no_flip": False, "out": None, "command": "",
    }  # fmt: skip
    return training.run(**(asked | changed))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"out": "x.h5"}, "--out x.h5: expected a name that ends in .npz"),
        ({"batch": 0}, "--batch 0"),
        ({"learning_rate": 2.0}, "--learning-rate 2.0"),
        ({"weights": "nowhere.npz"}, "nowhere.npz"),
        ({"model": "v9_100"}, "--model v9_100"),
        ({"stages": "7"}, "--stages 7"),
    ],
)
def test_bad_options_are_said_before_anything_is_trained(npz: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _ask(npz, **changed)


def test_weights_to_begin_with_of_another_network(npz: Path, tmp_path: Path) -> None:
    from models import keras_model

    other = keras_model.build(presets.parse("v1_050_32", 4).network())
    checkpoint.save(tmp_path / "other.npz", {w.path: np.asarray(w) for w in other.weights}, FACTS)
    with pytest.raises(ConfigError, match="not of v1_025_32: .* has shape"):
        _ask(npz, weights=str(tmp_path / "other.npz"), out=str(tmp_path / "x.npz"))


def test_a_classifier_of_other_classes_starts_from_scratch(tmp_path: Path) -> None:
    from models import keras_model

    ten = keras_model.build(presets.parse("v1_025_32", 10).network())
    checkpoint.save(tmp_path / "ten.npz", {w.path: np.asarray(w) for w in ten.weights}, FACTS, np.float32)
    found = training._start(str(tmp_path / "ten.npz"), PRESET)
    assert found is not None
    assert {w.path for w in ten.weights} - found.keys() == {"conv_preds/kernel", "conv_preds/bias"}
