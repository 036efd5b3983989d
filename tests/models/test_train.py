"""Training: a run that was stopped goes on as if it had not been, and the best or the last good epoch is kept."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import sha256_of
from datasets import Dataset, Split, prepare_many
from errors import ConfigError, TrainingError
from models import checkpoint, keras_model, presets
from models.training import evaluation
from models.training.batches import Batches, to_input
from models.training.beginning import Beginning
from models.training.evaluation import Evaluation
from models.training.state import State
from models.training.train import train
from tests.models.training_setup import PRESET, RECIPE, TINY, tiny_data

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
    data, beginning = tiny_data(64), _beginning(tiny)
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
    facts = train(tiny, tiny_data(64), EARLY, tmp_path / "x.npz", "test", _beginning(tiny))
    assert [row["held_out_loss"] for row in facts.history or ()] == [0.1, 0.1, 0.7, 0.5, 0.6, 0.5]
    assert facts.kept_epoch == 4
    assert facts.held_out_pictures == 10
    for stored, weight in zip(checkpoint.load(tmp_path / "x.npz").values(), kept[3], strict=True):
        np.testing.assert_array_equal(stored, weight.astype(np.float16).astype(np.float32))


def test_a_frozen_base_stays_as_it_was_while_the_classifier_learns(tiny: presets.Preset, tmp_path: Path) -> None:
    from models.training.train import _Training

    known = _beginning(tiny)
    training = _Training(tiny, tiny_data(64), EARLY, tmp_path / "x.npz", known)
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
        train(tiny, tiny_data(64), TINY, tmp_path / "x.npz", "test")
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


@pytest.mark.parametrize("is_first", [True, False])
def test_a_full_disk_leaves_a_state_only_where_a_training_can_continue(tmp_path: Path, is_first: bool) -> None:
    class Full:
        def save(self, path: Path) -> None:
            path.write_bytes(b"a part")
            raise OSError(errno.ENOSPC, "No space left on device")

    state = State(tmp_path / "x.npz", {})
    if not is_first:
        state.path.write_bytes(b"of the epoch before")
    state.save_best([np.ones(3, np.float32)])
    state.write_history([{"epoch": 1}])
    with pytest.raises(ConfigError, match=r"x.state.keras: can't be written \(No space left on device\)"):
        state.save(Full())
    left = set() if is_first else {"x.state.keras", "x.state.json", "x.best.npz"}
    assert {path.name for path in tmp_path.iterdir()} == left
