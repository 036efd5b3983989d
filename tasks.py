"""The tasks of `./inv`: from a MobileNet in Keras to numbers measured on a device.

Thin on purpose: read the options, call one function, print. Nothing slow is imported at module level.
"""

from __future__ import annotations

import inspect
import os
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Context, Exit, task
from invoke.tasks import Task

from errors import ConfigError, Error

if TYPE_CHECKING:
    from measure.bench import Part

# Options that several tasks share: default and help text.
Options = dict[str, tuple[Any, str]]
MODEL: Options = {
    "model": ("v1_025", "preset such as v1_025 or v2_035_160 (`inv models`), or a .keras, .h5 or int8 .tflite file"),
    "data": ("fashion_mnist", "fashion_mnist, cifar10, folder:DIR (a folder per class) or npz:FILE"),
    "weights": (None, "imagenet, random, or a .keras, .h5, .weights.h5 or .npz file [default: trained or shipped]"),
    "input_range": (None, "LOW,HIGH that pixels 0 and 255 stand for, where the model's file does not say"),
    "labels": (None, "class names of the model: a file with one a line, or a,b,c [default: the data set's]"),
    "channels": (3, "1 or 3, for presets"),
}
CALIBRATION: Options = {
    "calibration_images": (200, "pictures of the representative data set"),
    "seed": (0, "picks the pictures"),
}
TARGET: Options = {
    "target": ("host", "board, as `inv targets` lists them; several, joined by commas, are measured side by side"),
    "engine": (None, "aot or tflm on a microcontroller [default: aot]; elsewhere the target has its own"),
    "optimize": ("size", "what the compiler for microcontrollers saves at the cost of the others: size, speed or ram"),
    "stream_input": (False, "take the input row by row as it comes: a microcontroller then needs no RAM for all of it"),
}
EDGETPU: Options = {
    "compile_on": (None, "ssh://[USER@]HOST that has edgetpu_compiler, for Edge TPU targets [default: this machine]"),
    "with_": (None, "models to compile together with it, joined by commas: they share the Edge TPU's memory"),
    "compiled": (None, "_edgetpu.tflite that was made of the model elsewhere, in place of compiling it"),
}
ACCEPT_NEW: Options = {"accept_new": (False, "store the key of an SSH host that is not known yet")}
MEASURE: Options = {
    "images": (None, "test pictures, a number or `all` [default: 1000, on an emulator 20]"),
    "threads": ("1", "threads of LiteRT on the device, or `auto` for the fastest number"),
    "kernels": ("xnnpack", "LiteRT kernels: xnnpack, builtin or reference"),
    "link": (None, "where the device is, such as ssh://pi@raspberrypi.local [default: as bench.toml says]"),
    "runtime": ("auto", "LiteRT on the device: ai-edge-litert, tflite-runtime, or auto for what is there"),
    "device": (None, "which Edge TPU: usb:N, pci:N, usb, pci or :N [default: the target's]"),
    "fresh": (False, "measure anew what an earlier run of the same bytes has measured"),
    "json": (False, "print the report as JSON"),
    "unit": (None, "name under which the report is kept, for one of several units [default: the target's]"),
}

# What the tasks that compile take.
BUILT = (MODEL, CALIBRATION, TARGET, EDGETPU, ACCEPT_NEW)


def user_task(*groups: Options) -> Callable[[Callable[..., None]], Task[Any]]:
    """Make an invoke task of a function (context, **options) with the options of the groups.

    Our errors end it with one line and exit code 1, Ctrl-C with 130; neither with a traceback.
    """
    options = {name: about for group in groups for name, about in group.items()}
    parameters = [inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=o[0]) for n, o in options.items()]

    def wrap(body: Callable[..., None]) -> Task[Any]:
        @wraps(body)
        def run(*args: Any, **given: Any) -> None:
            try:
                body(*args, **given)
            except Error as e:
                raise Exit(f"error: {e}", code=1) from None
            except KeyboardInterrupt:
                raise Exit("stopped; what was finished is kept", code=130) from None

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        del run.__wrapped__
        made: Task[Any] = task(auto_shortflags=False, help={name: _help(*about) for name, about in options.items()})(
            run
        )
        return made

    return wrap


def _help(default: Any, text: str) -> str:
    return text if default is None or default is False else f"{text} [default: {default}]"


def _pipeline(given: dict[str, Any], *groups: Options) -> Any:
    from pipeline.steps import Pipeline, Request

    asked: dict[str, Any] = {name: given.get(name, about[0]) for group in groups for name, about in group.items()}
    return Pipeline(Request(**asked))


