"""Train a float checkpoint so that rounding to int8 moves its answers less: it stays a float checkpoint.

`.venv/bin/python -m calibration.aware.steady --weights FILE --out FILE` trains some steps more: each computes a batch
in float and with int8 rounding, and adds the divergence of the two to the loss. The range of a tensor is that of
the batch, times a random factor, so that the network does not learn one grid. `--mix 0.5` writes the mean of the
weights before and after. Imports TensorFlow.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import console
import datasets
from calibration.aware import run as aware
from calibration.aware.fine_tuning import Adam
from calibration.aware.pictures import Pictures
from calibration.aware.unfold import unfold
from calibration.improve.costs import without_softmax
from calibration.improve.ranges import HARD_SWISH_ZERO, with_exact_low
from datasets import Dataset, Split
from errors import ConfigError, Error, TrainingError
from models import checkpoint, keras_model, presets
from models.checkpoint import Weights as Checkpoint
from models.folded import run
from models.folded.graph import Floats, Folded, Weights, scale_axes
from models.folded.to_keras import straight_through
from models.presets import Preset
from models.training import held_out
from models.training.batches import INPUT_RANGE, Batches
from models.training.evaluation import evaluate_as_stored
from models.training.recipe import Recipe

ROWS = 10
"""Rows of the curve."""
STATISTICS_PICTURES = 500
DIVIDE_SEED = 77


@dataclass(frozen=True)
class Settings:
    """Steps at the preset's rho, and pictures of each.

    `learning_rate` is relative to the largest weight of each output channel; `divergence` is the weight of the
    divergence between float and int8 in the loss. Ranges are `narrowest` to `widest` times those of the batch.
    `mix` is the share of the trained weights in the result, above 0 to 1; the rest are the weights before.
    """

    steps: int = 2400
    batch: int = 32
    learning_rate: float = 1e-3
    divergence: float = 80.0
    narrowest: float = 0.9
    widest: float = 1.2
    flip: bool = True
    seed: int = 1
    mix: float = 1.0


@dataclass(frozen=True)
class Row:
    """Means over a part of the epoch: loss of the labels in float, accuracy in float, divergence of int8 in nats."""

    step: int
    loss: float
    accuracy: float
    divergence: float

    def as_epoch(self, epoch: float, side: int) -> dict[str, float]:
        """Return the row as the curve of a checkpoint has it."""
        return {
            "epoch": round(epoch, 3), "side": side, "accuracy": self.accuracy, "loss": self.loss,
            "divergence": self.divergence,
        }  # fmt: skip


class Steady:
    """The training of one folded network."""

    def __init__(self, graph: Folded, settings: Settings) -> None:
        self.graph, self.settings = graph, settings
        self._logits = without_softmax(graph)
        self._input = with_exact_low(*INPUT_RANGE)
        first = next(node for node in graph.nodes if node.has_weights)
        self._exact = {f"{first.name}:pre", first.name, self._logits.output}
        """Points whose range gets a gradient; with those of the largest tensors memory would not suffice."""
        self._kernels = {name: keras.Variable(weights.kernel) for name, weights in graph.weights.items()}
        self._biases = {name: keras.Variable(weights.bias) for name, weights in graph.weights.items()}
        names = list(graph.weights)
        variables = [*(self._kernels[name] for name in names), *(self._biases[name] for name in names)]
        largest = [tf.reduce_max(tf.abs(self._kernels[name].value), self._axes(name), keepdims=True) for name in names]
        scales = [*largest, *(tf.reshape(values, (-1,)) for values in largest)]
        self._adam = Adam(variables, settings.steps, settings.learning_rate, scales)
        self._random = tf.random.Generator.from_seed(settings.seed)

    def result(self) -> Folded:
        """Return the network as it is now."""
        names = self.graph.weights
        return self.graph.with_weights(
            {name: Weights(self._kernels[name].numpy(), self._biases[name].numpy()) for name in names}
        )

    def train(self, split: Split, rows: Callable[[Row], None], show: Callable[[int], None]) -> None:
        """Train on augmented pictures. `rows` gets the curve. Raises TrainingError if the loss is not finite."""
        side, channels = self.graph.input.shape[0], self.graph.input.shape[-1]
        settings, every = self.settings, max(1, self.settings.steps // ROWS)
        recipe = Recipe(((side, 1),), settings.batch, flip=settings.flip, seed=settings.seed)
        batches = Batches(split, recipe, channels, 0)
        seen: list[np.ndarray] = []
        for done in range(1, settings.steps + 1):
            x, labels = batches[(done - 1) % len(batches)]
            seen.append(np.asarray(self._step(tf.constant(x), tf.constant(labels))))
            show(done)
            if not np.isfinite(seen[-1]).all():
                raise TrainingError(
                    f"training diverged in step {done}: the loss is not finite; lower Settings.learning_rate"
                )
            if done % every == 0 or done == settings.steps:
                rows(Row(done, *(round(float(value), 6) for value in np.mean(seen, axis=0))))
                seen.clear()

    def _axes(self, name: str) -> tuple[int, ...]:
        return scale_axes(self.graph[name].op, self.graph.weights[name].kernel.ndim)

    @tf.function(autograph=False)
    def _step(self, x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Train on one batch; return loss in float, accuracy in float, and divergence."""
        with tf.GradientTape() as tape:
            exact, coarse = self._float(x), self._int8(x)
            losses = [
                tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
                for logits in (exact, coarse)
            ]
            one, other = tf.nn.log_softmax(exact), tf.nn.log_softmax(coarse)
            divergence = tf.reduce_mean(tf.reduce_sum(tf.exp(one) * (one - other), axis=-1))
            loss = tf.add_n(losses) / 2 + self.settings.divergence * divergence
        gradients = tape.gradient(loss, [variable.value for variable in self._adam.variables])
        self._adam.apply(gradients)
        right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(exact, -1), tf.cast(labels, tf.int64)), tf.float32))
        return tf.stack([losses[0], right, divergence])

    def _float(self, x: tf.Tensor) -> tf.Tensor:
        weights = {name: Weights(self._kernels[name].value, self._biases[name].value) for name in self._kernels}
        return self._flat(run.run(self._logits.with_weights(weights), x))

    def _int8(self, x: tf.Tensor) -> tf.Tensor:
        weights = {
            name: Weights(straight_through(kernel.value, self._axes(name)), self._biases[name].value)
            for name, kernel in self._kernels.items()
        }
        return self._flat(run.run(self._logits.with_weights(weights), x, self._rounded))

    def _flat(self, logits: tf.Tensor) -> tf.Tensor:
        return tf.reshape(logits, (-1, logits.shape[-1]))

    def _rounded(self, name: str, x: tf.Tensor) -> tf.Tensor:
        """Return a tensor rounded as int8 does with the range of this batch, or wider."""
        if name.endswith(":linear"):
            return x
        if name == self.graph.input.name:
            return run.fake_quant(x, self._input)
        wider = self._random.uniform((), self.settings.narrowest, self.settings.widest)
        low, high = tf.minimum(tf.reduce_min(x), 0.0), tf.maximum(tf.reduce_max(x), 1e-3)
        low = tf.maximum(low, HARD_SWISH_ZERO) if name.endswith(":pre") else low * wider
        high *= wider
        if name not in self._exact:
            return tf.quantization.fake_quant_with_min_max_vars(x, tf.stop_gradient(low), tf.stop_gradient(high), 8)
        step = (high - low) / 255
        inside = tf.clip_by_value(x, low, high)
        return inside + step * tf.stop_gradient(tf.round(inside / step) - inside / step)


