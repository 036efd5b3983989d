"""Where the weights of a network come from, known before TensorFlow is imported."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from artifact import TRAINED_DIR as TRAINED_DIR
from artifact import no_such_file, sha256_of
from datasets import Identity
from errors import ConfigError
from models import checkpoint, presets
from models.presets import Preset

KERAS_SUFFIXES = (".keras", ".h5")
INPUT_RANGE = (-1.0, 1.0)


@dataclass(frozen=True)
class Source:
    """A network and its weights.

    `kind` is checkpoint, imagenet, random, weights (a .weights.h5) or keras (a whole model). `identity` decides the
    bytes of the built model. `labels` are the class names (empty if unknown), `input_range` the values that pixels 0
    and 255 stand for (None if unknown), `data` the name of the data set ("" if unknown), `trained_rho` the input's side
    in pixels with which a checkpoint was trained (0 for other kinds). `pictures_changed` says that the data set has
    other pictures now than those that the checkpoint was trained on. `rho` is the side in pixels that a Keras file gets
    where it leaves height and width open. `ranges` are those that quantization-aware training learned, by tensor.
    """

    kind: str
    name: str
    preset: Preset | None
    path: Path | None
    identity: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    input_range: tuple[float, float] | None = None
    data: str = ""
    trained_rho: int = 0
    pictures_changed: bool = False
    rho: int | None = None
    ranges: Mapping[str, tuple[float, float]] | None = None

    @property
    def rho_ratio(self) -> float:
        """How far the input's side is from that of training, as a factor of 1 or more."""
        if self.preset is None or not self.trained_rho:
            return 1.0
        ratio = self.preset.rho / self.trained_rho
        return max(ratio, 1 / ratio)

    def describe(self) -> str:
        """Return where the weights come from, for the line of `inv build`."""
        if self.path is None:
            return self.kind
        if self.kind != "checkpoint" or self.preset is None:
            return self.path.name
        data = f"{self.data}, whose pictures changed since" if self.pictures_changed else self.data
        if self.trained_rho == self.preset.rho:
            return f"{self.path.name} (trained {'for int8 ' if self.ranges else ''}on {data})"
        return (
            f"{self.path.name} (trained on {data} at ρ {self.trained_rho}; "
            f"`inv train --model {self.preset.name}` makes its own)"
        )


def trained_path(preset: Preset, data: Identity) -> Path:
    """Where `inv train` leaves the checkpoint of a preset and a data set: outside of build/, which may be deleted."""
    return TRAINED_DIR / f"{preset.name}.{data.key}.npz"


def quantized_path(preset: Preset, data: Identity) -> Path:
    """Where `inv train --quantize` leaves its checkpoint: beside the one in float."""
    return trained_path(preset, data).with_suffix(".quantized.npz")


def resolve(
    model: str, weights: str | None, data: Identity, labels: tuple[str, ...], channels: int, rho: int | None = None
) -> Source:
    """Return what `--model` and `--weights` mean with a data set of those labels.

    `rho` is the input's side in pixels of a Keras file whose height and width are open.

    Raises ConfigError if the preset or a file does not exist, or no checkpoint is known for preset and data.
    """
    if Path(model).suffix in KERAS_SUFFIXES:
        return _keras_file(Path(model), weights, rho)
    preset = presets.parse(model, classes=len(labels), channels=channels)
    random = {"weights": "random", "data": data.name}
    source = Source("random", preset.name, preset, None, random, labels, INPUT_RANGE, data.name)
    match weights:
        case None:
            return _known_checkpoint(preset, data)
        case "imagenet":
            thousand = presets.parse(model, classes=1000, channels=channels)
            return replace(
                source, kind="imagenet", preset=thousand, identity={"weights": "imagenet"}, labels=(), data="imagenet"
            )
        case "random":
            return source
    path = Path(weights)
    if not path.is_file():
        raise ConfigError(
            f"--weights {weights}: {no_such_file(path)}; give a .keras, .h5, .weights.h5 or .npz, imagenet or random"
        )
    if path.suffix == ".npz":
        return _checkpoint(path, preset, data)
    if path.suffix not in KERAS_SUFFIXES:
        raise ConfigError(
            f"--weights {weights}: expected .keras, .h5, .weights.h5 or .npz, got {path.suffix or 'no suffix'}"
        )
    return replace(source, kind="weights", path=path, identity={"file": sha256_of(path)})