def _measure(task_name: str, given: dict[str, Any], parts: tuple[Part, ...]) -> None:
    import console
    from benchmarks import many
    from measure import bench as benches
    from measure import layout, linux, report
    from measure.setup import Settings, Setup

    threads = linux.parse_threads(given["threads"])
    devices = many.units(given["target"], given["link"])
    if len(devices) > 1:
        _measure_many(task_name, given, devices)
        return
    pipeline = _pipeline(given, *BUILT)
    names = ("kernels", "link", "fresh", "seed", "runtime", "accept_new", "device")
    asked = {name: given[name] for name in names}
    settings = Settings(images=_images(given["images"]), threads=threads, **asked)
    setup = Setup(pipeline.target, pipeline.runnable, pipeline.int8, pipeline.data, settings)
    result = benches.measure(setup, parts, _command())
    made = result.report
    name = made.model.name + (f"-{pipeline.engine}" if pipeline.engine != pipeline.target.engine else "")
    path = report.write(made, report.folder(given["unit"] or made.target.name, name))
    if given["json"]:
        print(report.dumps(made), end="")
    else:
        console.report(layout.rows(made), path)
    if result.measurement.interrupted:
        raise Error(f"measured {result.measurement.interrupted}")


def _measure_many(task_name: str, given: dict[str, Any], devices: list[Any]) -> None:
    """Build what all need, one after the other, then let each device have a run of its own."""
    from benchmarks import many

    if given["json"]:
        raise ConfigError("--json: is of one report; see each device's report.json")
    for target in dict.fromkeys(unit.target for unit in devices):
        _ = _pipeline({**given, "target": target}, *BUILT).runnable
    defaults = {name: about[0] for group in (*BUILT, MEASURE) for name, about in group.items()}
    options = {name: value for name, value in given.items() if name == "model" or value != defaults[name]}
    many.run(devices, task_name, {name: options[name] for name in options.keys() - {"target", "link", "unit"}})


def _command() -> str:
    """Return the command as typed, without what the launcher adds, which names a folder of this machine."""
    given = sys.argv[1:]
    if given[:1] == ["--search-root"]:
        given = given[2:]
    return shlex.join(["./inv", *given])


def _images(text: str | None) -> int | None:
    """Return None for the usual number, 0 for all."""
    if text is None or text == "all":
        return 0 if text else None
    if not text.isdigit() or text == "0":
        raise ConfigError(f"--images {text}: expected a number from 1 up, or `all`")
    return int(text)


@user_task(MODEL)
def build(c: Context, **given: Any) -> None:
    """Build the Keras network with its weights."""
    print(_pipeline(given, MODEL).keras_model.path)


@user_task(MODEL, CALIBRATION, {"layers": (False, "print the signal-to-noise ratio of each layer")})
def calibrate(c: Context, layers: bool, **given: Any) -> None:
    """Convert the network to full int8, and compare it with the float one."""
    pipeline = _pipeline(given, MODEL, CALIBRATION)
    print(pipeline.int8.path)
    if layers:
        import console
        from calibration import layer_noise

        found = layer_noise.measure(pipeline.keras_model, pipeline.int8, pipeline.data)
        rows = [[row.name, row.operator, f"{row.snr_db:.1f}"] for row in found]
        console.table("", [("tensor", "left"), ("operator", "left"), ("SNR, dB", "right")], rows)


@user_task(*BUILT)
def compile(c: Context, **given: Any) -> None:
    """Compile the int8 network for a target."""
    made = _pipeline(given, *BUILT).compiled
    print(made.path.parent if made.kind == "tflm" else made.path)


@user_task(*BUILT, MEASURE)
def deploy(c: Context, **given: Any) -> None:
    """Build, calibrate, compile, bring to the device, measure latency and accuracy, and write the report."""
    _measure("deploy", given, ("latency", "accuracy"))


@user_task(*BUILT, MEASURE)
def bench(c: Context, **given: Any) -> None:
    """Measure latency on the device (and what it needs before)."""
    _measure("bench", given, ("latency",))


@user_task(*BUILT, MEASURE)
def accuracy(c: Context, **given: Any) -> None:
    """Measure accuracy on the device, and how many outputs equal the reference's (and what it needs before)."""
    _measure("accuracy", given, ("accuracy",))