def mixed(before: Folded, trained: Folded, share: float) -> Folded:
    """Return the network with `share` times the trained weights plus 1 - `share` times those before.

    Kernels and biases have batch normalization in them. Wortsman et al. 2022 (arXiv:2109.01903).
    """

    def mean(one: Floats, other: Floats) -> Floats:
        return (np.float32(1 - share) * one + np.float32(share) * other).astype(np.float32)

    pairs = {name: (before.weights[name], weights) for name, weights in trained.weights.items()}
    return trained.with_weights(
        {name: Weights(mean(a.kernel, b.kernel), mean(a.bias, b.bias)) for name, (a, b) in pairs.items()}
    )


def as_checkpoint(graph: Folded, preset: Preset, inputs: np.ndarray) -> Checkpoint:
    """Return the weights of a preset's network, whose batch normalizations have mean and variance over the inputs."""
    sums: dict[str, list[tf.Tensor]] = {}

    def tap(name: str, value: tf.Tensor) -> tf.Tensor:
        if name.endswith(":linear"):
            rows = tf.cast(tf.reshape(value, (-1, value.shape[-1])), tf.float64)
            powers = (tf.ones_like(rows), rows, tf.square(rows))
            sums.setdefault(name, []).append(tf.stack([tf.reduce_sum(power, 0) for power in powers]))
        return value

    run.outputs(graph, inputs, tap)
    moments = {}
    for name in graph.weights:
        count, total, squares = np.sum(sums[graph[name].linear], axis=0)
        mean = total / count
        moments[name] = mean, np.maximum(squares / count - np.square(mean), 0)
    return unfold(graph, preset, moments)