def _keras_file(path: Path, weights: str | None, rho: int | None) -> Source:
    if not path.is_file():
        raise ConfigError(f"--model {path}: {no_such_file(path)}")
    if weights is not None:
        raise ConfigError(f"--weights {weights}: {path.name} has weights of its own; leave --weights out")
    side = {} if rho is None else {"rho": str(rho)}
    return Source("keras", path.stem, None, path, {"file": sha256_of(path), **side}, rho=rho)


def _known_checkpoint(preset: Preset, data: Identity) -> Source:
    """Return the user's own training of the preset on the data, else the checkpoint that we ship.

    What quantization-aware training made of it goes before it, until the checkpoint that it began from changes. Where
    there is none at the preset's rho, those at another rho serve: the weights of a convolution do not depend on the
    size of its input.
    """
    for path in (trained_path(preset, data), checkpoint.shipped_path(preset.name, data.name)):
        if path.is_file():
            return _checkpoint(_quantized(path, preset, data) or path, preset, data)
    for path in _at_other_rho(preset, data):
        if checkpoint.load_facts(path).channels == preset.channels:
            return _checkpoint(path, preset, data)
    shipped = sorted(p.stem.replace(".", " on ") for p in checkpoint.SHIPPED_DIR.glob("*.npz"))
    raise ConfigError(
        f"--model {preset.name}: no checkpoint for {data.name} (shipped: {', '.join(shipped)}); "
        f"`inv train --model {preset.name} --data {data.name}` makes one, or give --weights imagenet or a file"
    )


def _quantized(path: Path, preset: Preset, data: Identity) -> Path | None:
    """Return the checkpoint that quantization-aware training made of the one at `path`, if there is one."""
    quantized = quantized_path(preset, data)
    if not quantized.is_file() or checkpoint.load_facts(quantized).quantized_from != sha256_of(path):
        return None
    return quantized


def float_checkpoint(source: Source, data: Identity) -> Path | None:
    """Return the float checkpoint that a source is or was trained from for int8, None without one."""
    if source.kind != "checkpoint" or source.path is None or source.preset is None:
        return None
    if checkpoint.load_facts(source.path).quantized_from is None:
        return source.path
    known = (trained_path(source.preset, data), checkpoint.shipped_path(source.preset.name, data.name))
    return next((path for path in known if path.is_file()), None)


def _at_other_rho(preset: Preset, data: Identity) -> Iterator[Path]:
    """Yield checkpoints of the preset at another rho, the nearest first; the user's own before those that we ship."""
    sides = [rho for rho in range(presets.RHO_MIN, presets.RHO_MAX + 1, presets.RHO_STEP) if rho != preset.rho]
    sides.sort(key=lambda rho: (abs(math.log(rho / preset.rho)), -rho))
    nearest = [replace(preset, rho=rho) for rho in sides]
    paths = [trained_path(other, data) for other in nearest]
    paths += [checkpoint.shipped_path(other.name, data.name) for other in nearest]
    yield from (path for path in paths if path.is_file())


def _checkpoint(path: Path, preset: Preset, data: Identity) -> Source:
    facts = checkpoint.load_facts(path)
    base = presets.parse(facts.preset, classes=facts.classes, channels=facts.channels)
    if (base.family, base.alpha) != (preset.family, preset.alpha):
        raise ConfigError(f"{path}: weights are of {base.name}, not of {preset.name}; give --model {base.name}")
    if preset.channels not in (3, base.channels):  # 3 is the default of --channels
        raise ConfigError(
            f"--channels {preset.channels}: {path.name} takes {base.channels}; leave it out, or `inv train` another"
        )
    # The classes and channels are the checkpoint's; rho may be another, since convolutions do not depend on it.
    own = replace(base, rho=preset.rho)
    changed = facts.data == data.name and facts.pictures is not None and facts.pictures != data.digest
    identity = {"file": sha256_of(path), "about": sha256_of(path.with_suffix(".json"))}
    ranges = facts.ranges if own == base else None  # those of another side are others
    return Source(
        "checkpoint", own.name, own, path, identity, facts.labels, facts.input_range, facts.data, base.rho, changed,
        ranges=ranges,
    )  # fmt: skip
