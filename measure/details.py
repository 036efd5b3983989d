"""What a page shows of a run and report.json has no room for: answers by class, wrong pictures, memory, training.

`details.json` beside the report has it; it belongs to the report of the same time alone.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from artifact import write_atomic
from calibration import evaluate
from compilers.aot import OperatorSpec
from compilers.image.microcontroller import FirmwareFacts
from datasets import prepare_many
from errors import Error
from fields import Source, load_json
from fields.dataclass_json import from_json, to_json
from measure.report import Report
from measure.setup import Pictures, Setup, picture_indices

SCHEMA = 1
FILENAME = "details.json"
SHOWN = 24
"""Wrong pictures that are kept, the first of each pair of classes before others."""
SIDE = 48


@dataclass(frozen=True)
class Mistake:
    """A picture that the device got wrong: its place among the test pictures, both classes, its PNG in base64."""

    picture: int
    truth: int
    answer: int
    png: str


@dataclass(frozen=True)
class Answers:
    """How often a picture of one class was taken for another: (right class, answer, count), and some wrong ones."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, int, int], ...]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Place:
    """A tensor in the arena: where it is, and the steps from and to which it must be kept, inclusive."""

    name: str
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Step:
    """What runs at once, one operator or a block of them row by row, and the bytes that are needed meanwhile."""

    name: str
    live_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class MemoryPlan:
    """Where each tensor is in RAM and when. `peak` is the step that needs the most.

    `row_bytes` are those of an input's rows that are kept where it arrives row by row.
    """

    arena_bytes: int
    steps: tuple[Step, ...]
    places: tuple[Place, ...]
    peak: int
    row_bytes: int = 0


@dataclass(frozen=True)
class Epoch:
    """An epoch of a training, counted from 1, with pictures of `side` pixels. Losses in nats, accuracies of 1.

    What is held out is not trained on; None where no pictures were.
    """

    epoch: int
    side: int
    loss: float
    accuracy: float
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None


@dataclass(frozen=True)
class Training:
    """How the weights of a network were trained: the checkpoint's name, its epochs, and the one that was kept."""

    checkpoint: str
    epochs: tuple[Epoch, ...]
    kept_epoch: int | None = None


@dataclass(frozen=True)
class Details:
    """The details of the report that was `created` then. `training` is None where nothing is known of it."""

    schema: int
    created: str
    answers: Answers | None = None
    plan: MemoryPlan | None = None
    training: Training | None = None


def of(setup: Setup, pictures: Pictures, raw: npt.NDArray[np.uint8] | None, created: str) -> Details:
    """Return the details of a measurement, whose device answered `raw` (n, bytes) to the first pictures."""
    return Details(SCHEMA, created, _answers(setup, pictures, raw), memory_plan(setup))


def memory_plan(setup: Setup) -> MemoryPlan | None:
    """Return the plan of a network that was compiled ahead of time, None for others."""
    firmware = setup.compiled.with_facts_of(FirmwareFacts)
    if firmware is None:
        return None
    plan, of_operator = firmware.facts.plan, list[int]()
    steps: list[list[OperatorSpec]] = []
    previous: int | None = None
    for operator in plan.operators:
        if operator.block is None or operator.block != previous:
            steps.append([operator])
        else:
            steps[-1].append(operator)
        previous = operator.block
        of_operator.append(len(steps) - 1)
    streamed = plan.streamed
    return MemoryPlan(
        plan.arena_bytes,
        tuple(
            Step(" + ".join(part.name for part in parts), parts[0].live_bytes, parts[0].scratch_bytes)
            for parts in steps
        ),
        tuple(Place(one.name, one.offset, one.bytes, one.first, one.last) for one in plan.tensors if one.offset >= 0),
        of_operator[plan.peak_operator],
        streamed.rows * streamed.row_bytes if streamed else 0,
    )


def write(details: Details, home: Path) -> None:
    """Write details.json beside a report."""
    write_atomic(home / FILENAME, json.dumps(to_json(details)) + "\n")


def read(path: Path, report: Report) -> Details | None:
    """Return the details beside a report's path. None if there are none, of another run, or not readable."""
    try:
        text = (path.parent / FILENAME).read_bytes()
        details = from_json(Details, load_json(text, source := Source(FILENAME)).values, source)
    except (OSError, Error):
        return None
    return details if details.schema == SCHEMA and details.created == report.provenance.created else None


def _answers(setup: Setup, pictures: Pictures, raw: npt.NDArray[np.uint8] | None) -> Answers | None:
    names, truth = tuple(setup.int8.facts.labels or setup.data.class_names), pictures.truth
    if raw is None or truth is None or setup.int8.facts.meaning.kind not in ("classes", "threshold"):
        return None
    outputs = evaluate.split(raw, setup.int8.facts.outputs)[0]
    end = setup.int8.facts.outputs[0]
    answers = setup.int8.facts.meaning.predicted(outputs, end.scale, end.zero_point)
    pairs = [(int(right), int(answer)) for right, answer in zip(truth, answers, strict=False)]
    counts = tuple((*pair, count) for pair, count in sorted(Counter(pairs).items()))
    shown = names + tuple(f"class {i}" for i in range(len(names), 1 + max(map(max, pairs), default=0)))
    return Answers(shown, counts, _mistakes(setup, pairs))


def _mistakes(setup: Setup, pairs: list[tuple[int, int]]) -> tuple[Mistake, ...]:
    """Return pictures with a wrong answer: one of each pair of classes, then a second, until there are enough."""
    if setup.data.test.array is not None:
        return ()
    seen: Counter[tuple[int, int]] = Counter()
    wrong = []
    for place, pair in enumerate(pairs):
        if pair[0] != pair[1]:
            wrong.append((seen[pair], place, *pair))
            seen[pair] += 1
    chosen = sorted(wrong)[:SHOWN]
    indices = picture_indices(setup)
    channels = setup.int8.facts.input_shape[-1]
    pixels = prepare_many(setup.data.test, [int(indices[place]) for _, place, _, _ in chosen], (SIDE, SIDE), channels)
    return tuple(
        Mistake(place, right, answer, _png(picture))
        for (_, place, right, answer), picture in zip(chosen, pixels, strict=True)
    )


def _png(picture: npt.NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
