"""Training a preset on a data set: the options of `inv train`, checked before TensorFlow is imported."""

from __future__ import annotations

import math
import os
from pathlib import Path

import console
import datasets
from datasets import Dataset
from errors import ConfigError
from models import checkpoint, presets
from models.presets import RHO_MAX, RHO_MIN, Preset
from models.training import notes
from models.weights import TRAINED_DIR, trained_path

BATCH = 64
SMALL = 5000
"""A data set of fewer pictures is trained from the nearest checkpoint, not from random weights."""

EPOCHS = (3, 6)
"""Of the two stages by default, at half of rho and at rho."""
STEPS_MIN = 400
"""Steps that a training has by default: fewer leave the moving averages of batch normalization where they began."""


def run(
    model: str,
    data: str,
    stages: str | None,
    batch: int | None,
    learning_rate: float,
    weights: str | None,
    channels: int,
    no_flip: bool,
    seed: int,
    out: str | None,
    command: str,
) -> tuple[Path, float]:
    """Train and return the checkpoint's path and its float top-1 over the whole test split, as a fraction.

    Raises ConfigError if an option can't be.
    """
    dataset = _load(data)
    preset = presets.parse(model, len(dataset.class_names), channels)
    path = _checkpoint_path(out, preset, dataset)
    batch = batch_for(len(dataset.train)) if batch is None else batch
    if batch < 1 or not 0 < learning_rate < 1:
        raise ConfigError(f"--batch {batch} --learning-rate {learning_rate}: expected 1 or more, and 0 to 1")
    parsed = parse_stages(stages, preset, steps=math.ceil(len(dataset.train) / batch))
    weights = _nearest(preset) if weights is None and len(dataset.train) < SMALL else weights
    start = _start(weights, preset)
    for text in notes.before(dataset, weights):
        console.note(text)
    # TensorFlow has oneDNN's kernels off on some CPUs; they train these networks 2.5 times faster.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from models.training import batches, train

    recipe = batches.Recipe(parsed, batch=batch, learning_rate=learning_rate, flip=not no_flip, seed=seed)
    facts = train.train(preset, dataset, recipe, path, command, start)
    assert facts.float_top1 is not None
    for text in notes.after(facts):
        console.note(text)
    return path, facts.float_top1


def _load(data: str) -> Dataset:
    dataset = datasets.load(data)
    counts = len(dataset.train), len(dataset.test)
    if min(counts) == 0:
        raise ConfigError(
            f"--data {data}: expected pictures to train and to test with, has {counts[0]} and {counts[1]}"
        )
    return dataset


def _checkpoint_path(out: str | None, preset: Preset, dataset: Dataset) -> Path:
    path = Path(out) if out else trained_path(preset, dataset.identity)
    if path.suffix != ".npz":
        raise ConfigError(f"--out {path}: expected a name that ends in .npz")
    return path


def batch_for(pictures: int) -> int:
    """Return the pictures of a step: 64, or about an eighth of a small data set, so that an epoch has some steps."""
    return min(BATCH, max(8, pictures // 8))


def parse_stages(text: str | None, preset: Preset, steps: int) -> tuple[tuple[int, int], ...]:
    """Return (side in pixels, epochs) of each stage, by default for a data set of so many steps an epoch.

    Raises ConfigError if they can't be.
    """
    if text is None:
        times = max(1, math.ceil(STEPS_MIN / (sum(EPOCHS) * steps)))
        return ((max(RHO_MIN, preset.rho // 2), EPOCHS[0] * times), (preset.rho, EPOCHS[1] * times))
    try:
        stages = tuple((int(side), int(epochs)) for side, epochs in (part.split(":") for part in text.split(",")))
    except ValueError:
        raise ConfigError(f"--stages {text}: expected SIDE:EPOCHS[,SIDE:EPOCHS...], such as 64:3,128:6") from None
    for side, epochs in stages:
        if not RHO_MIN <= side <= RHO_MAX or epochs < 1:
            raise ConfigError(
                f"--stages {text}: sides are {RHO_MIN} to {RHO_MAX} pixels and epochs 1 or more, got {side}:{epochs}"
            )
    return stages


def _nearest(preset: Preset) -> str:
    """Return the checkpoint of the same family, alpha and channels at the nearest rho; the user's own come first."""
    found = []
    for rank, folder in enumerate((TRAINED_DIR, checkpoint.SHIPPED_DIR)):
        for path in sorted(folder.glob("*.npz")):
            facts = checkpoint.load_facts(path)
            other = presets.parse(facts.preset, facts.classes, facts.channels)
            if (other.family, other.alpha, other.channels) == (preset.family, preset.alpha, preset.channels):
                found.append((abs(math.log(other.rho / preset.rho)), rank, str(path)))
    return min(found)[2] if found else "random"


def _start(weights: str | None, preset: Preset) -> checkpoint.Weights | None:
    """Return weights to start from, by name, without those of the classifier where it has other classes."""
    if weights in (None, "random"):
        return None
    if weights == "imagenet":
        from models import imagenet

        thousand = Preset(preset.family, preset.alpha, preset.rho, 1000, preset.channels)
        start = imagenet.load(thousand)
    else:
        start = checkpoint.load(Path(weights))
    classifier = next(layer.name for layer in preset.network().layers if layer.op == "dense")
    if (kernel := start.get(f"{classifier}/kernel")) is not None and kernel.shape[-1] != preset.classes:
        start = {name: value for name, value in start.items() if not name.startswith(f"{classifier}/")}
    return start
