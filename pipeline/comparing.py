"""The task `compare`: two runs, or two models measured in turn, and the gate on what changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import console
from artifact import REPORTS_DIR, write_atomic
from deploy.session import Session
from errors import ConfigError, Error
from fields.dataclass_json import to_json
from measure import bench, measurement
from measure.compare import comparison, gate, interleaved, junit, layout, sides
from measure.compare.comparison import Compared, Samples
from measure.report import Report
from measure.setup import Setup, prepare_pictures
from pipeline import measuring, preflight
from pipeline.request import is_model
from pipeline.steps import Steps
from pipeline.task_requests import ComparisonRequest


def run(request: ComparisonRequest, command: str) -> None:
    """Compare, print, write JUnit, and raise Error if a limit of --fail-on is passed. `command` is what was typed."""
    if request.junit:
        preflight.check_output("--junit", request.junit)
    limits = gate.read_limits(request.fail_on) if request.fail_on else ()
    before, after = _words(request)
    if request.save_baseline:
        path = str(sides.save_baseline(sides.load(after, after)))
        if request.json:
            console.print_json({"schema": comparison.SCHEMA, "baseline": path})
        else:
            console.say(path)
        return
    if _is_network(before) and _is_network(after):
        compared = [_measured(request, (before, after), command)]
    else:
        _check_are_runs(before, after)
        compared = _read(before, after, request.any_model)
    outcomes = gate.apply(limits, compared)
    if request.junit:
        write_atomic(request.junit, junit.xml(compared, outcomes))
    if request.json:
        console.print_json(form_of(compared, outcomes))
    else:
        _print(compared)
    failures = [f"{one.compared.model} on {one.compared.target}: {one.failure}" for one in outcomes if one.failure]
    if failures:
        raise Error("; ".join(failures))


def _words(request: ComparisonRequest) -> tuple[str, str]:
    """Return both sides in order of time: `baseline` is always the first. Without words reports/ and the baseline."""
    before, after = request.before, request.after
    if request.save_baseline:
        if after:
            raise ConfigError(f"--save-baseline: expected one run to keep, received {before} and {after}")
        return "", before or str(REPORTS_DIR)
    if not after:
        before, after = sides.BASELINE, before or str(REPORTS_DIR)
    return (after, before) if after == sides.BASELINE else (before, after)


def _is_network(word: str) -> bool:
    return is_model(word) and not Path(word).is_dir()


def _check_are_runs(before: str, after: str) -> None:
    """Raise ConfigError if one of both is a file of a model."""
    for word, other in ((before, after), (after, before)):
        if _is_network(word) and Path(word).is_file():
            raise ConfigError(f"{word}: is a model, and {other} is not; give two models, or two reports")


def _read(before: str, after: str, any_model: bool) -> list[Compared]:
    first, second = sides.load(before, after), sides.load(after, before)
    return [
        comparison.compare(one, other, (before, after), any_model=any_model)
        for _, one, other in sides.pairs(first, second)
    ]


def _measured(request: ComparisonRequest, models: tuple[str, str], command: str) -> Compared:
    """Measure two models on one device; times in turn, counts once."""
    checked = [Steps(preflight.check(replace(request, model=model), preflight.Goal.MEASURED)) for model in models]
    setups = [measuring.set_up(steps) for steps in checked]
    reports = [bench.measure(setup, ("latency", "accuracy"), command).report for setup in setups]
    samples = _samples((setups[0], setups[1]), request.pairs) if _is_timed(reports[0]) else None
    names = (_named(setups[0], models[0]), _named(setups[1], models[1]))
    return comparison.compare(reports[0], reports[1], names, any_model=True, samples=samples)


def _named(setup: Setup, model: str) -> str:
    return f"{model} ({setup.int8.sha256[:12]})" if Path(model).suffix else model


def _is_timed(report: Report) -> bool:
    return report.latency is not None and report.latency.unit == "us"


def _samples(setups: tuple[Setup, Setup], pairs: int) -> Samples:
    def opener(setup: Setup) -> Callable[[], AbstractContextManager[Session]]:
        device = measurement.device_of(setup, setup.settings.threads or 1)
        return lambda: measurement.open_session(setup, device)

    inputs = tuple(prepare_pictures(setup).first for setup in setups)
    with console.step("compare") as line, console.bar("compare", pairs) as progress:
        taken = interleaved.measure(opener(setups[0]), opener(setups[1]), (inputs[0], inputs[1]), pairs, progress)
        line.text = f"{pairs} pairs measured in turn, the first of each at random"
    return taken


def _print(compared: list[Compared]) -> None:
    for one in compared:
        console.out.print()
        console.table(layout.heading(one), layout.COLUMNS, layout.rows(one), red=layout.BAD)
        if text := layout.notes(one):
            console.plain(text)
    console.plain(layout.summary(compared))


def form_of(all_compared: list[Compared], outcomes: list[gate.Outcome]) -> object:
    """Return what --json prints: schemas/compare.schema.json."""
    return {
        "schema": comparison.SCHEMA,
        "compared": [to_json(one) for one in all_compared],
        "limits": [
            {
                "target": one.compared.target,
                "model": one.compared.model,
                "limit": one.limit.text,
                "failure": one.failure,
            }
            for one in outcomes
        ],
        "failed": any(one.failure for one in outcomes),
    }