@user_task(
    MODEL,
    CALIBRATION,
    {
        "target": ("qemu-m4", "a microcontroller, or `host` for the firmware and TFLite-Micro's interpreter here"),
        "optimize": TARGET["optimize"],
        "images": MEASURE["images"],
        "fresh": MEASURE["fresh"],
        "json": (False, "print as JSON"),
    },
)
def compare_engines(
    c: Context, target: str, optimize: str, images: str | None, fresh: bool, json: bool, **given: Any
) -> None:
    """Measure a network with each engine that a target takes, side by side: aot, and tflm where TFLM_DIR is set."""
    import console
    from benchmarks import engines
    from measure import report
    from measure.setup import Settings, Setup

    columns = engines.pairs(target, with_tflm=bool(os.environ.get("TFLM_DIR")))
    if len(columns) < 2:
        console.note("tflm is left out: TFLM_DIR is not set; `inv deploy --engine tflm` says how to get it")
    settings = Settings(images=_images(images), fresh=fresh, seed=given["seed"])

    def opener(board: str, engine: str) -> Callable[[], Setup]:
        chosen = optimize if engine == "aot" else TARGET["optimize"][0]
        pipeline = _pipeline(
            {**given, "target": board, "engine": engine, "optimize": chosen}, MODEL, CALIBRATION, TARGET
        )
        return lambda: Setup(pipeline.target, pipeline.runnable, pipeline.int8, pipeline.data, settings)

    found = engines.measure([opener(*column) for column in columns], _command())
    path = engines.write(found, report.folder(target, found[0].report.model.name))
    if json:
        print(path.read_text(), end="")
    else:
        print()
        console.table("", *engines.table(found))
        print(f"\n{path}")


@user_task(
    {
        "models": (None, "presets or int8 .tflite files, joined by commas [default: v1_025,v2_035,v3sm_075,v3s_075]"),
        "targets": (None, "emulated microcontrollers, joined by commas [default: qemu-m3,qemu-m4,qemu-m7,qemu-m55]"),
        "classes": (1000, "classes; the weights are random, scaled as trained ones are"),
        "images": ("2", "pictures for each"),
        "optimize": TARGET["optimize"],
        "layers": (False, "instructions of each layer of our engine as well"),
        "presets": (False, "the shipped presets with their weights instead, compared with the committed counts"),
        "update": (False, "with --presets: write the counts that CI asserts"),
        "out": (None, "folder for engines.json and engines.md [default: benchmarks/results]"),
    }
)
def bench_engines(c: Context, **given: Any) -> None:
    """Measure our engine, and tflm where TFLM_DIR is set, for all networks on all emulated cores; write the table."""
    from benchmarks import suite_task

    suite_task.run(**given, command=_command())


@user_task(
    {"target": TARGET["target"], "model": MODEL["model"], "engine": TARGET["engine"], "json": MEASURE["json"]},
)
def report(c: Context, target: str, model: str, engine: str | None, json: bool) -> None:
    """Print the report of the last run of a model on a target, from reports/."""
    import console
    import target as targets
    from measure import layout
    from measure import report as reports

    usual = engine is None or (target in targets.names() and targets.load(target).engine == engine)
    path = reports.folder(target, Path(model).stem + ("" if usual else f"-{engine}")) / "report.json"
    found = reports.read(path)
    if json:
        print(path.read_text(), end="")
    else:
        console.report(layout.rows(found), path)


@user_task({"json": (False, "print as JSON")})
def targets(c: Context, json: bool) -> None:
    """List the boards."""
    import console
    import target

    console.targets([target.load(name) for name in target.names()], as_json=json)


@user_task(
    {
        "rho": (None, "side of the input in pixels [default: 128]"),
        "classes": (1000, "classes"),
        "json": (False, "print as JSON"),
    }
)
def models(c: Context, rho: str | None, classes: int, json: bool) -> None:
    """List the networks with parameters, MACs, int8 bytes and peak activation bytes."""
    import console
    from models import explain

    console.models(explain.all_presets(_rho(rho), classes), as_json=json)


def _rho(text: str | None) -> int | None:
    if text is not None and not text.isdigit():
        raise ConfigError(f"--rho {text}: expected a number of pixels, such as 128")
    return int(text) if text else None


@user_task(
    {
        "model": ("v1_025", "preset"),
        "classes": (1000, "classes"),
        "channels": (3, "1 or 3"),
        "json": (False, "print as JSON"),
    }
)
def explain(c: Context, model: str, classes: int, channels: int, json: bool) -> None:
    """Print a network layer by layer, as the papers do: stride, filter, input, parameters, MACs, cost."""
    import console
    from models import presets

    console.explain(presets.parse(model, classes, channels), as_json=json)


