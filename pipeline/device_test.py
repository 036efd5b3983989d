"""The hardware-in-the-loop tests of a request's device, with what the steps build and pictures of the data set."""

from __future__ import annotations

import shlex
from dataclasses import replace

import target as targets
from device_tests import run as suite
from errors import ConfigError
from measure import report_file
from measure.setup import prepare_pictures
from pipeline import measuring, preflight
from pipeline.steps import Steps
from pipeline.task_options import TestRequest


def run(request: TestRequest) -> None:
    """Test the device, and write JUnit XML. Raises ConfigError for an Edge TPU, DeviceError if a test fails."""
    board = targets.load(request.target)
    if board.tpu:
        raise ConfigError(f"--target {board.name}: the tests do not run on an Edge TPU yet; measure with ./inv deploy")
    images = request.count or suite.PICTURES[board.measured_on]
    steps = Steps(preflight.check(replace(request, images=images), preflight.Goal.MEASURED))
    if steps.quantize().facts.more_inputs:
        raise ConfigError(f"--model {request.model}: the tests take models of one input; measure it with ./inv deploy")
    setup = measuring.set_up(steps)
    pictures = prepare_pictures(setup)
    path = request.junit or report_file.folder(board.name, setup.int8.name) / "hil.xml"
    suite.run(board, setup.int8, setup.compiled, pictures.inputs, pictures.truth, path, arguments_of(request))


def arguments_of(request: TestRequest) -> list[str]:
    """Return the arguments of pytest that a request adds to those of the suite."""
    return [
        *(["--link", request.link] if request.link else []),
        *(["--lossy", str(request.lossy)] if request.lossy is not None else []),
        *(["--allow-mismatch"] if request.allow_mismatch else []),
        *shlex.split(request.pytest_arguments),
    ]
