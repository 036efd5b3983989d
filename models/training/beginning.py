"""The weights that a training begins with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import console
from errors import ConfigError
from models import checkpoint, presets
from models import weights as known_weights
from models.presets import Preset
from models.training import library


@dataclass(frozen=True)
class Beginning:
    """Weights by name to begin with, None for random ones.

    `name` is random, imagenet or a checkpoint's file name. `has_classifier` says that they include the classifier's.
    """

    name: str = "random"
    weights: checkpoint.Weights | None = None
    has_classifier: bool = False


def choose(wish: str | None, preset: Preset, is_small: bool) -> Beginning:
    """Return the weights to begin with: those that were named, else for a small data set the nearest known ones.

    The nearest are a checkpoint of the same family, alpha and channels, and ImageNet's where there is none and Keras
    publishes them. Raises ConfigError if named weights can't be read or downloaded, or are not finite.
    """
    if wish is None:
        if not is_small:
            return Beginning()
        nearest = _nearest(preset)
        return _fit(nearest.name, checkpoint.load(nearest), preset) if nearest else _published(preset)
    match wish:
        case "random":
            return Beginning()
        case "imagenet":
            return _imagenet(preset)
    return _fit(Path(wish).name, checkpoint.load(Path(wish)), preset)


def _nearest(preset: Preset) -> Path | None:
    """Return the checkpoint of the same family, alpha and channels at the nearest rho; the user's own come first."""
    found = []
    for rank, folder in enumerate((known_weights.TRAINED_DIR, checkpoint.SHIPPED_DIR)):
        for path in sorted(folder.glob("*.npz")):
            facts = checkpoint.load_facts(path)
            if facts.ranges is not None:  # of quantization-aware training, which began from another one
                continue
            other = presets.parse(facts.preset, facts.classes, facts.channels)
            if (other.family, other.alpha, other.channels) == (preset.family, preset.alpha, preset.channels):
                found.append((abs(math.log(other.rho / preset.rho)), rank, str(path)))
    return Path(min(found)[2]) if found else None


def _published(preset: Preset) -> Beginning:
    """Return ImageNet's weights if Keras publishes them and they are on this machine or can be downloaded."""
    library.start()
    from models import imagenet

    if imagenet.nearest_published(preset) is None:
        return Beginning()
    try:
        return _imagenet(preset)
    except ConfigError as e:
        console.note(f"begins with random weights: {e}")
        return Beginning()


def _imagenet(preset: Preset) -> Beginning:
    library.start()
    from models import imagenet

    published = imagenet.nearest_published(preset)
    if published is None:
        imagenet.check_published(preset)  # says what is published
    with library.quiet():
        weights = imagenet.load(published or preset)
    return _fit("imagenet", weights, preset)


def _fit(name: str, weights: checkpoint.Weights, preset: Preset) -> Beginning:
    """Return the weights without those of a classifier of other classes."""
    for key, value in weights.items():
        if not np.isfinite(value).all():
            raise ConfigError(f"--weights {name}: {key} has values that are not finite; give other weights")
    classifier = next(layer.name for layer in preset.network().layers if layer.op == "dense")
    kernel = weights.get(f"{classifier}/kernel")
    if kernel is not None and kernel.shape[-1] != preset.classes:
        return Beginning(name, {k: v for k, v in weights.items() if not k.startswith(f"{classifier}/")})
    return Beginning(name, weights, has_classifier=True)


def texts(beginning: Beginning, wish: str | None) -> Iterator[str]:
    """Yield what the user should know of weights that were chosen for them."""
    if wish is None and beginning.weights is not None:
        yield f"begins with the weights of {beginning.name}; --weights random begins with none"
