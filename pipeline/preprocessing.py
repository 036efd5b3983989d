"""`inv check`: which preparation of pictures the model of a request wants, tried on the data set."""

from __future__ import annotations

from pathlib import Path

import console
from artifact import NoFacts, produce, versions
from calibration import convert, converter, verdict
from calibration.preparation import Way
from calibration.trials import Candidate, Trial, Trials
from calibration.verdict import Verdict
from datasets import sample
from errors import ConfigError
from pipeline import preflight
from pipeline.steps import Steps
from pipeline.task_requests import PreprocessingRequest

FLOAT_FILE = "float.tflite"


def run(request: PreprocessingRequest) -> None:
    """Try each usual preparation, and print the table and the verdict, or JSON."""
    steps = Steps(preflight.check(request, preflight.Goal.INT8))
    data = steps.resolved.data
    if data.test.array is not None:
        raise ConfigError(
            f"--data {data.name}: it has arrays, not pictures: they are given as they are, in no other way"
        )
    path, given, range_from, labels = _file_of(steps)
    count = len(data.test) if not request.images else min(request.images, len(data.test))
    trials = Trials(Candidate(path, request.model), labels, data, sample(data.test, count, request.seed), given)
    with console.step("check") as line:
        with console.bar("check", trials.count) as progress:
            trials.run(progress)
        line.text = f"{len({trial.way for trial in trials.done})} preparations of {count} pictures of {data.name}"
    best, now = trials.best(), trials.as_options_say()
    result = verdict.verdict(best, now, labels, data.class_names, range_from)
    if request.json:
        console.print_json(as_json(request, trials.done, best, now, result))
        return
    console.table("", *verdict.table(trials.done, best, now))
    console.plain("\n".join(("now: as the options are", *result.lines)))


def _file_of(steps: Steps) -> tuple[Path, tuple[float, float] | None, str, tuple[str, ...]]:
    """Return the file to try, the values of pixels 0 and 255 as the options are, where these are from, and labels."""
    request = steps.request
    if steps.resolved.tflite is None:
        network = steps.build_network(is_checked=True)
        facts = network.facts

        def make(folder: Path) -> NoFacts:
            (folder / FLOAT_FILE).write_bytes(converter.to_float(network.path, folder / convert.LOG))
            return NoFacts()

        parents = {network.kind: network.sha256}
        with console.step("convert") as line:
            tools = versions("tensorflow", "keras")
            copy = produce("float", network.name, FLOAT_FILE, NoFacts, make, parents=parents, tools=tools)
            line.text, line.reused = f"{network.name} as a float .tflite", copy.reused
        return copy.path, facts.input_range, facts.range_from, facts.labels
    labels = steps.resolved.labels
    try:
        facts8 = convert.adopt(steps.resolved.tflite, labels, request.input_range).facts
    except ConfigError:
        # A float file, or one whose scale does not say the range: to be tried all the same.
        return steps.resolved.tflite, request.input_range, "option" if request.input_range else "assumed", labels
    origin = "assumed" if facts8.input_range is None else facts8.range_from
    return steps.resolved.tflite, facts8.input_range, origin, facts8.labels


def as_json(
    request: PreprocessingRequest, done: list[Trial], best: Trial, now: Trial, result: Verdict
) -> dict[str, object]:
    """Return the trials and the verdict as JSON types."""
    return {
        "model": request.model,
        "data": request.data,
        "pictures": len(best.right),
        "options": _row(now),
        "best": _row(best),
        "options_are_best": result.options_are_best,
        "advice": list(result.lines),
        "trials": [_row(trial) for trial in done],
    }


def _row(trial: Trial) -> dict[str, object]:
    way: Way = trial.way
    return {
        "values": way.values.name,
        "input_range": way.values.input_range,
        "channels": way.channels,
        "transposed": way.transposed,
        "resize": way.resize,
        "classes": trial.order,
        "top1": trial.top1,
    }
