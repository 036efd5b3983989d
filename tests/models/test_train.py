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
from datasets.npz import of_pictures
from errors import ConfigError, TrainingError
from models import checkpoint, imagenet, keras_model, presets
from models.training import beginning as beginnings
from models.training import evaluation
from models.training.batches import Batches, to_input
from models.training.beginning import Beginning
from models.training.evaluation import Evaluation
from models.training.recipe import Recipe
from models.training.state import State
from models.training.train import train
from tests.pipeline.small import tiny_network

PRESET = presets.parse("v1_025_32", 4)
FACTS = checkpoint.CheckpointFacts("v1_050_32", 4, 3, ("a", "b", "c", "d"), (-1.0, 1.0), "npz:x.npz")
RECIPE = Recipe(((32, 2),), batch=16, learning_rate=1e-2)


@pytest.fixture
def small(data: Dataset) -> Dataset:
    part = Split(data.train.labels[:64], data.train.read)
    return Dataset(data.name, data.class_names, part, data.test, data.source)


def _data(train: int, side: int = 8, labels: Any = None) -> Dataset:
    """Return pictures of two patterns under noise, 8x8 by default: as many to train, and eight to test."""
    rng = np.random.default_rng(0)

    def split(count: int, given: Any = None) -> Split:
        truth = np.arange(count) % 2 if given is None else np.asarray(given, np.int64)
        x = rng.integers(0, 90, (count, side, side, 3)) + 120 * truth[:, None, None, None] % 240
        return of_pictures(x.astype(np.uint8), truth)

    return Dataset("tiny", ("dark", "light"), split(train, labels), split(8), "tiny", digest="1")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> presets.Preset:
    """Return a preset whose network has three layers for pictures of 8x8: a step of it takes milliseconds."""
    monkeypatch.setattr(presets.Preset, "network", tiny_network)
    return presets.parse("v1_025_32", 2)


TINY = Recipe(((8, 2),), batch=8, learning_rate=1e-2)
EARLY = replace(TINY, stages=((8, 1), (8, 4)), patience=2, frozen_epochs=1)


def _stop_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training be stopped when the state of so many epochs is saved."""
    save, saved = State.save, iter(range(1, epochs + 1))

    def stop(self: State, model: Any) -> None:
        save(self, model)
        if next(saved) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(State, "save", stop)


def test_a_stopped_run_ends_in_the_same_bytes(
    tiny: presets.Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped twice: while its base is frozen, and in the last stage, of which the best epoch is on disk."""
    data, beginning = _data(64), _beginning(tiny)
    through = train(tiny, data, EARLY, tmp_path / "through.npz", "test", beginning)
    log, state = tmp_path / "stopped.state.json", {"stopped.state.keras", "stopped.state.json"}
    for epochs, left in ((1, state), (3, {*state, "stopped.best.npz"})):
        with monkeypatch.context() as patch:
            _stop_after(epochs, patch)
            with pytest.raises(KeyboardInterrupt):
                train(tiny, data, EARLY, tmp_path / "stopped.npz", "test", beginning)
        assert {p.name for p in tmp_path.glob("stopped*")} == left
        # Killed between the log and the state: the log is one epoch ahead, which is done again.
        found = json.loads(log.read_text())
        log.write_text(json.dumps(found | {"history": [*found["history"], {"epoch": 9}]}))
    resumed = train(tiny, data, EARLY, tmp_path / "stopped.npz", "test", beginning)
    assert resumed == through
    assert [row["epoch"] for row in resumed.history or ()] == list(range(1, len(through.history or ()) + 1))
    assert sha256_of(tmp_path / "stopped.npz") == sha256_of(tmp_path / "through.npz")
    assert {p.name for p in tmp_path.glob("stopped*")} == {"stopped.npz", "stopped.json"}
    assert checkpoint.load_facts(tmp_path / "through.npz").confusion == through.confusion
    top1, counts = _top1(tmp_path / "through.npz", data, tiny)
    assert through.float_top1 == round(top1, 4)
    assert through.confusion == tuple(map(tuple, counts))


def _beginning(preset: presets.Preset) -> Beginning:
    model = keras_model.build(preset.network())
    weights = {w.path: np.asarray(w) for w in model.weights if not w.path.startswith("classes/")}
    return Beginning("known.npz", weights)


