"""Training on a CPU: progressive sizes, seeded augmentation, and a stopped run that continues where it stopped.

Imports TensorFlow.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

import console
from artifact import write_atomic, write_errors
from datasets import Dataset, Split, prepare_many
from errors import ConfigError
from models import checkpoint, keras_model
from models.presets import Preset
from models.training.batches import INPUT_RANGE, Batches, Recipe, to_input

# With a momentum of 0.99 the statistics have forgotten their beginning by then (0.99 ** 500 = 0.7 %).
STEPS_TO_SETTLE = 500
SETTLING_PICTURES = 1024
SETTLING_BATCH = 128
Epoch = dict[str, float]
"""Number, side in pixels, loss and accuracy of one epoch."""


def accuracy(model: keras.Model, split: Split, rho: int, channels: int, batch: int = 250) -> float:
    """Return float top-1 over the whole split, as a fraction."""
    correct = 0
    for start in range(0, len(split), batch):
        indices = range(start, min(start + batch, len(split)))
        x = to_input(prepare_many(split, indices, rho, channels))
        correct += int((np.argmax(model.predict_on_batch(x), axis=1) == split.labels[indices]).sum())
    return correct / len(split)


def train(
    preset: Preset,
    data: Dataset,
    recipe: Recipe,
    out: Path,
    command: str,
    start: checkpoint.Weights | None = None,
) -> checkpoint.CheckpointFacts:
    """Train, write the checkpoint to `out` and return the facts that are written beside it.

    After each epoch the state goes to `<out>.state.keras`; the same call continues from there. `start` are weights
    by name to start from.
    """
    keras.utils.set_random_seed(recipe.seed)
    state, log = out.with_suffix(".state.keras"), out.with_suffix(".state.json")
    identity = {"preset": asdict(preset), "recipe": asdict(recipe), "data": [data.name, data.digest]}
    history = _resume(log, state, identity)
    model = _fresh(preset, data, recipe, start)
    if history:
        done = _restore(model, state) // _steps(data, recipe)
        history = history[:done]
        console.say(f"continuing after epoch {done} from {state}")
    else:
        write_atomic(log, json.dumps(identity | {"history": []}))  # says now if it can't be written
    for epoch in range(len(history), recipe.epochs):
        batches = Batches(data.train, recipe, preset.channels, epoch)
        _seed_dropout(model, (recipe.seed, epoch))
        row: dict[str, float] = {"epoch": epoch + 1, "side": recipe.side_of(epoch)}
        row |= _fit(model, batches, f"epoch {epoch + 1}/{recipe.epochs}")
        history.append(row)
        # The log first: of a run that was killed between the two, the state says how many of its epochs are done.
        write_atomic(log, json.dumps(identity | {"history": history}, indent=1))
        _save_state(model, state)
    if recipe.stages[-1][1] * _steps(data, recipe) < STEPS_TO_SETTLE:
        _settle_statistics(model, preset, data, recipe)
    return _finish(model, preset, data, recipe, out, command, history)


def _fresh(preset: Preset, data: Dataset, recipe: Recipe, start: checkpoint.Weights | None) -> keras.Model:
    model = keras_model.build(preset.network(), name=preset.name, training=True)
    if start is not None:
        keras_model.set_weights(model, {w.path: w.numpy() for w in model.weights} | start)
    steps = _steps(data, recipe)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 20,
        warmup_target=recipe.learning_rate,
        warmup_steps=int(recipe.warmup_epochs * steps),
        decay_steps=int((recipe.epochs - recipe.warmup_epochs) * steps),
        alpha=1e-3,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _steps(data: Dataset, recipe: Recipe) -> int:
    """Return the steps of an epoch."""
    return math.ceil(len(data.train) / recipe.batch)


def _fit(model: keras.Model, batches: Batches, label: str) -> dict[str, float]:
    """Train one epoch and return its loss and accuracy; one line says so."""
    begin = time.monotonic()
    with console.bar(label, len(batches)) as progress:
        shown = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: progress(batch + 1))
        values = model.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[shown]).history
    row = {name: round(float(list(of_epochs)[-1]), 5) for name, of_epochs in values.items()}
    side, seconds = batches.side, time.monotonic() - begin
    console.say(
        f"{label} at {side}x{side}: loss {row['loss']:.3f}, accuracy {100 * row['accuracy']:.1f} %  {seconds:.1f} s"
    )
    return row


def _settle_statistics(model: keras.Model, preset: Preset, data: Dataset, recipe: Recipe) -> None:
    """Take the moving mean and variance of each batch normalization from training pictures as they are.

    After few steps the moving ones are still near those that the network began with, and its answers are chance.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momentum = [layer.momentum for layer in layers]
    chosen = np.random.default_rng(recipe.seed).permutation(len(data.train))[:SETTLING_PICTURES]
    for done, indices in enumerate(np.array_split(chosen, math.ceil(len(chosen) / SETTLING_BATCH))):
        for layer in layers:
            layer.momentum = done / (done + 1)  # the mean over the batches
        model(to_input(prepare_many(data.train, indices.tolist(), preset.rho, preset.channels)), training=True)
    for layer, value in zip(layers, momentum, strict=True):
        layer.momentum = value


