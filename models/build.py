"""The first step: a Keras model with weights, batch 1, as one file of reproducible bytes. Imports TensorFlow late."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifact import Artifact, produce, versions, write_zip
from console.quiet import output_to
from errors import ConfigError
from fields import Json
from models import checkpoint, keras_file
from models import input_range as input_ranges
from models.presets import Preset
from models.weights import Source

if TYPE_CHECKING:
    import keras

FILENAME = "model.keras"
LOG = "tensorflow.log"
ASSUMED_RANGE = (-1.0, 1.0)


@dataclass(frozen=True)
class PresetFacts:
    """The preset of a network: its name, family, width multiplier, input side in pixels, and multiply-accumulates."""

    name: str
    family: str
    alpha: float
    rho: int
    macs: int


@dataclass(frozen=True)
class KerasFacts:
    """Facts of a Keras model.

    `input_shape` is (1, h, w, channels) for pictures, else any with batch 1; `labels` are the names of its classes,
    empty if unknown; `input_range` the float values of pixels 0 and 255, and `range_from` where they are from:
    "weights" (a preset or its checkpoint), "option", "file" (the layers with which the network prepares its input) or
    "assumed". `classes` is None for several outputs, maps and autoencoders, and 2 for one value. `parameters` counts
    all weights; `preset` is None for a user's own network. `ranges` are those of the tensors of its folded graph that
    quantization-aware training learned, None without it.
    """

    input_shape: tuple[int, ...]
    classes: int | None
    labels: tuple[str, ...]
    input_range: tuple[float, float]
    parameters: int
    preset: PresetFacts | None = None
    range_from: str = "weights"
    ranges: Mapping[str, tuple[float, float]] | None = None


def build(
    source: Source, labels: tuple[str, ...], input_range: tuple[float, float] | None = None
) -> Artifact[KerasFacts]:
    """Return the Keras model of a source as an artifact of kind `keras`: float32 input of batch 1.

    `labels` and `input_range` are used where the source does not know its own. The range of a user's network is the
    one that is given, else the one that its first layers say, else the assumed one, -1 to 1.
    Raises ConfigError if weights and network do not belong together.
    """
    own_labels = tuple(source.labels or labels)
    known_range = source.input_range or input_range
    about: dict[str, Json] = {"labels": own_labels, "input_range": known_range or ()}
    if input_range is not None and known_range != input_range:
        raise ConfigError(
            f"--input-range: {source.name} takes {list(known_range or ())}, got {list(input_range)}; leave it out"
        )
    preset = source.preset
    parameters: dict[str, Json] = {"source": source.identity, "kind": source.kind, "about": about}
    if preset:
        parameters["preset"] = [preset.family, preset.alpha, preset.rho, preset.classes, preset.channels]

    def make(folder: Path) -> KerasFacts:
        with output_to(folder / LOG):
            model = _with_weights(source)
            _check(model, source, len(own_labels))
            _save(model, folder / FILENAME)
            chosen = known_range or input_ranges.read(model)
        return KerasFacts(
            input_shape=tuple(int(size) for size in model.input_shape),
            classes=_classes(model),
            labels=own_labels,
            input_range=chosen or ASSUMED_RANGE,
            parameters=int(model.count_params()),
            preset=_preset_facts(preset) if preset else None,
            range_from=_range_from(source, input_range, chosen),
            ranges=source.ranges,
        )

    tools = versions("tensorflow", "keras")
    return produce("keras", source.name, FILENAME, KerasFacts, make, tools=tools, parameters=parameters)


def _range_from(source: Source, given: tuple[float, float] | None, chosen: tuple[float, float] | None) -> str:
    if source.input_range is not None:
        return "weights"
    if given is not None:
        return "option"
    return "file" if chosen is not None else "assumed"


def _preset_facts(preset: Preset) -> PresetFacts:
    return PresetFacts(preset.name, preset.family, preset.alpha, preset.rho, preset.network().macs)


def _with_weights(source: Source) -> keras.Model:
    from models import keras_model

    if source.kind == "keras":
        assert source.path is not None
        return keras_file.load(source.path, source.rho)
    assert source.preset is not None
    model = keras_model.build(source.preset.network(), batch=1, name=source.name)
    match source.kind:
        case "checkpoint":
            assert source.path is not None
            keras_model.set_weights(model, checkpoint.load(source.path))
        case "imagenet":
            from models import imagenet

            keras_model.set_weights(model, imagenet.load(source.preset))
        case "random":
            from models import scaled_random

            scaled_random.initialize(model)
        case "weights":
            assert source.path is not None
            _load_weights(model, source.path)
    return model


def _load_weights(model: keras.Model, path: Path) -> None:
    """Load a .weights.h5, or the weights of a whole .keras or .h5 model of the same network."""
    try:
        if path.name.endswith(".weights.h5"):
            model.load_weights(path)
        else:
            model.set_weights(keras_file.load(path).get_weights())
    except (ValueError, OSError, KeyError) as e:
        raise ConfigError(f"--weights {path}: not the weights of {model.name} ({keras_file.first_line(e)})") from e


def _check(model: keras.Model, source: Source, labels: int) -> None:
    classes = _classes(model)
    if labels and classes is not None and classes != labels:
        raise ConfigError(
            f"--model {source.name}: it has {classes} classes, the labels are {labels}; give its own --data or --labels"
        )


def _classes(model: keras.Model) -> int | None:
    """Return the number of classes of a network with one vector out; one value is for two classes.

    None for several outputs, maps, and autoencoders, which give their input again.
    """
    shapes = [tuple(tensor.shape) for tensor in model.outputs]
    sizes = [size for size in shapes[0][1:] if size != 1]
    is_input_again = shapes[0] == tuple(model.input_shape) and math.prod(sizes) > 2
    if len(shapes) != 1 or len(sizes) > 1 or is_input_again:
        return None
    return int(sizes[0]) if sizes else 2


def _save(model: keras.Model, path: Path) -> None:
    """Save as .keras without what Keras puts in of day and process: the same weights give the same bytes."""
    raw = path.with_suffix(".raw.keras")
    model.save(raw)
    with zipfile.ZipFile(raw) as source:
        write_zip(path, ((name, _reproducible(name, source.read(name))) for name in sorted(source.namelist())))
    raw.unlink()


def _reproducible(name: str, data: bytes) -> bytes:
    """Return a file of a .keras without what Keras puts in of day and process."""
    if name == "metadata.json":
        return json.dumps({"keras_version": json.loads(data)["keras_version"], "date_saved": ""}).encode()
    return _number_shared_objects(data) if name == "config.json" else data


def _number_shared_objects(config: bytes) -> bytes:
    """Replace shared_object_id, which Keras takes from memory addresses, by the order of first appearance."""
    seen: dict[bytes, bytes] = {}
    return re.sub(
        rb'(?<="shared_object_id": )\d+', lambda m: seen.setdefault(m[0], str(len(seen) + 1).encode()), config
    )
