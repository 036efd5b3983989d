"""Full int8 conversion with a representative data set, and its cost in accuracy. Imports TensorFlow late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from artifact import Artifact, no_such_file, produce, sha256_of, versions, write_atomic
from calibration import agreement, checks, converter, evaluate, examples, float_outputs
from calibration import labels as label_maps
from calibration.checks import Quantized, QuantizedTensor
from calibration.comparison import Comparison, Improvement
from calibration.examples import Examples
from calibration.input_range import held_range, range_by_scale
from calibration.meaning import Meaning
from console.quiet import output_to
from datasets import Dataset, sample
from errors import ConfigError
from fields import Json
from models.build import KerasFacts, PresetFacts

FILENAME = "model.tflite"
LOG = "converter.log"
TWIN = "float.keras"
"""The float network with the channels of the improved one, beside it: the same tensors, to compare layer by layer."""
PICTURES = 200
HELD_OUT = 1000
DECIDING = 200
"""Pictures of the training split, beside those to calibrate with, on which a method has to gain to be used."""
FEW = 20
"""Deciding pictures below which those to calibrate with decide too."""
METHOD = 2
"""Counts up where the improved conversion gives other bytes for the same inputs."""
RANDOM_SEED = 0


@dataclass(frozen=True)
class Settings:
    """How to calibrate: pictures in the representative data set, pictures held out for the check, seed.

    With `is_plain` nothing is done beyond TensorFlow's own conversion.
    """

    pictures: int = PICTURES
    held_out: int = HELD_OUT
    seed: int = RANDOM_SEED
    is_plain: bool = False


@dataclass(frozen=True)
class Int8Facts:
    """Facts of an int8 model: those of its network, its input and output, and how it compares with the float model.

    `input_shape` is that of the input, (1, h, w, channels) for pictures; `classes` is None where the outputs are not
    those of a classifier, and `meaning` says what they are. `input_range` are the float values of pixels 0 and 255,
    None where they are not known, as of a network that does not take pictures; `range_from` says where they are from:
    as in KerasFacts, "scale" (the input's) or "unknown". `tensors` and `operators` are counts. `parameters`,
    `preset` and `check` are None for a .tflite from elsewhere; `damaged_pictures` names the files of the data set that
    could not be read. `more_inputs` are the inputs behind the first, which only a .tflite from elsewhere has.
    `improvement` is None after a plain conversion.
    """

    input_shape: tuple[int, ...]
    classes: int | None
    labels: tuple[str, ...]
    input_range: tuple[float, float] | None
    input: QuantizedTensor
    outputs: tuple[QuantizedTensor, ...]
    meaning: Meaning
    tensors: int
    operators: Mapping[str, int]
    parameters: int | None = None
    preset: PresetFacts | None = None
    check: Comparison | None = None
    damaged_pictures: tuple[str, ...] = ()
    range_from: str = "weights"
    more_inputs: tuple[QuantizedTensor, ...] = ()
    improvement: Improvement | None = None

    @property
    def inputs(self) -> tuple[QuantizedTensor, ...]:
        """All inputs, in the model's order."""
        return (self.input, *self.more_inputs)


def calibrate(model: Artifact[KerasFacts], data: Dataset, settings: Settings) -> Artifact[Int8Facts]:
    """Return the int8 form of a Keras artifact: kind `int8`, int8 in and out, batch 1, per-channel weights.

    The improved form begins with the plain one, which becomes an artifact too. Raises CalibrationError if something
    stays in float or a scale is degenerate.
    """
    _expect_pictures_and_labels(model, data)
    return _produced(model, data, _select(model, data, settings))


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Examples to calibrate with, to compare with float, and to decide with; no `deciding` for a plain conversion."""

    seed: int
    inputs: Examples
    test: Examples
    deciding: Examples | None


def _select(model: Artifact[KerasFacts], data: Dataset, settings: Settings) -> _Chosen:
    known, where = model.facts, f"--data {data.name}"
    chosen = sample(data.train, min(settings.pictures, len(data.train)), settings.seed)
    held_out = sample(data.test, min(settings.held_out, len(data.test)), settings.seed)
    return _Chosen(
        settings.seed,
        examples.select(data.train, chosen, known, where),
        examples.select(data.test, held_out, known, where),
        None if settings.is_plain else examples.select(data.train, _deciding(data, settings), known, where),
    )


def _produced(model: Artifact[KerasFacts], data: Dataset, chosen: _Chosen) -> Artifact[Int8Facts]:
    """Return the artifact that is made with chosen examples; the improved form makes that of the plain one too."""
    deciding = chosen.deciding

    def make(folder: Path) -> Int8Facts:
        if deciding is None:
            return _convert_into(folder, model, data, chosen)
        return _improve_into(folder, model, data, chosen, deciding)

    return produce(
        "int8",
        model.name,
        FILENAME,
        Int8Facts,
        make,
        parents={model.kind: model.sha256},
        tools=versions("tensorflow", "keras", "ai-edge-litert"),
        parameters={
            **_facts_beside_the_file(model.facts),
            "data": data.name,
            "pictures": len(chosen.inputs.labels),
            "seed": chosen.seed,
            "digest": chosen.inputs.digest(),
            "held_out": chosen.test.digest(with_labels=True),
            "method": "plain" if deciding is None else f"improved {METHOD}",
            "deciding": "" if deciding is None else deciding.digest(),
        },
    )


def _convert_into(folder: Path, model: Artifact[KerasFacts], data: Dataset, chosen: _Chosen) -> Int8Facts:
    """Write the plain int8 file into a folder and return its facts."""
    target = folder / FILENAME
    target.write_bytes(_convert(model.path, chosen.inputs.real(), folder / LOG))
    exact = _exact(model, chosen.test, folder / LOG)
    float_outputs.save(folder, exact)
    return _checked(model, target, chosen.test, data, exact)


def _improve_into(
    folder: Path, model: Artifact[KerasFacts], data: Dataset, chosen: _Chosen, deciding: Examples
) -> Int8Facts:
    """Write the improved int8 file into a folder if it is nearer to float, else the plain one; return its facts."""
    target, plain = folder / FILENAME, _produced(model, data, replace(chosen, deciding=None))
    target.write_bytes(plain.path.read_bytes())
    improvement = replace(_improve(model, target, chosen.inputs, deciding), plain=plain.facts.check)
    if improvement.refusal:
        return replace(plain.facts, improvement=improvement)
    exact = float_outputs.load(plain.path.parent) or _exact(model, chosen.test, folder / LOG)
    return replace(_checked(model, target, chosen.test, data, exact), improvement=improvement)


def _deciding(data: Dataset, settings: Settings) -> npt.NDArray[np.int64]:
    """Return the training pictures that decide: those behind the ones to calibrate with, with them if they are few."""
    count = min(settings.pictures, len(data.train))
    both = sample(data.train, min(count + DECIDING, len(data.train)), settings.seed)
    return both[count:] if len(both) - count >= FEW else both


def _checked(
    model: Artifact[KerasFacts], target: Path, test: Examples, data: Dataset, exact: list[npt.NDArray[np.float32]]
) -> Int8Facts:
    """Return the facts of a converted file, and how it compares with float. Raises CalibrationError, see `inspect`."""
    known = model.facts
    facts = _facts(checks.inspect(target, f"--model {model.name}"), known.labels, known.input_range)
    return replace(
        facts,
        parameters=known.parameters,
        preset=known.preset,
        range_from=known.range_from,
        damaged_pictures=data.damaged,
        check=_compare(known, target, facts, test, data, exact),
    )


def _facts_beside_the_file(known: KerasFacts) -> dict[str, Json]:
    """Return the facts of a network that its file does not hold, and which change what is produced from it."""
    learned: dict[str, Json] = {} if known.ranges is None else {"ranges": known.ranges}
    return {"input_range": known.input_range, "range_from": known.range_from, "labels": known.labels, **learned}


def _expect_pictures_and_labels(model: Artifact[KerasFacts], data: Dataset) -> None:
    known = model.facts
    if known.labels and known.classes is not None and known.classes != len(known.labels):
        raise ConfigError(f"{model.path}: {known.classes} classes but {len(known.labels)} labels")
    if min(len(data.train), len(data.test)) == 0:
        raise ConfigError(
            f"--data {data.name}: expected pictures to calibrate and to check with, has {len(data.train)} to train "
            f"and {len(data.test)} to test with; give at least 2 a class"
        )


def _facts(quantized: Quantized, labels: tuple[str, ...], input_range: tuple[float, float] | None) -> Int8Facts:
    """Return the facts of a checked file whose network is not known."""
    return Int8Facts(
        input_shape=quantized.input.shape,
        classes=quantized.meaning.classes,
        labels=labels,
        input_range=input_range,
        input=quantized.input,
        outputs=quantized.outputs,
        meaning=quantized.meaning,
        tensors=quantized.tensors,
        operators=quantized.operators,
        more_inputs=quantized.more_inputs,
    )


def adopt(path: Path, labels: tuple[str, ...], input_range: tuple[float, float] | None) -> Artifact[Int8Facts]:
    """Return an int8 .tflite from elsewhere as an artifact of kind `int8`.

    Without `input_range` it is derived from the scale and zero point of the input, see `range_by_scale`.
    `labels` are for a classifier and left out of other networks' facts. Raises ConfigError if the file is missing,
    float or dynamic.
    """
    if not path.is_file():
        raise ConfigError(f"--model {path}: {no_such_file(path)}")

    def make(folder: Path) -> Int8Facts:
        quantized = checks.inspect(path)
        write_atomic(folder / FILENAME, path.read_bytes())
        classes = quantized.meaning.classes
        names = label_maps.fit(labels, classes) if classes is not None else ()
        if names and classes != len(names):
            raise ConfigError(
                f"--model {path}: it has {classes} classes, the data set {len(labels)}; give its own --data or --labels"
            )
        own_range, origin = (input_range, "option") if input_range else range_by_scale(quantized.first)
        return replace(_facts(quantized, names, own_range), range_from=origin)

    parameters: dict[str, Json] = {"file": sha256_of(path), "labels": labels, "input_range": input_range or ()}
    tools = versions("ai-edge-litert")
    return produce("int8", path.stem, FILENAME, Int8Facts, make, tools=tools, parameters=parameters)


def expect_range(facts: Int8Facts, name: str) -> tuple[float, float]:
    """Return the float values of pixels 0 and 255. Raises ConfigError where they are not known."""
    if facts.input_range is None:
        is_real = facts.input.dtype == "float32"
        holds = "any value" if is_real else "{:.4g} to {:.4g}".format(*held_range(facts.input))
        raise ConfigError(f"--model {name}: its input holds {holds}; give the range with --input-range LOW,HIGH")
    return facts.input_range


_convert = converter.plain


def _improve(model: Artifact[KerasFacts], plain: Path, inputs: Examples, held_out: Examples) -> Improvement:
    """Put the improved form into the place of the plain one, where it is nearer to float."""
    from calibration.improve.improve import Job, improve

    log, twin, ranges = plain.parent / LOG, plain.parent / TWIN, model.facts.ranges
    data, improvement = improve(Job(model.path, plain, log, twin, inputs, held_out, ranges))
    if data is not None:
        plain.write_bytes(data)
    return improvement


def _exact(model: Artifact[KerasFacts], test: Examples, log: Path) -> list[npt.NDArray[np.float32]]:
    with output_to(log):
        return evaluate.keras_outputs(model.path, test.real())


def _compare(
    known: KerasFacts, int8: Path, facts: Int8Facts, test: Examples, data: Dataset,
    exact: list[npt.NDArray[np.float32]],
) -> Comparison:  # fmt: skip
    """Compare float outputs and int8 on held-out examples; top-1 only where the classes are those of the data set."""
    meaning, tensors, count = facts.meaning, facts.outputs, len(test.labels)
    exact = agreement.in_order(exact, tensors)
    stored = evaluate.split(evaluate.answers(int8, test.quantized(facts.input)), tensors)
    share = agreement.agreement(exact, stored, tensors, meaning)
    divergence = agreement.divergence(exact, stored, tensors)
    classes = None
    if facts.classes is not None:
        classes = label_maps.align(known.labels, data.class_names, facts.classes)
    if classes is None:
        return Comparison(count, data.name, share, divergence=divergence)
    truth, end = classes[test.labels], tensors[0]
    float_top1 = meaning.predicted(exact[0].reshape(count, -1), 0, 0)
    int8_top1 = meaning.predicted(stored[0], end.scale, end.zero_point)
    float_share, int8_share = (float((top1 == truth).mean()) for top1 in (float_top1, int8_top1))
    return Comparison(count, data.name, share, float_share, int8_share, divergence)
