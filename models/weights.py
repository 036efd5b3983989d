"""Where the weights of a network come from, known before TensorFlow is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifact import BUILD_DIR, no_such_file, sha256_of
from errors import ConfigError
from models import checkpoint, presets
from models.presets import Preset

TRAINED_DIR = BUILD_DIR / "trained"
KERAS_SUFFIXES = (".keras", ".h5")
INPUT_RANGE = (-1.0, 1.0)


@dataclass(frozen=True)
class Source:
    """A network and its weights.

    `kind` is checkpoint, imagenet, random, weights (a .weights.h5) or keras (a whole model).
    `about` holds labels (tuple of class names, empty if unknown), input_range and data; `identity` is what decides
    the bytes of the built model.
    """

    kind: str
    name: str
    preset: Preset | None
    path: Path | None
    about: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)


def trained_path(preset: Preset, data: str) -> Path:
    """Where `inv train` leaves the checkpoint of a preset and a data set."""
    return TRAINED_DIR / f"{preset.name}.{data.replace(':', '-')}.npz"


def resolve(model: str, weights: str | None, data: str, labels: tuple[str, ...], channels: int) -> Source:
    """Return what `--model` and `--weights` mean with a data set of those labels.

    Raises ConfigError if the preset or a file does not exist, or no checkpoint is known for preset and data.
    """
    if Path(model).suffix in KERAS_SUFFIXES:
        return _keras_file(Path(model), weights)
    preset = presets.parse(model, classes=len(labels), channels=channels)
    about: dict[str, Any] = {"labels": labels, "input_range": INPUT_RANGE, "data": data}
    match weights:
        case None:
            return _known_checkpoint(preset, data)
        case "imagenet":
            preset = presets.parse(model, classes=1000, channels=channels)
            return Source(
                "imagenet",
                preset.name,
                preset,
                None,
                about | {"labels": (), "data": "imagenet"},
                {"weights": "imagenet"},
            )
        case "random":
            return Source("random", preset.name, preset, None, about, {"weights": "random", "data": data})
    path = Path(weights)
    if not path.is_file():
        raise ConfigError(
            f"--weights {weights}: {no_such_file(path)}; give a .keras, .h5, .weights.h5 or .npz, imagenet or random"
        )
    if path.suffix == ".npz":
        return _checkpoint(path, preset)
    if path.suffix not in KERAS_SUFFIXES:
        raise ConfigError(
            f"--weights {weights}: expected .keras, .h5, .weights.h5 or .npz, got {path.suffix or 'no suffix'}"
        )
    return Source("weights", preset.name, preset, path, about, {"file": sha256_of(path)})


def _keras_file(path: Path, weights: str | None) -> Source:
    if not path.is_file():
        raise ConfigError(f"--model {path}: {no_such_file(path)}")
    if weights is not None:
        raise ConfigError(f"--weights {weights}: {path.name} has weights of its own; leave --weights out")
    return Source("keras", path.stem, None, path, {}, {"file": sha256_of(path)})


def _known_checkpoint(preset: Preset, data: str) -> Source:
    """Return the user's own training of the preset on the data, else the checkpoint that we ship."""
    for path in (trained_path(preset, data), checkpoint.shipped_path(preset.name, data)):
        if path.is_file():
            return _checkpoint(path, preset)
    shipped = sorted(p.stem.replace(".", " on ") for p in checkpoint.SHIPPED_DIR.glob("*.npz"))
    raise ConfigError(
        f"--model {preset.name}: no checkpoint for {data} (shipped: {', '.join(shipped)}); "
        f"`inv train --model {preset.name} --data {data}` makes one, or give --weights imagenet or a file"
    )


def _checkpoint(path: Path, preset: Preset) -> Source:
    about = checkpoint.load_about(path)
    base = presets.parse(about["preset"], classes=about["classes"], channels=about["channels"])
    if (base.family, base.alpha) != (preset.family, preset.alpha):
        raise ConfigError(f"{path}: weights are of {base.name}, not of {preset.name}; give --model {base.name}")
    if preset.channels not in (3, base.channels):  # 3 is what stands there if nothing was asked
        raise ConfigError(
            f"--channels {preset.channels}: {path.name} takes {base.channels}; leave it out, or `inv train` another"
        )
    # The classes and channels are the checkpoint's; rho may be another, since convolutions do not care.
    own = Preset(preset.family, preset.alpha, preset.rho, base.classes, base.channels)
    kept = {"labels": tuple(about["labels"]), "input_range": tuple(about["input_range"]), "data": about["data"]}
    return Source(
        "checkpoint",
        own.name,
        own,
        path,
        kept,
        {"file": sha256_of(path), "about": sha256_of(path.with_suffix(".json"))},
    )