def test_the_epoch_of_the_lowest_loss_on_held_out_pictures_is_kept(
    tiny: presets.Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.training import train as module

    losses = iter([0.1, 0.1, 0.7, 0.5, 0.6, 0.5, 0.4])  # one frozen, one of the first stage, then the last
    kept: list[Any] = []

    def evaluate(model: Any, split: Split, rho: int, channels: int) -> Evaluation:
        if len(split) == 8:  # the test pictures
            return evaluation.evaluate(model, split, rho, channels)
        kept.append(model.get_weights())
        return Evaluation(next(losses), 0.5, np.zeros((2, 2), np.int64))

    monkeypatch.setattr(module, "evaluate", evaluate)
    facts = train(tiny, _data(64), EARLY, tmp_path / "x.npz", "test", _beginning(tiny))
    assert [row["held_out_loss"] for row in facts.history or ()] == [0.1, 0.1, 0.7, 0.5, 0.6, 0.5]
    assert facts.kept_epoch == 4
    assert facts.held_out_pictures == 10
    for stored, weight in zip(checkpoint.load(tmp_path / "x.npz").values(), kept[3], strict=True):
        np.testing.assert_array_equal(stored, weight.astype(np.float16).astype(np.float32))


def test_a_frozen_base_stays_as_it_was_while_the_classifier_learns(tiny: presets.Preset, tmp_path: Path) -> None:
    from models.training.train import _Training

    known = _beginning(tiny)
    training = _Training(tiny, _data(64), EARLY, tmp_path / "x.npz", known)
    training._resume()
    before = {w.path: np.asarray(w) for w in training.model.weights}
    training._epoch(0, lambda step: None)
    after = {w.path: np.asarray(w) for w in training.model.weights}
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"classes/kernel", "classes/bias"}
    assert known.weights is not None
    settled = {name for name, value in known.weights.items() if not np.array_equal(value, before[name])}
    assert settled == {f"{layer}_bn/moving_{part}" for layer in ("conv", "deep") for part in ("mean", "variance")}
    training._epoch(1, lambda step: None)
    assert not np.array_equal(np.asarray(training.model.get_layer("conv").kernel), before["conv/kernel"])


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_loss_that_is_not_finite_stops_and_the_last_good_epoch_stays(
    tiny: presets.Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    get = Batches.__getitem__

    def broken(self: Batches, index: int) -> Any:
        x, y = get(self, index)
        return (x * np.nan if self._seed[1] == epoch and index == 3 else x), y

    monkeypatch.setattr(Batches, "__getitem__", broken)
    kept = "the checkpoint has epoch 1" if epoch else "no checkpoint was written"
    with pytest.raises(
        TrainingError, match=rf"diverged in epoch {epoch + 1}: .* --learning-rate 0.01, try 0.001 \({kept}"
    ):
        train(tiny, _data(64), TINY, tmp_path / "x.npz", "test")
    assert {p.name for p in tmp_path.iterdir()} == ({"x.npz", "x.json"} if epoch else set())
    if epoch:
        assert all(np.isfinite(w).all() for w in checkpoint.load(tmp_path / "x.npz").values())
        assert checkpoint.load_facts(tmp_path / "x.npz").kept_epoch == 1


def test_few_steps_leave_no_statistics_of_the_beginning(small: Dataset) -> None:
    import keras

    from models.training.statistics import settle

    model = keras_model.build(PRESET.network(), training=True, momentum=0.9)
    settle(model, small.train, 32, 3, seed=1)
    x = to_input(prepare_many(small.train, range(64), 32, 3))
    normalize = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    values = np.asarray(keras.Model(model.input, normalize.input)(x))
    np.testing.assert_allclose(normalize.moving_mean, values.mean(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(normalize.moving_variance, values.var(axis=(0, 1, 2)), rtol=1e-2, atol=1e-5)
    assert normalize.momentum == 0.9
    alone, in_batch = np.argmax(model(x), axis=1), np.argmax(model(x, training=True), axis=1)
    assert (alone == in_batch).mean() > 0.9


def _top1(path: Path, data: Dataset, preset: presets.Preset) -> tuple[float, Any]:
    model = keras_model.build(preset.network())
    keras_model.set_weights(model, checkpoint.load(path))
    x = to_input(prepare_many(data.test, range(len(data.test)), 8, 3))
    answers = np.argmax(np.asarray(model(x)), axis=1)
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (data.test.labels, answers), 1)
    return float((answers == data.test.labels).mean()), counts


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


def test_mixup_mixes_pictures_and_classes_by_the_same_share(small: Dataset) -> None:
    plain, labels = _epoch(small.train, RECIPE)
    batches = Batches(small.train, replace(RECIPE, mixup=0.4), 3, 0, classes=4)
    x, y = batches[0]
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    share = np.unique(np.round(y, 6))[-2] if 1.0 in y else y.max()  # of a pair of two classes
    others = [(x[0] - share * plain[0]) / (1 - share), (x[0] - (1 - share) * plain[0]) / share]
    assert any(np.allclose(other, plain[i], atol=1e-3) for other in others for i in range(16))
    assert y[0, labels[0]] >= min(share, 1 - share) - 1e-6


def test_changed_colors_stay_pictures_of_their_class(small: Dataset) -> None:
    plain, labels = _epoch(small.train, RECIPE)
    x, y = _epoch(small.train, replace(RECIPE, color=0.2))
    assert sorted(y) == sorted(labels)
    assert x.min() >= -1
    assert x.max() <= 1
    assert not np.array_equal(x, plain)
    assert x[y == 0].mean() + 0.3 < x[y == 3].mean()  # dark and light


def test_weights_to_begin_with_of_another_network(tiny: presets.Preset, tmp_path: Path) -> None:
    other = Beginning("other.npz", {"conv/kernel": np.ones((3, 3, 3, 5), np.float32)})
    with pytest.raises(ConfigError, match="not of v1_025_32: conv/kernel has shape"):
        train(tiny, _data(16), TINY, tmp_path / "x.npz", "test", other)


def test_a_classifier_of_other_classes_starts_from_scratch(tiny: presets.Preset, tmp_path: Path) -> None:
    ten = keras_model.build(replace(tiny, classes=10).network())
    checkpoint.save(tmp_path / "ten.npz", {w.path: np.asarray(w) for w in ten.weights}, FACTS, np.float32)
    found = beginnings.choose(str(tmp_path / "ten.npz"), tiny, is_small=False)
    assert found.weights is not None
    assert not found.has_classifier
    assert {w.path for w in ten.weights} - found.weights.keys() == {"classes/kernel", "classes/bias"}
    assert beginnings.choose(str(tmp_path / "ten.npz"), replace(tiny, classes=10), is_small=False).has_classifier


@pytest.mark.parametrize(
    ("name", "published"),
    [("v1_025_96", "v1_025"), ("v1_050_320", "v1_050_224"), ("v2_035_96", "v2_035_96"), ("v3s_075_96", "v3s_075_96"),
     ("v3sm_075", None), ("v1s_025", None), ("v2_040", None)],
)  # fmt: skip
def test_the_nearest_weights_that_keras_publishes(name: str, published: str | None) -> None:
    found = imagenet.nearest_published(presets.parse(name, 3))
    assert (found.name if found else None) == published
    assert found is None or found.classes == 1000
    assert imagenet.nearest_published(presets.parse(name, 3, channels=1)) is None


def test_weights_of_imagenet_where_no_checkpoint_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset, asked = presets.parse("v1_050_96", 2), []

    def load(published: presets.Preset) -> checkpoint.Weights:
        asked.append(published.name)
        print("Downloading data")
        return {"conv1/kernel": np.ones((1, 2), np.float32), "conv_preds/kernel": np.ones((1, 1000), np.float32)}

    monkeypatch.setattr(imagenet, "load", load)
    found = beginnings.choose(None, preset, is_small=True)
    assert (found.name, set(found.weights or ())) == ("imagenet", {"conv1/kernel"})
    assert asked == ["v1_050"]
    assert capsys.readouterr().out == ""

    def fail(published: presets.Preset) -> checkpoint.Weights:
        raise ConfigError("--weights imagenet: Keras could not download them (no network)")

    monkeypatch.setattr(imagenet, "load", fail)
    assert beginnings.choose(None, preset, is_small=True) == Beginning()
    assert "begins with random weights: --weights imagenet: Keras could not" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="could not download"):
        beginnings.choose("imagenet", preset, is_small=True)