TRAINING: Options = {
    "model": MODEL["model"],
    "data": MODEL["data"],
    "stages": (None, "SIDE:EPOCHS[,SIDE:EPOCHS...], the last at rho [default: rho/2:3,rho:6]"),
    "batch": (64, "pictures a step"),
    "learning_rate": (3e-3, "peak learning rate of AdamW"),
    "weights": (None, "weights to begin with: imagenet, or a .npz checkpoint"),
    "channels": MODEL["channels"],
    "no_flip": (False, "do not mirror pictures"),
    "seed": (1, "seed of weights, order and augmentation"),
    "out": (None, "checkpoint to write, .npz [default: where `inv build` looks for it]"),
}


@user_task(TRAINING)
def train(c: Context, **given: Any) -> None:
    """Train a preset on a data set; a stopped run goes on where it was when called again."""
    from models import training

    path, top1 = training.run(**given, command=_command())
    print(f"{path}: {100 * top1:.2f} % top-1 in float over the whole test split")


@user_task({"json": (False, "print as JSON")})
def doctor(c: Context, json: bool) -> None:
    """Say which tools, emulators and devices are here, and how to install what is missing."""
    from console import doctor as checks

    checks.print_doctor(as_json=json)


@user_task({"pytest_arguments": ("", "arguments for pytest, such as `-k frames -x`")})
def test(c: Context, pytest_arguments: str) -> None:
    """Run lint, types and all tests: what CI runs."""
    from devtools import checks

    checks.run(shlex.split(pytest_arguments))


@user_task({"upgrade": (False, "take the newest version of each")})
def lock(c: Context, upgrade: bool) -> None:
    """Resolve the dependencies of pyproject.toml into requirements.lock."""
    from devtools import lock as locking

    locking.lock(upgrade)


@user_task(
    MODEL,
    CALIBRATION,
    {"target": (None, "one board [default: all microcontrollers]"), "json": (False, "print as JSON")},
)
def fit(c: Context, target: str | None, json: bool, **given: Any) -> None:
    """Say what a network needs of RAM and flash, on each board or on one, before anything is built or flashed."""
    import console
    import target as targets
    from compilers.image import fit as fits

    boards = fits.boards_of([targets.load(name) for name in ([target] if target else targets.names())])
    model = _pipeline(given, MODEL, CALIBRATION).int8.path
    with console.bar("compile", len(fits.compilations(boards))) as done:
        found = fits.table(model, boards, done)
    console.fits(found, as_json=json)


@user_task(
    MODEL,
    CALIBRATION,
    {
        "target": ("host", TARGET["target"][1]),
        "link": MEASURE["link"],
        "count": (None, "test pictures [default: 100, on an emulator 20]"),
        "lossy": (None, "seed: run over a line that drops, flips, repeats and delays bytes"),
        "junit": (None, "JUnit XML to write [default: reports/<target>/<model>/hil.xml]"),
        "pytest_arguments": ("", "arguments for pytest, such as `-k reset -x`"),
    },
)
def hil(
    c: Context, target: str, link: str | None, count: str | None, lossy: str | None, junit: str | None,
    pytest_arguments: str, **given: Any,
) -> None:  # fmt: skip
    """Run the hardware-in-the-loop tests on a device: the same for host, emulator and hardware."""
    from device_tests import run as suite
    from measure import report as reports
    from measure.setup import Settings, Setup, prepare_pictures

    pipeline = _pipeline({**given, "target": target, "engine": None, "optimize": "size"}, MODEL, CALIBRATION, TARGET)
    if pipeline.target.tpu:
        raise ConfigError(f"--target {target}: the suite has no form for an Edge TPU yet; measure it with inv deploy")
    options = [
        *(["--link", link] if link else []),
        *(["--lossy", lossy] if lossy else []),
        *shlex.split(pytest_arguments),
    ]
    compiled, model = pipeline.compiled, pipeline.int8
    images = Settings(images=_images(count) or suite.PICTURES[pipeline.target.measured_on])
    pictures = prepare_pictures(Setup(pipeline.target, compiled, model, pipeline.data, images))
    path = Path(junit) if junit else reports.folder(target, model.name) / "hil.xml"
    suite.run(pipeline.target, model, compiled, pictures.inputs, pictures.truth, path, options)


@user_task(
    {
        "target": ("qemu-rpi4", "an emulated Linux board"),
        "build": (False, "make its image anew; the first start makes it as well"),
        "start": (False, "start the machine, to run until --stop"),
        "stop": (False, "shut it down; its disk stays as it is"),
        "status": (False, "say whether it runs, and how to log in [default]"),
    }
)
def emulator(c: Context, target: str, **given: Any) -> None:
    """Build, start and stop the virtual machine that stands for a Linux board."""
    import console
    import target as targets
    from deploy.machines.control import control

    asked = [action for action, wanted in given.items() if wanted] or ["status"]
    for action in asked:
        print(control(targets.load(target), action, console.note))
