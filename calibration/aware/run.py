"""`inv train --quantize`: from a float checkpoint to one whose weights and ranges are trained for int8.

Imports TensorFlow late.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import console
import datasets
from artifact import sha256_of
from datasets import Dataset
from errors import ConfigError
from models import checkpoint, weights
from models.presets import Preset
from models.training import data_checks, library

if TYPE_CHECKING:
    from calibration.aware.pictures import Pictures
    from models.folded.graph import Folded, Range

STEPS = 100
LEARNING_RATE = 3e-5
BATCH = 64
CALIBRATION_PICTURES = 200


@dataclass(frozen=True)
class Wishes:
    """Options of quantization-aware training; `learning_rate` is relative to the largest weight of each channel."""

    steps: int = STEPS
    batch: int = BATCH
    learning_rate: float = LEARNING_RATE
    flip: bool = True
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """Top-1 on `pictures` test pictures, all as fractions, and how often int8 agrees with its own float network.

    `float_before` is that of the checkpoint. The control is trained in float with the same steps, pictures and rate,
    and then converted as `inv calibrate` does; the quantized network is trained for int8. Both begin with the same
    weights.
    """

    pictures: int
    float_before: float
    control_float: float
    control_int8: float
    control_agreement: float
    quantized_float: float
    quantized_int8: float
    quantized_agreement: float


def run(
    model: str, data: str, given: str | None, channels: int, wishes: Wishes, out: str | None, command: str
) -> tuple[Path, checkpoint.CheckpointFacts, Outcome]:
    """Train for int8, and write the checkpoint with its ranges beside the float one.

    Raises ConfigError if there is no float checkpoint to begin with, and TrainingError if training diverges.
    """
    dataset = datasets.load(data)
    data_checks.check(dataset)
    preset, before = _float_checkpoint(model, given, dataset, channels)
    facts = checkpoint.load_facts(before)
    if facts.labels != tuple(dataset.class_names):
        raise ConfigError(f"--data {data}: its classes are not those of {before.name}; give the data it was trained on")
    path = checkpoint.path_of_option(out) if out else weights.quantized_path(preset, dataset.identity)
    console.note(f"begins with the weights of {before.name}")
    library.start()
    from calibration.aware.pictures import Pictures

    exact = folded(preset, before)
    graph, ranges, outcome = _train(exact, Pictures(dataset, exact.input.shape), wishes)
    from calibration.aware.unfold import unfold

    known = replace(
        facts, preset=preset.name, data=dataset.name, pictures=dataset.digest or None, stored_as="float32",
        float_top1=round(outcome.quantized_float, 4), test_pictures=outcome.pictures, command=command,
        recipe=asdict(wishes), history=None, begins_with=before.name, held_out_pictures=None, kept_epoch=None,
        confusion=None, ranges=ranges, quantized_from=sha256_of(before),
        quantized={name: round(value, 4) for name, value in asdict(outcome).items()},
    )  # fmt: skip
    checkpoint.save(path, unfold(graph, preset), known, np.float32)
    return path, known, outcome


def _float_checkpoint(model: str, given: str | None, data: Dataset, channels: int) -> tuple[Preset, Path]:
    """Return the preset and the float checkpoint to begin with."""
    source = weights.resolve(model, given, data.identity, data.class_names, channels)
    path = weights.float_checkpoint(source, data.identity)
    if path is None or source.preset is None:
        raise ConfigError(
            f"--quantize: begins with a checkpoint of `inv train`, got {source.describe()}; train without it first"
        )
    if source.rho_ratio != 1:
        raise ConfigError(
            f"--quantize: {path.name} was trained at ρ {source.trained_rho}, not {source.preset.rho}; "
            f"`inv train --model {source.preset.name}` first"
        )
    return source.preset, path


def folded(preset: Preset, path: Path) -> Folded:
    """Return the folded graph of a preset with the weights of a checkpoint."""
    from models import keras_model
    from models.folded import read

    network = keras_model.build(preset.network(), batch=1, name=preset.name)
    keras_model.set_weights(network, checkpoint.load(path))
    return read.from_keras(network)


def _train(exact: Folded, pictures: Pictures, wishes: Wishes) -> tuple[Folded, dict[str, Range], Outcome]:
    """Train the control and the quantized network, and measure both on the test pictures."""
    from calibration.aware import fine_tuning
    from calibration.improve import choose

    inputs, labels = pictures.calibration(CALIBRATION_PICTURES), pictures.data.test.labels
    begin, ranges = fine_tuning.beginning(exact, inputs)
    settings = fine_tuning.Settings(
        wishes.steps, wishes.batch, wishes.learning_rate, flip=wishes.flip, seed=wishes.seed
    )
    train = pictures.data.train
    with console.status_bar("train", 2 * wishes.steps) as show:
        control, _ = fine_tuning.fine_tune(begin, None, train, settings, lambda done: show(done, "control in float"))
        quantized, ranges = fine_tuning.fine_tune(
            begin, ranges, train, settings, lambda done: show(wishes.steps + done, "int8"), control
        )
    known = choose.choose(control, inputs, pictures.deciding(CALIBRATION_PICTURES), weights.INPUT_RANGE)
    with console.status_bar("evaluate", 5) as show:
        floats = []
        for one in (exact, control, quantized):
            floats.append(pictures.float_classes(one))
            show(len(floats), "float")
        of_control = pictures.int8_classes(known.graph, known.ranges)
        show(4, "int8")
        ints = (of_control, pictures.int8_classes(quantized, ranges))
    top1 = [float((answers == labels).mean()) for answers in (*floats, *ints)]
    agreement = [float((a == b).mean()) for a, b in zip(floats[1:], ints, strict=True)]
    outcome = Outcome(len(labels), top1[0], top1[1], top1[3], agreement[0], top1[2], top1[4], agreement[1])
    return quantized, ranges, outcome


def rows(outcome: Outcome) -> list[list[str]]:
    """Return the table of an outcome: what it is, float, int8, and how often they agree, in percent."""
    percent = [f"{100 * value:.2f} %" for value in (
        outcome.float_before, outcome.control_float, outcome.control_int8, outcome.control_agreement,
        outcome.quantized_float, outcome.quantized_int8, outcome.quantized_agreement,
    )]  # fmt: skip
    return [
        ["before", percent[0], "", ""],
        ["float control, same steps", *percent[1:4]],
        ["quantization-aware", *percent[4:7]],
    ]
