"""The hardware-in-the-loop tests of a request's devices, with what the steps build and pictures of the data set."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import console
import target as targets
from device_tests import outcome
from device_tests import run as suite
from errors import ConfigError
from measure import report_file
from measure.setup import prepare_pictures
from pipeline import lab, measuring, preflight, several
from pipeline.steps import Steps
from pipeline.task_requests import TestRequest

JUNIT = "hil.xml"


def run(request: TestRequest) -> None:
    """Test the devices, and write JUnit XML for each. Raises DeviceError if a test fails, or passes only later."""
    units = lab.units(request)
    if len(units) > 1 and request.place_match is not None:
        raise ConfigError(
            f"--place-match {request.place_match}: tests one place of one target; name several with --link "
            "labgrid://A,labgrid://B"
        )
    if len(units) == 1:
        _run_one(request)
        return
    if request.junit:
        raise ConfigError(f"--junit {request.junit}: is one file, and several devices are tested; leave it out")
    paths = {unit.name: _path(unit.name, Path(request.model).stem) for unit in units}
    for path in paths.values():
        path.unlink(missing_ok=True)  # of an earlier run, which must not pass for one of this
    several.run_each("hil", request, units, lambda _: _print_outcomes(paths, request.json))


def _run_one(request: TestRequest) -> None:
    board = targets.load(request.target)
    if request.junit:
        preflight.check_output("--junit", request.junit)
    request = lab.with_link(request, board)
    images = request.count or suite.PICTURES[board.measured_on]
    steps = Steps(preflight.check(replace(request, images=images), preflight.Goal.MEASURED))
    setup = measuring.set_up(steps)
    pictures = prepare_pictures(setup)
    engine = steps.resolved.engine
    with lab.holding(request, board) as held:
        name = lab.named_after(request, board, held)
        path = request.junit or _path(name, setup.int8.name)
        order = suite.Order(board, engine, setup.int8, setup.compiled, pictures.inputs[:images], pictures.truth, path)
        if held is not None:
            lab.flash(held, request, setup.compiled.path)
            request = replace(request, link=held.uri)
        try:
            done = suite.run(order, arguments_of(request), sys.stderr if request.json else None)
        finally:
            if request.json:
                _print_outcomes({name: path}, as_json=True)
        if held is not None:
            held.check()
    if not request.json:
        console.say(f"{name}: {done.text()}\n{path}")


def _path(name: str, model: str) -> Path:
    return report_file.folder(name, model) / JUNIT


def _print_outcomes(paths: Mapping[str, Path], as_json: bool) -> None:
    """Print a table of the devices whose tests ended, failed or not, or JSON; `paths` are their JUnit files by name."""
    done = {name: outcome.read(path) for name, path in paths.items() if path.is_file()}
    if as_json:
        console.print_json([{"device": name, **asdict(one), "junit": str(paths[name])} for name, one in done.items()])
    elif done:
        console.out.print()
        console.table(
            "", outcome.COLUMNS, [one.row(name, paths[name]) for name, one in done.items()], drop=outcome.DROPPED
        )


def arguments_of(request: TestRequest) -> list[str]:
    """Return the arguments of pytest that a request adds to those of the suite."""
    values: dict[str, object] = {
        "--link": request.link,
        "--flasher": request.flasher,
        "--device": request.device,
        "--kernels": request.kernels,
        "--runtime": request.runtime,
        "--lossy": request.lossy,
        "--inferences": request.inferences,
        "--retry": request.retry or None,
        "--soak": request.soak,
    }
    words = [f"{flag}={value}" for flag, value in values.items() if value is not None]
    words += ["--allow-mismatch"] if request.allow_mismatch else []
    words += ["--accept-new"] if request.accept_new else []
    return [*words, *shlex.split(request.pytest_arguments)]