def divide(split: Split) -> tuple[Split, Split]:
    """Return the pictures to train on, and a tenth that is not trained on: `Settings` were chosen with them."""
    order = np.random.default_rng(DIVIDE_SEED).permutation(len(split))
    count = len(split) // 10
    return held_out.part(split, np.sort(order[count:])), held_out.part(split, np.sort(order[:count]))


def improved(before: Path, data: Dataset, settings: Settings, out: Path, command: str) -> checkpoint.CheckpointFacts:
    """Train the checkpoint `before` further, write the result to `out`, and return its facts.

    Raises ConfigError if the checkpoint can't be read or is not in float, and TrainingError if training diverges.
    """
    facts = checkpoint.load_facts(before)
    if facts.ranges is not None:
        raise ConfigError(
            f"{before}: is of `inv train --quantize`, expected a float checkpoint; give that which it began with, "
            f"{facts.begins_with}"
        )
    preset = presets.parse(facts.preset, facts.classes, facts.channels)
    graph = aware.folded(preset, before)
    pictures, side = Pictures(data, graph.input.shape), graph.input.shape[0]
    split, _ = divide(data.train)
    training, curve = Steady(graph, settings), list[Row]()
    with console.status_bar("train", settings.steps) as show:
        training.train(split, curve.append, lambda done: show(done, "float and int8"))
    result = mixed(graph, training.result(), settings.mix)
    weights = as_checkpoint(result, preset, pictures.calibration(STATISTICS_PICTURES))
    model = keras_model.build(preset.network(), batch=None, name=preset.name)
    measured = evaluate_as_stored(model, weights, data.test, side, preset.channels)
    done, epoch = facts.history or (), settings.batch / len(split)
    known = replace(
        facts, float_top1=round(measured.accuracy, 4), test_pictures=len(data.test), stored_as="float16",
        command=f"{facts.command} && {command}", recipe={**(facts.recipe or {}), "steady": asdict(settings)},
        history=(*done, *(row.as_epoch(len(done) + row.step * epoch, side) for row in curve)),
        held_out_pictures=None, kept_epoch=None, confusion=measured.confusion_rows(),
    )  # fmt: skip
    checkpoint.save(out, weights, known)
    return known


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (share := float(text)) <= 1:
            return share
    raise argparse.ArgumentTypeError(f"expected above 0 to 1, got {text}")


def main(words: Sequence[str]) -> None:
    """Read the options, train, and print the float top-1."""
    parser = argparse.ArgumentParser(prog="python -m calibration.aware.steady", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="the float checkpoint to begin with")
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mix", type=_share, default=1.0, help="share of the trained weights, above 0 to 1")
    options = parser.parse_args(words)
    command = f".venv/bin/python -m calibration.aware.steady {shlex.join(words)}"
    settings = Settings(seed=options.seed, mix=options.mix)
    out = checkpoint.path_of_option(options.out)
    facts = improved(options.weights, datasets.load(options.data), settings, out, command)
    console.say(f"{options.out}: {100 * (facts.float_top1 or 0):.2f} % top-1 in float over the whole test split")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Error as error:
        sys.exit(f"error: {error}")
