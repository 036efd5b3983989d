"""The tasks of `./inv`: from a MobileNet in Keras to numbers measured on a device.

Thin on purpose: a task gets its options and calls one function, whose module is imported then and not before.
"""

from __future__ import annotations

import shlex
import sys

from pipeline import lazy, parsing
from pipeline import task_groups as groups
from pipeline import task_options as options
from pipeline import task_requests as requests
from pipeline.command_line import command, main, typed_command
from pipeline.request import Request

NETWORKS, INT8, COMPILING = "networks", "int8", "for a device"
MEASURING, SUITES, CHECKOUT = "on a device", "many devices", "this checkout"


# Networks


@command(NETWORKS, options.ModelsOptions)
def models(chosen: options.ModelsOptions) -> None:
    """List the networks: parameters, MACs, bytes."""
    lazy.listing.print_models(chosen)


@command(NETWORKS, options.ExplainOptions)
def explain(chosen: options.ExplainOptions) -> None:
    """Print a network layer by layer, as the papers do.

    Stride, filter, input, parameters and MACs of each layer, and what a separable convolution costs of a standard one.
    """
    lazy.listing.print_layers(chosen)


@command(NETWORKS, options.TrainOptions)
def train(chosen: options.TrainOptions) -> None:
    """Train a preset on a data set.

    A run that was stopped goes on where it was when the same command is run again.
    """
    lazy.products.train(chosen, typed_command())


@command(NETWORKS, Request, *groups.NETWORK, "json")
def build(request: Request) -> None:
    """Build the Keras network with its weights."""
    lazy.products.build(request)


# int8


@command(INT8, requests.CalibrateRequest, *groups.INT8, "layers", "json")
def calibrate(request: requests.CalibrateRequest) -> None:
    """Convert the network to int8, compare with float."""
    lazy.products.calibrate(request)


@command(INT8, requests.PreprocessingRequest, *groups.NETWORK, "seed", "images", "json")
def check(request: requests.PreprocessingRequest) -> None:
    """Try the usual preparations of pictures.

    Ranges of values, RGB and BGR, kinds of resizing, orders of classes: top-1 of each on test pictures, which one the
    file wants, and which options to give.
    """
    lazy.preprocessing.run(request)


# For a device


@command(COMPILING, options.TargetsOptions)
def targets(chosen: options.TargetsOptions) -> None:
    """List the boards."""
    lazy.listing.print_targets(chosen)


@command(COMPILING, requests.FitOptions, *groups.INT8, "target", "measure", "json")
def fit(request: requests.FitOptions) -> None:
    """Say what RAM and flash a network needs, and who has it.

    Each board, or one, with each --optimize and --stream-input. Nothing is built or flashed without --measure.
    """
    lazy.fitting.fit(request, typed_command())


@command(COMPILING, options.SweepOptions)
def sweep(chosen: options.SweepOptions) -> None:
    """Choose a network for a board: family, α and ρ.

    RAM and flash from the planner without training, cost from measured layers; names the best, and why each other is
    refused.
    """
    lazy.sweeping.run(chosen, typed_command())


@command(COMPILING, Request, *groups.COMPILED, "json")
def compile(request: Request) -> None:
    """Compile the int8 network for a target.

    Prints the file that runs there; for a microcontroller every form of its image, to flash it yourself.
    """
    lazy.products.compile(request)


@command(COMPILING, requests.ExportRequest, *groups.INT8, "optimize", "stream_input", "export", "json")
def export(request: requests.ExportRequest) -> None:
    """Write the network as C for your own firmware.

    A folder that CMake, Arduino, PlatformIO, the Pico SDK, Zephyr, ESP-IDF or a CMSIS pack manager takes as it is.
    """
    lazy.exporting.run(request)


# On a device


@command(MEASURING, Request, *groups.MEASURED)
def deploy(request: Request) -> None:
    """Build, calibrate, compile, measure, report.

    The whole way: latency and accuracy are measured on the device, and the report is written.
    """
    lazy.measuring.run("deploy", request, ("latency", "accuracy"), typed_command())


@command(MEASURING, Request, *groups.MEASURED)
def bench(request: Request) -> None:
    """Measure latency, and compare the output that is timed."""
    lazy.measuring.run("bench", request, ("latency",), typed_command())


@command(MEASURING, Request, *groups.MEASURED)
def accuracy(request: Request) -> None:
    """Measure accuracy and exactness (and what they need).

    Exactness is how many outputs equal the reference's, byte for byte.
    """
    lazy.measuring.run("accuracy", request, ("accuracy",), typed_command())


