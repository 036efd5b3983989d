"""Training on a CPU: progressive sizes, seeded augmentation, and a stopped run that continues where it stopped.

Imports TensorFlow.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

import console
from datasets import Dataset
from errors import TrainingError
from models import checkpoint, keras_model
from models.presets import Preset
from models.training import held_out
from models.training.batches import INPUT_RANGE, Batches
from models.training.beginning import Beginning
from models.training.evaluation import evaluate, evaluate_as_stored
from models.training.recipe import Recipe
from models.training.state import Epoch, State
from models.training.statistics import settle

LINES = 10
"""Lines of progress that a training prints, about; on a terminal a bar moves besides."""
Values = list[npt.NDArray[np.float32]]


class _Diverged(Exception):
    """The loss or a weight is no longer a finite number."""


def train(
    preset: Preset,
    data: Dataset,
    recipe: Recipe,
    out: Path,
    command: str,
    beginning: Beginning | None = None,
) -> checkpoint.CheckpointFacts:
    """Train, write the checkpoint to `out` and return the facts that are written beside it.

    After each epoch the state is written beside it; the same call continues from there. Raises TrainingError if the
    loss is no longer finite; the checkpoint then has the last good epoch, if there was one.
    """
    keras.utils.set_random_seed(recipe.seed)
    training = _Training(preset, data, recipe, out, beginning or Beginning())
    try:
        training.run()
    except _Diverged as e:
        why = (
            f"{out}: {e}; the likely reason is --learning-rate {recipe.learning_rate:g}, try "
            f"{recipe.learning_rate / 10:g}"
        )
        if training.good is None:
            training.state.clear()
            raise TrainingError(f"{why} (no checkpoint was written)") from None
        training.finish(command)
        raise TrainingError(f"{why} (the checkpoint has epoch {training.kept})") from None
    return training.finish(command)


class _Training:
    """One training: the network, what was done so far, and the weights of the last good epoch."""

    def __init__(self, preset: Preset, data: Dataset, recipe: Recipe, out: Path, beginning: Beginning) -> None:
        self.preset, self.data, self.recipe, self.out = preset, data, recipe, out
        self.beginning = beginning
        self.train, self.held_out = held_out.divide(data.train, recipe.seed) if recipe.patience else (data.train, None)
        self.steps = recipe.steps(len(self.train))
        self.state = State(out, self._identity())
        self.history: list[Epoch] = []
        self.good: Values | None = None
        self.kept = 0
        """The epoch whose weights are in `good`."""
        momentum = recipe.momentum(len(self.train))
        self.model = keras_model.build(preset.network(), name=preset.name, momentum=momentum, training=True)
        if beginning.weights is not None:
            keras_model.set_weights(self.model, {w.path: w.numpy() for w in self.model.weights} | beginning.weights)

    def run(self) -> None:
        """Train all epochs that are left."""
        self._resume()
        begun, every = len(self.history), math.ceil(self.recipe.epochs / LINES)
        with console.status_bar("train", (self.recipe.epochs - begun) * self.steps) as show:
            for epoch in range(begun, self.recipe.epochs):

                def step_done(step: int, before: int = (epoch - begun) * self.steps) -> None:
                    show(before + step, _text(self.history[-1]) if self.history else "")

                self._epoch(epoch, step_done)
                is_over = epoch + 1 == self.recipe.epochs or self._is_over()
                if is_over or (epoch + 1) % every == 0:
                    console.out.print(f"epoch {epoch + 1}/{self.recipe.epochs} {_text(self.history[-1])}")
                if is_over:
                    break

    def finish(self, command: str) -> checkpoint.CheckpointFacts:
        """Write the checkpoint of the epoch that is kept, measured as it is stored, in float16."""
        if self.good is not None:
            self.model.set_weights(self.good)
        if self.held_out is None and not self.recipe.settles(len(self.train)):
            self._settle(self.preset.rho)
        weights = {w.path: w.numpy() for w in self.model.weights}
        result = evaluate_as_stored(self.model, weights, self.data.test, self.preset.rho, self.preset.channels)
        facts = checkpoint.CheckpointFacts(
            preset=self.preset.name,
            classes=self.preset.classes,
            channels=self.preset.channels,
            labels=tuple(self.data.class_names),
            input_range=INPUT_RANGE,
            data=self.data.name,
            pictures=self.data.digest or None,
            test_pictures=len(self.data.test),
            float_top1=round(result.accuracy, 4),
            stored_as="float16",
            command=command,
            recipe=asdict(self.recipe),
            history=tuple(self.history),
            begins_with=self.beginning.name,
            held_out_pictures=len(self.held_out) if self.held_out else None,
            kept_epoch=self.kept,
            confusion=result.confusion_rows(),
        )
        checkpoint.save(self.out, weights, facts)
        self.state.clear()
        return facts

    def _identity(self) -> dict[str, object]:
        begin = hashlib.sha256()
        for name, value in sorted((self.beginning.weights or {}).items()):
            begin.update(name.encode() + value.tobytes())
        return {
            "preset": asdict(self.preset),
            "recipe": asdict(self.recipe),
            "data": [self.data.name, self.data.digest],
            "begins_with": begin.hexdigest(),
        }

    def _resume(self) -> None:
        """Continue from the state on disk if it belongs to this training, else begin."""
        self.history = self.state.history()
        if not self.history:
            self.state.write_history([])  # says now if it can't be written
            if self.recipe.frozen_epochs:
                self._settle(self.recipe.side_of(0))
            self._compile(is_frozen=self.recipe.frozen_epochs > 0)
            return
        saved = self.state.load()
        is_frozen = not saved.layers[1].trainable
        self._compile(is_frozen)
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.set_weights(saved.get_weights())
        # Not the saved model itself: Keras does not save which weights are excluded from decay.
        for mine, theirs in zip(self.model.optimizer.variables, saved.optimizer.variables, strict=True):
            mine.assign(theirs)
        done = int(self.model.optimizer.iterations.numpy()) // self.steps
        self.history = self.history[: done if is_frozen else done + self.recipe.frozen_epochs]
        best = self._best()
        self.kept, self.good = best or len(self.history), self.state.load_best() if best else saved.get_weights()
        console.out.print(f"continuing after epoch {len(self.history)} from {self.state.path}")

    def _compile(self, is_frozen: bool) -> None:
        """Set up an optimizer for the epochs with a frozen base, or for those after them."""
        recipe = self.recipe
        for layer in self.model.layers:
            layer.trainable = not is_frozen or isinstance(layer, keras.layers.Dense)
        epochs = recipe.frozen_epochs if is_frozen else recipe.stage_epochs
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.learning_rate / 20,
            warmup_target=recipe.learning_rate,
            warmup_steps=int(recipe.warmup_epochs * self.steps),
            decay_steps=int((epochs - recipe.warmup_epochs) * self.steps),
            alpha=1e-3,
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        loss = "categorical_crossentropy" if recipe.mixup else "sparse_categorical_crossentropy"
        self.model.compile(optimizer, loss, metrics=["accuracy"])

    def _epoch(self, epoch: int, show: Callable[[int], None]) -> None:
        """Train one epoch, measure it on the held-out pictures and write the state."""
        if epoch == self.recipe.frozen_epochs > 0:
            self._compile(is_frozen=False)
        batches = Batches(self.train, self.recipe, self.preset.channels, epoch, self.preset.classes)
        _seed_dropout(self.model, (self.recipe.seed, epoch))
        row: Epoch = {"epoch": epoch + 1, "side": batches.side}
        row |= self._fit(batches, epoch, show)
        if self.held_out is not None:
            if epoch >= self.recipe.frozen_epochs:
                self._settle(batches.side)
            result = evaluate(self.model, self.held_out, batches.side, self.preset.channels)
            row |= {"held_out_loss": round(result.loss, 5), "held_out_accuracy": round(result.accuracy, 5)}
        self.history.append(row)
        weights, best = self.model.get_weights(), self._best()
        if best in (None, epoch + 1):
            self.good, self.kept = weights, epoch + 1
        if best == epoch + 1:
            self.state.save_best(weights)
        # The log first: of a run that was killed between the two, the state says how many of its epochs are done.
        self.state.write_history(self.history)
        self.state.save(self.model)

    def _fit(self, batches: Batches, epoch: int, show: Callable[[int], None]) -> Epoch:
        """Train one epoch and return its loss and accuracy. Raises _Diverged if one is not finite."""

        def after(batch: int, logs: dict[str, float]) -> None:
            show(batch + 1)
            if not math.isfinite(logs["loss"]):
                self.model.stop_training = True

        callback = keras.callbacks.LambdaCallback(on_train_batch_end=after)
        values = self.model.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[callback]).history
        row = {name: round(float(list(of_epochs)[-1]), 5) for name, of_epochs in values.items()}
        if not math.isfinite(row["loss"]) or not all(np.isfinite(w).all() for w in self.model.get_weights()):
            raise _Diverged(f"training diverged in epoch {epoch + 1}: the loss or a weight is not finite")
        return row

    def _best(self) -> int | None:
        """Return the epoch of the last stage with the lowest loss on held-out pictures, if there are any."""
        rows = [row for row in self.history if row["epoch"] > self.recipe.last_stage and "held_out_loss" in row]
        return int(min(rows, key=lambda row: row["held_out_loss"])["epoch"]) if rows else None

    def _is_over(self) -> bool:
        best = self._best()
        return best is not None and self.history[-1]["epoch"] - best >= self.recipe.patience

    def _settle(self, side: int) -> None:
        settle(self.model, self.train, side, self.preset.channels, self.recipe.seed)


def _seed_dropout(model: keras.Model, seed: tuple[int, int]) -> None:
    """Seed dropout's generators, whose states Keras does not save, by the epoch."""
    for i, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = layer.seed_generator.state
            state.assign(np.random.SeedSequence((*seed, i)).generate_state(2).astype(state.dtype))


def _text(row: Epoch) -> str:
    """Return what a line says of an epoch."""
    text = f"at {row['side']}x{row['side']}: loss {row['loss']:.3f}, accuracy {100 * row['accuracy']:.1f} %"
    if "held_out_accuracy" in row:
        text += f", held-out {100 * row['held_out_accuracy']:.1f} %"
    return text
