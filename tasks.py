"""The tasks of `./inv`: from a MobileNet in Keras to numbers measured on a device.

Thin on purpose: a task gets its options, calls one function, and prints. Nothing slow is imported at module level.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from errors import ConfigError, Error
from pipeline import task_options as options
from pipeline.command_line import command, main, typed_command
from pipeline.request import Request, applies

if TYPE_CHECKING:
    from benchmarks.many import Unit
    from measure.bench import Part
    from pipeline.preflight import Goal
    from pipeline.steps import Steps

NETWORKS, INT8, COMPILING = "networks", "int8", "for a device"
MEASURING, SUITES, CHECKOUT = "on a device", "many devices", "this checkout"
NETWORK_GROUPS = ("model", "data")
INT8_GROUPS = (*NETWORK_GROUPS, "calibration")
COMPILED_GROUPS = (*INT8_GROUPS, "target", "Edge TPU", "accept_new")
MEASURED_GROUPS = (*COMPILED_GROUPS, "device", "measurement", "output")


def _steps(request: Request, goal: Goal) -> Steps:
    """Return the steps of a request that preflight has checked."""
    from pipeline import preflight
    from pipeline.steps import Steps

    return Steps(preflight.check(request, goal))


# Networks


@command(NETWORKS, options.ModelsOptions)
def models(chosen: options.ModelsOptions) -> None:
    """List the networks: parameters, MACs, bytes."""
    import console
    from models import explain, tables

    presets = explain.all_presets(chosen.rho, chosen.classes)
    if chosen.json:
        print(json.dumps([asdict(row) for row in presets], indent=1))
        return
    console.table("", *tables.presets_table(presets))
    console.plain("peak activations: input and output of each layer apart, none over another")


@command(NETWORKS, options.ExplainOptions)
def explain(chosen: options.ExplainOptions) -> None:
    """Print a network layer by layer, as the papers do.

    Stride, filter, input, parameters and MACs of each layer, and what a separable convolution costs of a standard one.
    """
    import console
    from models import explain as rows
    from models import presets, tables

    preset = presets.parse(chosen.model, chosen.classes, chosen.channels)
    if chosen.json:
        print(json.dumps(rows.as_json(preset), indent=1))
        return
    console.table(tables.layers_title(preset), *tables.layers_table(preset))
    console.plain(tables.layers_totals(preset))


@command(NETWORKS, options.TrainOptions)
def train(chosen: options.TrainOptions) -> None:
    """Train a preset on a data set.

    A run that was stopped goes on where it was when the same command is run again.
    """
    from models import training, weights
    from pipeline import preflight

    preflight.check_disk(Path(chosen.out).parent if chosen.out else weights.TRAINED_DIR)
    path, top1 = training.run(**asdict(chosen), command=typed_command())
    print(f"{path}: {100 * top1:.2f} % top-1 in float over the whole test split")


@command(NETWORKS, Request, *NETWORK_GROUPS)
def build(request: Request) -> None:
    """Build the Keras network with its weights."""
    from pipeline.preflight import Goal

    print(_steps(request, Goal.NETWORK).build_network().path)


# int8


@command(INT8, options.CalibrateRequest, *INT8_GROUPS, "layers")
def calibrate(request: options.CalibrateRequest) -> None:
    """Convert the network to int8, compare with float."""
    from pipeline.preflight import Goal

    steps = _steps(request, Goal.INT8)
    print(steps.quantize().path)
    if request.layers:
        import console
        from calibration import layer_noise

        noise = layer_noise.measure(steps.build_network(), steps.quantize(), steps.resolved.data)
        rows = [[row.name, row.operator, f"{row.snr_db:.1f}"] for row in noise]
        console.table("", [("tensor", "left"), ("operator", "left"), ("SNR, dB", "right")], rows)


# For a device


@command(COMPILING, options.TargetsOptions)
def targets(chosen: options.TargetsOptions) -> None:
    """List the boards."""
    import console
    import target

    boards = [target.load(name) for name in target.names()]
    if chosen.json:
        print(json.dumps([asdict(board) for board in boards], indent=1))
        return
    columns = [("target", "left"), ("where", "left"), ("engine", "left"), ("", "left")]
    console.table("", columns, [[b.name, b.measured_on, b.engine, b.description] for b in boards])


@command(COMPILING, options.FitOptions, *INT8_GROUPS, "target", "json")
def fit(request: options.FitOptions) -> None:
    """Say what RAM and flash a network needs, and who has it.

    Each board, or one, with each --optimize. Nothing is built or flashed.
    """
    import console
    import target
    from compilers.image import fit as fits
    from compilers.image import fit_table
    from pipeline.preflight import Goal

    boards = fits.boards_of([target.load(name) for name in ([request.target] if request.target else target.names())])
    model = _steps(replace(request, target=Request.target, typed={}), Goal.INT8).quantize().path
    with console.bar("compile", len(fits.compilations(boards))) as done:
        table = fits.table(model, boards, done)
    if request.json:
        print(json.dumps(fit_table.as_json(table), indent=1))
        return
    console.table("", *fit_table.table(table), red=("no",))
    console.plain(fit_table.notes(table))


@command(COMPILING, Request, *COMPILED_GROUPS)
def compile(request: Request) -> None:
    """Compile the int8 network for a target."""
    from pipeline.preflight import Goal

    compiled = _steps(request, Goal.COMPILED).compile()
    print(compiled.path.parent if compiled.kind == "tflm" else compiled.path)


# On a device


@command(MEASURING, Request, *MEASURED_GROUPS)
def deploy(request: Request) -> None:
    """Build, calibrate, compile, measure, report.

    The whole way: latency and accuracy are measured on the device, and the report is written.
    """
    _measure("deploy", request, ("latency", "accuracy"))


@command(MEASURING, Request, *MEASURED_GROUPS)
def bench(request: Request) -> None:
    """Measure latency (and what it needs before)."""
    _measure("bench", request, ("latency",))


@command(MEASURING, Request, *MEASURED_GROUPS)
def accuracy(request: Request) -> None:
    """Measure accuracy and exactness (and what they need).

    Exactness is how many outputs equal the reference's, byte for byte.
    """
    _measure("accuracy", request, ("accuracy",))


def _measure(task: str, request: Request, parts: tuple[Part, ...]) -> None:
    import console
    from benchmarks import many
    from measure import layout, report
    from pipeline import measuring
    from pipeline.preflight import Goal

    units = many.units(request.target, request.link)
    if len(units) > 1:
        _measure_many(task, request, units)
        return
    measured = measuring.measure(_steps(request, Goal.MEASURED), parts, typed_command())
    if request.json:
        print(report.dumps(measured.report), end="")
    else:
        console.report(layout.rows(measured.report), measured.path)
    if measured.interrupted:
        raise Error(f"measured {measured.interrupted}")


def _measure_many(task: str, request: Request, units: Sequence[Unit]) -> None:
    """Build what all need, one after the other, then run the task for each device at the same time."""
    import target
    from benchmarks import many
    from pipeline import preflight
    from pipeline.steps import Steps

    if request.json:
        raise ConfigError("--json: prints one report; see each device's report.json")
    boards = {unit.target: target.load(unit.target) for unit in units}
    options_of = {
        name: {
            n: text for n, text in request.typed.items() if n not in ("target", "link") and applies(n, request, board)
        }
        for name, board in boards.items()
    }
    unused = set(request.typed) - {"target", "link"} - {name for words in options_of.values() for name in words}
    if unused:
        raise ConfigError(f"--{sorted(unused)[0]}: none of {', '.join(boards)} uses it; leave it out")
    requests = {unit.name: _request_of(request, unit, options_of[unit.target]) for unit in units}
    checked = {one.target: preflight.check(one, preflight.Goal.COMPILED) for one in requests.values()}
    preflight.check_any_device(list(requests.values()))
    for resolved in checked.values():
        Steps(resolved).build_firmware()
    many.run(units, task, options_of, request.model)


def _request_of(request: Request, unit: Unit, words: dict[str, str | bool]) -> Request:
    from pipeline.options import read

    return replace(read(Request, words), target=unit.target, link=unit.link)


@command(MEASURING, options.TestRequest, *INT8_GROUPS, "target", "link", "count", "lossy", "junit", "pytest_arguments")
def hil(request: options.TestRequest) -> None:
    """Run the hardware-in-the-loop tests on a device.

    They are the same for this host, emulators and hardware.
    """
    import target
    from device_tests import run as suite
    from measure import report
    from measure.setup import prepare_pictures
    from pipeline import measuring
    from pipeline.preflight import Goal

    board = target.load(request.target)
    if board.tpu:
        raise ConfigError(
            f"--target {board.name}: the tests do not run on an Edge TPU yet; measure it with ./inv deploy"
        )
    images = request.count or suite.PICTURES[board.measured_on]
    steps = _steps(replace(request, images=images), Goal.MEASURED)
    arguments = [
        *(["--link", request.link] if request.link else []),
        *(["--lossy", str(request.lossy)] if request.lossy is not None else []),
        *shlex.split(request.pytest_arguments),
    ]
    setup = measuring.set_up(steps)
    pictures = prepare_pictures(setup)
    path = request.junit or report.folder(board.name, setup.int8.name) / "hil.xml"
    suite.run(board, setup.int8, setup.compiled, pictures.inputs, pictures.truth, path, arguments)


@command(MEASURING, options.ReportOptions)
def report(chosen: options.ReportOptions) -> None:
    """Print the report of the last run.

    It is that of a model on a target, from reports/.
    """
    import console
    import target
    from measure import layout
    from measure import report as reports

    name, engine = chosen.target, chosen.engine
    is_usual = engine is None or (name in target.names() and target.load(name).engine == engine)
    path = reports.folder(name, Path(chosen.model).stem + ("" if is_usual else f"-{engine}")) / "report.json"
    last = reports.read(path)
    if chosen.json:
        print(path.read_text(), end="")
    else:
        console.report(layout.rows(last), path)


@command(MEASURING, options.EmulatorOptions)
def emulator(chosen: options.EmulatorOptions) -> None:
    """Build, start and stop an emulated Linux board.

    A virtual machine stands for the board.
    """
    import console
    import target
    from deploy.machines.control import control

    actions = [name for name in ("build", "start", "stop", "status") if getattr(chosen, name)] or ["status"]
    for action in actions:
        print(control(target.load(chosen.target), action, console.note))


# Many devices


@command(SUITES, options.CompareRequest, *INT8_GROUPS, "target", "optimize", "images", "fresh", "json")
def compare_engines(request: options.CompareRequest) -> None:
    """Measure a network with each engine of a target.

    aot, and tflm where TFLM_DIR is set, side by side.
    """
    import console
    from benchmarks import engines
    from measure import report
    from pipeline import measuring
    from pipeline.preflight import Goal

    columns = engines.pairs(request.target, with_tflm=bool(os.environ.get("TFLM_DIR")))
    if len(columns) < 2:
        console.note("tflm is left out: TFLM_DIR is not set; `inv deploy --engine tflm` says how to get it")
    requests = [
        replace(
            request, target=board, engine=engine, optimize=request.optimize if engine == "aot" else Request.optimize,
            typed={},
        )
        for board, engine in columns
    ]  # fmt: skip
    steps = [_steps(one, Goal.MEASURED) for one in requests]
    entries = engines.measure([partial(measuring.set_up, one) for one in steps], typed_command())
    path = engines.write(entries, report.folder(request.target, entries[0].report.model.name))
    if request.json:
        print(path.read_text(), end="")
    else:
        print()
        console.table("", *engines.table(entries))
        print(f"\n{path}")


@command(SUITES, options.SuiteOptions)
def bench_engines(chosen: options.SuiteOptions) -> None:
    """Measure all networks on all emulated cores.

    With our engine, and with tflm where TFLM_DIR is set; the table is written to benchmarks/results.
    """
    from benchmarks import suite_task
    from pipeline.measuring import build_order

    suite_task.run(build_order, **asdict(chosen), command=typed_command())


# This checkout


@command(CHECKOUT, options.DoctorOptions)
def doctor(chosen: options.DoctorOptions) -> None:
    """Say what is installed, and how to get the rest.

    Tools, libraries, emulators, data and devices.
    """
    from console import doctor as checks

    checks.print_doctor(as_json=chosen.json)


@command(CHECKOUT, options.CheckOptions)
def test(chosen: options.CheckOptions) -> None:
    """Run lint, types and all tests: what CI runs."""
    from devtools import checks

    checks.run(shlex.split(chosen.pytest_arguments))


@command(CHECKOUT, options.LockOptions)
def lock(chosen: options.LockOptions) -> None:
    """Resolve the dependencies into requirements.lock."""
    from devtools import lock as locking

    locking.lock(chosen.upgrade)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
