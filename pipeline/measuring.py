"""The last step: the device of a request is measured, its report written and printed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import console
from artifact import Artifact, ImageFacts
from benchmarks import engines, suite_task
from benchmarks.suite_run import Built, Order
from calibration.convert import Int8Facts
from compilers.tflm.tree import TFLM_DIR
from errors import ConfigError, Error, Stopped
from measure import bench, details, modeled, report_file
from measure.bench import Part
from measure.report import Report
from measure.setup import RANDOM, Settings, Setup, in_place, suits, with_random_inputs, without_classes
from pipeline import history, lab, preflight, reporting, several, training_curve
from pipeline.request import Request
from pipeline.resolve import Resolved
from pipeline.steps import Steps
from pipeline.task_options import SuiteOptions
from pipeline.task_requests import CompareRequest
from target import Target


@dataclass(frozen=True)
class Measured:
    """A report and the path of its JSON; `interrupted` says where the run was cut short, "" if it was not.

    `is_stopped`: it was the user who did.
    """

    report: Report
    path: Path
    interrupted: str
    is_stopped: bool = False


def run(task: str, request: Request, parts: Sequence[Part], command: str) -> None:
    """Measure the parts on each device of a request and print the report; `command` is what the user typed.

    Raises Error if the measurement was cut short, Stopped if the user did that.
    """
    units = lab.units(request)
    if len(units) > 1:
        several.measure_each(task, request, units)
        return
    resolved = preflight.check(request, preflight.Goal.MEASURED, needs_data="accuracy" in parts)
    measured = measure(Steps(resolved), parts, command)
    reporting.show(measured.report, measured.path, request.json)
    if measured.interrupted:
        kind = Stopped if measured.is_stopped else Error
        raise kind(f"measured {measured.interrupted}; run the same command again to go on from there")


def measure(steps: Steps, parts: Sequence[Part], command: str) -> Measured:
    """Measure the parts on what the steps build, and write the report. `command` is what the user typed."""
    resolved = steps.resolved
    result, unit = _measured(steps, parts, command)
    name = result.report.model.name + (f"-{resolved.engine}" if resolved.engine != resolved.target.engine else "")
    path = report_file.write(result.report, report_file.folder(unit, name))
    if path.name == report_file.COMPLETE:
        details.write(
            replace(result.details, training=training_curve.read(resolved.source, resolved.data.identity)), path.parent
        )
        history.record(result.report, unit)
    measured = result.measurement
    measured.forget()
    return Measured(result.report, path, measured.interrupted, measured.is_stopped)


def latency_of(steps: Steps, command: str) -> Report:
    """Measure the latency of what the steps build, for a task that shows it itself: no report is written."""
    return _measured(steps, ("latency",), command)[0].report


def _measured(steps: Steps, parts: Sequence[Part], command: str) -> tuple[bench.Result, str]:
    """Measure what the steps build; return the result, and the name of the unit that was measured."""
    setup, board = set_up(steps), steps.resolved.target
    with lab.holding(steps.request, board) as held:
        return bench.measure(in_place(setup, held), parts, command), lab.named_after(steps.request, board, held)


def set_up(steps: Steps) -> Setup:
    """Build all that the device needs, and return what is measured and how."""
    resolved = steps.resolved
    _expect_one_input(steps.quantize(), resolved)
    image, int8 = steps.build_firmware(), steps.quantize()
    setup = Setup(resolved.target, image, int8, resolved.data, settings_of(steps.request))
    if resolved.is_default_data and not len(resolved.data.test):
        console.note(f"{RANDOM} are timed, since there is no --data")
        return with_random_inputs(setup)
    if int8.facts.more_inputs:
        console.note(f"{int8.name} takes {len(int8.facts.inputs)} inputs: {RANDOM} are used")
        return with_random_inputs(setup)
    if resolved.is_default_data and not suits(setup):
        name = resolved.data.name
        console.note(f"there is no --data, and {int8.name} does not take pictures of {name}: {RANDOM} are used")
        return with_random_inputs(setup)
    if resolved.is_default_data and resolved.request.labels is None:
        console.note(f"there is no --data: pictures of {resolved.data.name} are the inputs, without accuracy")
        return without_classes(setup)
    return setup


def _expect_one_input(int8: Artifact[Int8Facts], resolved: Resolved) -> None:
    """Raise ConfigError if a data set is named for a model of several inputs, for which there is no form of one."""
    if int8.facts.more_inputs and not resolved.is_default_data:
        raise ConfigError(
            f"--data {resolved.request.data}: {int8.name} has {len(int8.facts.inputs)} inputs, and an example of a "
            "data set is one; leave --data out: random inputs are compared byte by byte"
        )


def settings_of(request: Request) -> Settings:
    """Return how a request is measured."""
    return Settings(
        images=request.images,
        seed=request.seed,
        threads=request.threads,
        kernels=request.kernels,
        link=request.link,
        fresh=request.fresh,
        runtime=request.runtime,
        accept_new=request.accept_new,
        device=request.device,
        allow_mismatch=request.allow_mismatch,
        flasher=request.flasher or "",
        give_up_s=request.give_up_after,
    )


def set_up_for_one(request: Request, board: Target, compiled: Artifact[ImageFacts], steps: Steps) -> Setup:
    """Return what runs on a board and how, for a single input."""
    return Setup(board, compiled, steps.quantize(), steps.resolved.data, replace(settings_of(request), images=1))


def print_engines(request: CompareRequest, command: str) -> None:
    """Measure a request with each engine of its target and print them side by side."""
    entries, path = compare_engines(request, command)
    if request.json:
        print(path.read_text(), end="")
        return
    console.say("")
    console.table("", *engines.table(entries))
    columns, rows = engines.layers(entries)
    if rows:
        console.say("")
        console.table("", columns, rows)
        console.plain(modeled.summary(entries[0].modeled))
    console.say(f"\n{path}")


def compare_engines(request: Request, command: str) -> tuple[list[engines.Entry], Path]:
    """Measure a request with each engine of its target, and write engines.json; return the entries and its path."""
    columns = engines.pairs(request.target, with_tflm=bool(os.environ.get(TFLM_DIR)))
    if len(columns) < 2:
        console.note(f"tflm is left out: {TFLM_DIR} is not set; ./inv deploy --engine tflm says how to get it")
    steps = []
    for target, engine in columns:
        aim = request.optimize if engine == "aot" else Request.optimize
        typed = {name: text for name, text in request.typed.items() if name == "data"}
        one = replace(request, target=target, engine=engine, optimize=aim, typed=typed)
        steps.append(Steps(preflight.check(one, preflight.Goal.MEASURED)))
    entries = engines.measure([partial(set_up, one) for one in steps], command)
    return entries, engines.write(entries, report_file.folder(request.target, entries[0].report.model.name))


def bench_engines(chosen: SuiteOptions, command: str) -> None:
    """Measure a suite of networks and cores, and write its table; `command` is what the user typed."""
    suite_task.run(build_order, **asdict(chosen), command=command)


def build_order(order: Order) -> Built:
    """Build one network of a suite for one target with one engine. Raises FitError if it does not fit."""
    request = Request(
        model=order.network,
        target=order.target,
        engine=order.engine,
        optimize=order.optimize,
        labels=None if order.labels is None else ",".join(order.labels),
        weights=order.weights,
        plain=order.is_plain,
    )
    steps = Steps(preflight.check(request, preflight.Goal.COMPILED))
    return Built(steps.build_firmware(), steps.quantize(), steps.resolved.data)