@command(MEASURING, requests.TestRequest, *groups.TEST)
def hil(request: requests.TestRequest) -> None:
    """Run the hardware-in-the-loop tests on a device.

    They are the same for this host, emulators and hardware; docs/hil.md lists them.
    """
    lazy.device_test.run(request)


@command(MEASURING, requests.TraceRequest, *groups.TRACE)
def trace(request: requests.TraceRequest) -> None:
    """Compare each layer on a device with the reference.

    Names the first layer that differs, where, and both values. Exit code 1 if one does.
    """
    lazy.tracing.run(request)


@command(MEASURING, requests.ProfileRequest, *groups.PROFILE)
def profile(request: requests.ProfileRequest) -> None:
    """Say what each layer takes on a device.

    Instructions, cycles or time of each operator, its share, and how they add up to a whole inference.
    """
    lazy.profiling.run(request)


@command(MEASURING, requests.FlashRequest, *groups.FLASH)
def flash(request: requests.FlashRequest) -> None:
    """Flash a microcontroller, and measure nothing.

    With an image, or with what is compiled for the model. It is not flashed again if it runs the image already.
    """
    lazy.flashing.run(request)


@command(MEASURING, options.DevicesOptions)
def devices(chosen: options.DevicesOptions) -> None:
    """List what is plugged in, and which targets it may be.

    Serial ports, debug probes, boards in their boot loaders, UF2 drives, and the places of a lab if one is named.
    """
    lazy.listing.print_devices(chosen)


@command(MEASURING, options.ReportOptions)
def report(chosen: options.ReportOptions) -> None:
    """Print the report of the last run, or write a page.

    It is that of a model on a target, from reports/. With --html any runs become one file: against each board's limits,
    with distributions, layers, memory and wrong pictures.
    """
    lazy.reporting.run(chosen)


@command(MEASURING, options.HistoryOptions)
def history(chosen: options.HistoryOptions) -> None:
    """List the runs of this checkout, the newest first.

    From reports/history.sqlite, to which each run adds its report. With --merge runs of another machine are added.
    """
    lazy.history.run(chosen)


@command(MEASURING, options.EmulatorOptions)
def emulator(chosen: options.EmulatorOptions) -> None:
    """Build, start and stop an emulated Linux board.

    A virtual machine stands for the board.
    """
    lazy.products.emulator(chosen)


# Many devices


@command(SUITES, requests.ComparisonRequest, *groups.COMPARE)
def compare(request: requests.ComparisonRequest) -> None:
    """Compare two runs: what became better or worse.

    Reports, folders of them, git revisions or the baseline; or two models, which are measured in turn. Exit code 1 if a
    figure is worse by more than --fail-on says.
    """
    lazy.comparing.run(request, typed_command())


@command(SUITES, requests.CompareRequest, *groups.INT8, "target", "optimize", "images", "fresh", "json")
def compare_engines(request: requests.CompareRequest) -> None:
    """Measure a network with each engine of a target.

    aot, and tflm where TFLM_DIR is set, side by side.
    """
    lazy.measuring.print_engines(request, typed_command())


@command(SUITES, options.SuiteOptions)
def bench_engines(chosen: options.SuiteOptions) -> None:
    """Measure all networks on all emulated cores.

    With our engine, and with tflm where TFLM_DIR is set; the table is written to benchmarks/results.
    """
    lazy.measuring.bench_engines(chosen, typed_command())


# This checkout


@command(CHECKOUT, options.DoctorOptions)
def doctor(chosen: options.DoctorOptions) -> None:
    """Say what is installed, and how to get the rest.

    Tools, libraries, emulators, data and devices, and the places of a lab if one is named.
    """
    lazy.listing.print_doctor(chosen)


@command(CHECKOUT, options.CleanOptions)
def clean(chosen: options.CleanOptions) -> None:
    """Remove what can be built again.

    Reports, trainings, and what devices answered in runs that are to go on stay.
    """
    lazy.cleaning.clean(chosen)


@command(CHECKOUT, options.CheckOptions)
def test(chosen: options.CheckOptions) -> None:
    """Run lint, types and all tests: what CI runs."""
    from devtools import checks

    checks.run(shlex.split(chosen.pytest_arguments), chosen.json)


@command(CHECKOUT, options.DocsOptions)
def docs(chosen: options.DocsOptions) -> None:
    """Check the pages of docs/, and write them as HTML.

    Links, paths, tasks and options that they name must be there. The HTML is in build/docs and needs no network.
    """
    from devtools import pages

    pages.run(parsing.check, parsing.flags(), chosen.json)


@command(CHECKOUT, options.LockOptions)
def lock(chosen: options.LockOptions) -> None:
    """Resolve the dependencies into the locks."""
    from devtools import lock as locking

    locking.run(chosen.upgrade, chosen.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