def _seed_dropout(model: keras.Model, seed: tuple[int, int]) -> None:
    """Seed dropout's generators, whose states Keras does not save, by the epoch."""
    for i, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = layer.seed_generator.state
            state.assign(np.random.SeedSequence((*seed, i)).generate_state(2).astype(state.dtype))


def _save_state(model: keras.Model, state: Path) -> None:
    partial = state.with_suffix(".partial.keras")
    try:
        with write_errors(state):
            model.save(partial)
            os.replace(partial, state)
    finally:
        partial.unlink(missing_ok=True)


def _restore(model: keras.Model, state: Path) -> int:
    """Give a fresh model all that a saved one had, and return the steps that it was trained.

    Not the saved one itself: Keras does not save which weights are excluded from decay.
    """
    try:
        saved = keras.models.load_model(state)
    except Exception as e:  # Keras raises many types
        raise ConfigError(f"{state}: can't be read ({str(e)[:200]}); delete it to train from the start") from e
    model.optimizer.build(model.trainable_variables)
    model.set_weights(saved.get_weights())
    for mine, theirs in zip(model.optimizer.variables, saved.optimizer.variables, strict=True):
        mine.assign(theirs)
    return int(model.optimizer.iterations.numpy())


def _resume(log: Path, state: Path, identity: Mapping[str, object]) -> list[Epoch]:
    """Return the epochs done so far, if the state on disk belongs to this run."""
    if not (log.is_file() and state.is_file()):
        return []
    try:
        saved = json.loads(log.read_text())
        history: list[Epoch] = saved.pop("history")
    except (ValueError, KeyError) as e:
        raise ConfigError(f"{log}: can't be read ({e}); delete it to train from the start") from e
    return history if saved == json.loads(json.dumps(identity)) else []


def _finish(
    model: keras.Model, preset: Preset, data: Dataset, recipe: Recipe, out: Path, command: str, history: list[Epoch]
) -> checkpoint.CheckpointFacts:
    """Measure the weights as they are stored, in float16, over the whole test split, and write the checkpoint."""
    weights = {w.path: w.numpy() for w in model.weights}
    keras_model.set_weights(model, {n: w.astype(np.float16).astype(np.float32) for n, w in weights.items()})
    top1 = accuracy(model, data.test, preset.rho, preset.channels)
    facts = checkpoint.CheckpointFacts(
        preset=preset.name,
        classes=preset.classes,
        channels=preset.channels,
        labels=tuple(data.class_names),
        input_range=INPUT_RANGE,
        data=data.name,
        pictures=data.digest or None,
        test_pictures=len(data.test),
        float_top1=round(top1, 4),
        stored_as="float16",
        command=command,
        recipe=asdict(recipe),
        history=tuple(history),
    )
    checkpoint.save(out, weights, facts)
    for leftover in (out.with_suffix(".state.keras"), out.with_suffix(".state.json")):
        leftover.unlink(missing_ok=True)
    return facts
