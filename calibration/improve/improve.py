"""The improved int8 form of a Keras network, where it is nearer to float than the plain one. Imports TensorFlow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import checks, converter, evaluate
from calibration.comparison import Improvement, StepScore, TensorCost
from calibration.examples import Examples
from calibration.improve.choose import Chosen, Step, choose
from calibration.improve.costs import costs
from calibration.improve.score import Score, score
from console.quiet import output_to
from models.folded import run
from models.folded.graph import Floats, Folded, Ranges, UnknownLayer
from models.folded.read import from_keras
from models.folded.to_keras import to_keras

FILENAME = "improved.tflite"
TWIN_PICTURES = 2
TWIN_TOLERANCE = 1e-3
"""How far the folded graph may be from the Keras model, over the largest output."""
SHOWN_TENSORS = 5
GAIN = 0.6
"""The improved file is used if its distance from float is below this part of the plain one's.

With less, both have the classes of float as often, and the file that was changed less is the better choice.
"""


@dataclass(frozen=True)
class Job:
    """A network to improve: its Keras file, its plain int8 file, and where to write.

    `twin` is for the float network with the channels of the improved one: the same tensors. `inputs` are the
    calibration examples, `held_out` others of the training split. `ranges` are those that quantization-aware training
    learned: they are taken as they are, with the weights that it learned with them.
    """

    keras: Path
    plain: Path
    log: Path
    twin: Path
    inputs: Examples
    held_out: Examples
    ranges: Ranges | None = None


def improve(job: Job) -> tuple[bytes | None, Improvement]:
    """Return the improved .tflite and what was done; None and the reason where the plain one is to be used.

    Where it is improved, its float twin is written too. Raises CalibrationError if the converter fails.
    """
    try:
        with output_to(job.log):
            graph = _twin(job)
            chosen = _chosen(graph, job)
            worst = costs(chosen.graph, chosen.ranges, job.held_out.real())
    except UnknownLayer as e:
        return None, Improvement(refusal=str(e))
    data = converter.with_ranges(chosen.graph, chosen.ranges, job.keras, job.log)
    path = job.log.parent / FILENAME
    path.write_bytes(data)
    refusal, steps = _verdict(path, job, chosen)
    path.unlink()
    if not refusal:
        with output_to(job.log):
            to_keras(chosen.twin, batch=1).save(job.twin)
    ranked = sorted(worst.items(), key=lambda item: -item[1])[:SHOWN_TENSORS]
    told = Improvement(refusal, len(job.held_out.labels), steps, tuple(TensorCost(*item) for item in ranked))
    return (None if refusal else data), told


def _twin(job: Job) -> Folded:
    """Return the folded graph, checked against the Keras model. Raises UnknownLayer."""
    model = evaluate.loaded(job.keras)
    graph = from_keras(model)
    inputs = job.inputs.real()[:TWIN_PICTURES]
    expected = np.concatenate([np.asarray(model(one[None], training=False)) for one in inputs])
    difference = np.abs(run.outputs(graph, inputs).numpy() - expected).max()
    if not difference <= TWIN_TOLERANCE * np.abs(expected).max():
        raise UnknownLayer(f"folded, the network says something else (by {difference:.3g})")
    return graph


def _chosen(graph: Folded, job: Job) -> Chosen:
    if job.ranges is not None:
        return Chosen(graph, job.ranges, (), graph, run.outputs(graph, job.held_out.real()).numpy())
    is_pixels = job.inputs.stored.dtype == np.uint8
    return choose(graph, job.inputs.real(), job.held_out.real(), job.inputs.input_range if is_pixels else None)


def _verdict(path: Path, job: Job, chosen: Chosen) -> tuple[str, tuple[StepScore, ...]]:
    """Return why the improved file is not to be used, "" if it is, and the scores of all steps."""
    plain, improved = checks.inspect(job.plain), checks.inspect(path)
    before, after = (
        _score(file, facts, job.held_out, chosen.exact) for file, facts in ((job.plain, plain), (path, improved))
    )
    steps = (Step("plain conversion", before), *chosen.steps, Step("as converted", after))
    scores = tuple(StepScore(one.name, one.score.distance, one.score.agreement, one.is_kept) for one in steps)
    if improved.operators != plain.operators:
        return f"the converter would give other operators ({_changes(plain.operators, improved.operators)})", scores
    # Learned weights and ranges belong together, and were trained for the labels besides.
    if job.ranges is None and not after.distance < GAIN * before.distance:
        return "the improved file is hardly nearer to float", scores
    return "", scores


def _changes(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    more, fewer = Counter(after) - Counter(before), Counter(before) - Counter(after)
    return ", ".join(
        [f"{n} more {name}" for name, n in more.items()] + [f"{n} fewer {name}" for name, n in fewer.items()]
    )


def _score(path: Path, facts: checks.Quantized, inputs: Examples, exact: Floats) -> Score:
    (output,) = facts.outputs
    (stored,) = evaluate.split(evaluate.answers(path, inputs.quantized(facts.input)), [output])
    real = (stored.astype(np.float32) - output.zero_point) * np.float32(output.scale)
    return score(exact, real)
