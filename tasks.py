"""The tasks of `./inv`: from a MobileNet in Keras to numbers measured on a device.

Thin on purpose: a task gets its options, calls one function, and prints. Nothing slow is imported at module level.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from errors import Error, Stopped
from pipeline import task_options as options
from pipeline.command_line import command, main, typed_command
from pipeline.request import Request

if TYPE_CHECKING:
    from measure.bench import Part
    from pipeline.preflight import Goal
    from pipeline.steps import Steps

NETWORKS, INT8, COMPILING = "networks", "int8", "for a device"
MEASURING, SUITES, CHECKOUT = "on a device", "many devices", "this checkout"
NETWORK_GROUPS = ("model", "data")
INT8_GROUPS = (*NETWORK_GROUPS, "calibration")
COMPILED_GROUPS = (*INT8_GROUPS, "target", "Edge TPU", "accept_new")
MEASURED_GROUPS = (*COMPILED_GROUPS, "device", "measurement", "output")


def _steps(request: Request, goal: Goal, needs_data: bool = False) -> Steps:
    """Return the steps of a request that preflight has checked; a .tflite may not need data, see preflight.check."""
    from pipeline import preflight
    from pipeline.steps import Steps

    return Steps(preflight.check(request, goal, needs_data))


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
    import console
    from models import training, weights
    from pipeline import preflight

    preflight.check_disk(Path(chosen.out).parent if chosen.out else weights.TRAINED_DIR)
    path, top1 = training.run(**asdict(chosen), command=typed_command())
    console.say(f"{path}: {100 * top1:.2f} % top-1 in float over the whole test split")


@command(NETWORKS, Request, *NETWORK_GROUPS)
def build(request: Request) -> None:
    """Build the Keras network with its weights."""
    import console
    from pipeline.preflight import Goal

    console.say(str(_steps(request, Goal.NETWORK).build_network().path))


# int8


@command(INT8, options.CalibrateRequest, *INT8_GROUPS, "layers")
def calibrate(request: options.CalibrateRequest) -> None:
    """Convert the network to int8, compare with float."""
    import console
    from pipeline.preflight import Goal

    steps = _steps(request, Goal.INT8)
    console.say(str(steps.quantize().path))
    if request.layers:
        from calibration import layer_noise

        noise = layer_noise.measure(steps.build_network(), steps.quantize(), steps.resolved.data)
        rows = [[row.name, row.operator, f"{row.snr_db:.1f}"] for row in noise]
        console.table("", [("tensor", "left"), ("operator", "left"), ("SNR, dB", "right")], rows)


@command(INT8, options.PreprocessingRequest, *NETWORK_GROUPS, "seed", "images", "json")
def check(request: options.PreprocessingRequest) -> None:
    """Try the usual preparations of pictures.

    Ranges of values, RGB and BGR, kinds of resizing, orders of classes: top-1 of each on test pictures, which one the
    file wants, and which options to give.
    """
    from pipeline import preprocessing

    preprocessing.run(request)


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
    console.table("", *target.table(boards))
    console.plain("and zephyr:BOARD, arduino:FQBN, pio:BOARD, idf:CHIP, which your own SDK builds for (docs/export.md)")


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
    model = _steps(replace(request, target=Request.target, typed={}), Goal.INT8).quantize()
    with console.bar("compile", len(fits.compilations(boards))) as done:
        table = fits.table(model, boards, done)
    if request.json:
        print(json.dumps(fit_table.as_json(table), indent=1))
        return
    console.table("", *fit_table.table(table), red=("no",))
    console.plain(fit_table.notes(table))


@command(COMPILING, Request, *COMPILED_GROUPS)
def compile(request: Request) -> None:
    """Compile the int8 network for a target.

    Prints the file that runs there; for a microcontroller every form of its image, to flash it yourself.
    """
    import console
    import target
    from pipeline import flashing
    from pipeline.preflight import Goal

    compiled = _steps(request, Goal.COMPILED).compile()
    if compiled.kind == "tflm":
        console.say(str(compiled.path.parent))
        return
    for path in flashing.forms(compiled.path, target.load(request.target)):
        console.say(str(path))


@command(COMPILING, options.ExportRequest, *INT8_GROUPS, "optimize", "export")
def export(request: options.ExportRequest) -> None:
    """Write the network as C for your own firmware.

    A folder that CMake, Arduino, PlatformIO, the Pico SDK, Zephyr, ESP-IDF or a CMSIS pack manager takes as it is.
    """
    from pipeline import exporting

    exporting.run(request)


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
    from pipeline import measuring, several
    from pipeline.preflight import Goal

    units = many.units(request.target, request.link)
    if len(units) > 1:
        several.measure_each(task, request, units)
        return
    steps = _steps(request, Goal.MEASURED, needs_data="accuracy" in parts)
    measured = measuring.measure(steps, parts, typed_command())
    if request.json:
        print(report.dumps(measured.report), end="")
    else:
        console.report(layout.rows(measured.report), measured.path)
    if measured.interrupted:
        kind = Stopped if measured.is_stopped else Error
        raise kind(f"measured {measured.interrupted}; run the same command again to go on from there")


@command(
    MEASURING,
    options.TestRequest,
    *INT8_GROUPS,
    "target",
    "link",
    "allow_mismatch",
    "count",
    "lossy",
    "junit",
    "pytest_arguments",
)
def hil(request: options.TestRequest) -> None:
    """Run the hardware-in-the-loop tests on a device.

    They are the same for this host, emulators and hardware.
    """
    from pipeline import device_test

    device_test.run(request)


@command(
    MEASURING, options.FlashRequest, *INT8_GROUPS, "target", "optimize", "stream_input", "image", "link", "flasher"
)
def flash(request: options.FlashRequest) -> None:
    """Flash a microcontroller, and measure nothing.

    With an image, or with what is compiled for the model. It is not flashed again if it runs the image already.
    """
    from pipeline import flashing

    flashing.run(request)


@command(MEASURING, options.DevicesOptions)
def devices(chosen: options.DevicesOptions) -> None:
    """List what is plugged in, and which targets it may be.

    Serial ports, debug probes, boards in their boot loaders, and UF2 drives.
    """
    import console
    import target
    from deploy import inventory

    boards = [target.load(name) for name in ([chosen.target] if chosen.target else target.names())]
    items = inventory.look(boards)
    if chosen.json:
        print(json.dumps([asdict(item) for item in items], indent=1))
        return
    console.table("", *inventory.table(items))
    if not items:
        console.plain("nothing is plugged in that is a board; a board over SSH needs no cable")
    if chosen.write:
        names = inventory.write_bench(items, boards, chosen.target)
        console.say(
            f"{inventory.bench_path()}: added {', '.join(names) or 'nothing: no port is certain; name a --target'}"
        )


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
    path = reports.last_path(reports.folder(name, Path(chosen.model).stem + ("" if is_usual else f"-{engine}")))
    last = reports.read(path)
    if path.name == reports.COMPLETE and path.with_name(reports.PARTIAL).exists():
        console.note(f"a later run was interrupted: {path.with_name(reports.PARTIAL)}; run it again to go on")
    if chosen.json:
        print(reports.dumps(last), end="")
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
        console.say(control(target.load(chosen.target), action, console.note))


# Many devices


@command(SUITES, options.CompareRequest, *INT8_GROUPS, "target", "optimize", "images", "fresh", "json")
def compare_engines(request: options.CompareRequest) -> None:
    """Measure a network with each engine of a target.

    aot, and tflm where TFLM_DIR is set, side by side.
    """
    import console
    from benchmarks import engines
    from pipeline import measuring

    entries, path = measuring.compare_engines(request, typed_command())
    if request.json:
        print(path.read_text(), end="")
    else:
        print()
        console.table("", *engines.table(entries))
        console.say(f"\n{path}")


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
