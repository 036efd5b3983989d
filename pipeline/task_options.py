"""Options of tasks that are not of the pipeline's request, and requests of tasks that have a few of their own."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.options import Words, like, option
from pipeline.request import Request, read_names

LONGEST_S = 90 * 86400.0
JSON = option(False, "print as JSON", group="output")
LAB_HELP = "list the places of the lab of this coordinator too, HOST[:PORT] or ssh://[USER@]HOST"
LAB_WORDS = "the environment variable LG_COORDINATOR, else no lab"


def read_shell_words(text: str) -> str:
    """Return words as a shell splits them, joined as they were. Raises ValueError if a quote is not closed."""
    try:
        shlex.split(text)
    except ValueError as e:
        raise ValueError("words in quotes that are closed") from e
    return text


@dataclass(frozen=True)
class CalibrateRequest(Request):
    """A request of which the int8 network is wanted."""

    layers: bool = option(False, "print the signal-to-noise ratio of each layer", group="output")


@dataclass(frozen=True)
class PreprocessingRequest(Request):
    """A request whose model is tried with each usual preparation of pictures."""

    images: int | None = like(
        Request, "images", 200, help="test pictures to try each on, or `all`", default_words="200"
    )
    json: bool = like(Request, "json", help="print as JSON")


@dataclass(frozen=True)
class CompareRequest(Request):
    """A request that is measured with each engine of its target."""

    target: str = like(
        Request,
        "target",
        "qemu-m4",
        help="a microcontroller, or host for the firmware and TFLite-Micro's interpreter here",
    )


def read_limits(text: str) -> str:
    """Return the limits of a comparison as they are. Raises ValueError with what was expected."""
    from measure.compare import gate

    gate.read_limits(text)
    return text


@dataclass(frozen=True)
class ComparisonRequest(Request):
    """Two runs that are compared, or two models that are measured in turn. `after` "" is for the baseline."""

    before: str = option(
        "", "report.json, folder of reports, git revision, `baseline`, or a model to measure", group="comparison",
        value="RUN", default_words="reports/",
    )  # fmt: skip
    after: str = option(
        "", "the same, of what is compared with it", group="comparison", value="RUN", default_words="the baseline",
    )  # fmt: skip
    fail_on: str = option(
        "", "limits such as latency>3%,accuracy>0.5pt,ram>0; exit code 1 where a figure is worse by more",
        group="comparison", value="LIMITS", parse=read_limits, default_words="none",
    )  # fmt: skip
    any_model: bool = option(False, "compare reports of different networks", group="comparison")
    pairs: int = option(
        60, "pairs of samples of two models that are timed in turn", group="comparison", value="N",
        low=20, high=1000,
    )  # fmt: skip
    save_baseline: bool = option(False, "keep the run as the baseline, in baseline/", group="comparison")
    junit: Path | None = option(None, "JUnit XML to write", group="output", value="FILE", default_words="none")
    json: bool = like(Request, "json", help="print the comparison as JSON")


def read_duration(text: str) -> float:
    """Return the seconds of a text such as 90s, 15m, 8h or 2d. Raises ValueError with what was expected."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", text, re.ASCII)
    seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]] if match else 0.0
    if not 0 < seconds <= LONGEST_S:
        raise ValueError("a time such as 90s, 15m, 8h or 2d, at most 90d")
    return seconds


@dataclass(frozen=True)
class TestRequest(Request):
    """A request whose device is tested. `count` None is for the usual number of pictures."""

    __test__ = False  # for pytest: not a test

    count: int | None = option(
        None, "test pictures", group="measurement", value="N", low=1, default_words="100, on an emulator 20"
    )
    lossy: int | None = option(
        None, "seed of a line that drops, flips, repeats and delays bytes", group="device", value="SEED",
        default_words="the line as it is",
    )  # fmt: skip
    inferences: int | None = option(
        None, "inferences during which memory is watched", group="measurement", value="N", low=1,
        default_words="as many as pictures",
    )  # fmt: skip
    retry: int = option(
        0, "how often a test that fails is run again; one that passes only then is counted as flaky, and fails the run",
        group="measurement", value="N",
    )  # fmt: skip
    soak: float | None = option(
        None, "how long to go on with inferences after the tests, such as 90s, 15m or 8h", group="measurement",
        value="TIME", parse=read_duration, default_words="not at all",
    )  # fmt: skip
    junit: Path | None = option(
        None, "JUnit XML to write", group="output", value="FILE", default_words="reports/<target>/<model>/hil.xml"
    )
    pytest_arguments: str = option(
        "", "arguments for pytest, such as '-k reset -x'", group="output", value="WORDS", parse=read_shell_words
    )


@dataclass(frozen=True)
class FlashRequest(Request):
    """A request whose board is flashed. `image` None is for what is built of the model."""

    image: Path | None = option(
        None, "image to flash: .elf, .hex, .bin or .uf2", group="device", value="FILE",
        default_words="what ./inv compile builds for the model",
    )  # fmt: skip


@dataclass(frozen=True)
class TraceRequest(Request):
    """A request whose device is compared layer by layer. `answers` is what an exported program printed."""

    picture: Path | None = option(
        None, "picture to run on", group="measurement", value="FILE",
        default_words="the first test picture, or random numbers where the model does not take it",
    )  # fmt: skip
    answers: Path | None = option(
        None, "text that the program `answers` of ./inv export --with-trace has printed, in place of a device",
        group="device", value="FILE",
    )  # fmt: skip
    json: bool = like(Request, "json", help="print the layers as JSON")


@dataclass(frozen=True)
class ProfileRequest(Request):
    """A request whose layers are counted on the device."""

    json: bool = like(Request, "json", help="print the layers as JSON")


@dataclass(frozen=True)
class DevicesOptions:
    """How to list what is plugged in. `target` "" is for every target whose port is certain."""

    target: str = like(
        Request, "target", "", help="with --write: the board to write into bench.toml",
        default_words="those whose port no other board has",
    )  # fmt: skip
    write: bool = option(False, "add the boards to bench.toml", group="output")
    coordinator: str | None = like(Request, "coordinator", help=LAB_HELP, default_words=LAB_WORDS, is_scoped=False)
    json: bool = JSON


@dataclass(frozen=True)
class FitOptions(Request):
    """A request whose network is compared with boards: one of them, or "" for all microcontrollers."""

    target: str = like(Request, "target", "", help="one board", default_words="all microcontrollers")


@dataclass(frozen=True)
class ExportRequest(Request):
    """A request whose network is written as C for a framework."""

    for_: str = option(
        "cmake", "whose project takes it: {choices}", group="export", value="FRAMEWORK",
        choices=("cmake", "arduino", "platformio", "pico-sdk", "zephyr", "esp-idf", "cmsis-pack"),
    )  # fmt: skip
    kernels: str = option(
        "portable", "kernels: {choices}; dsp is for Cortex-M4, M7 and M33, mve for M55 and M85", group="export",
        value="NAME", choices=("portable", "dsp", "mve"),
    )  # fmt: skip
    optimize: str = like(
        Request, "optimize", help="what is saved at the cost of the others: {choices}", is_scoped=False
    )
    stream_input: bool = like(
        Request, "stream_input", help="the network takes its input row by row, which needs less RAM", is_scoped=False
    )
    library: tuple[str, ...] = option(
        (), "static libraries for these cores in place of sources, joined by commas, such as cortex-m4f or rv32imc; "
        "with --for cmake, zephyr or esp-idf", group="export", value="CORES", parse=read_names,
        default_words="sources",
    )  # fmt: skip
    with_protocol: bool = option(
        False, "with the serial protocol, so that ./inv deploy --link can measure your program", group="export"
    )
    with_trace: bool = option(
        False, "hash what each operator computes, for ./inv trace --answers; takes longer", group="export"
    )
    out: Path | None = option(
        None, "folder to write: a new one, or that of an earlier export", group="export", value="DIR",
        default_words="exports/<model>-<framework>",
    )  # fmt: skip


@dataclass(frozen=True)
class ReportOptions:
    """Which report to print, or which runs to write as a page. `typed` are the options that were typed, as text."""

    model: str = like(Request, "model")
    target: str = like(Request, "target", help="board, or the name of --unit")
    engine: str | None = like(Request, "engine")
    runs: tuple[str, ...] = option(
        (), "reports and folders of reports, joined by commas, for --html, --markdown and --csv; two are compared",
        group="page", value="RUNS", parse=read_names, default_words="reports/, or those of the model and target",
    )  # fmt: skip
    html: Path | None = option(
        None, "page to write: one file, which needs no network", group="page", value="FILE", default_words="none"
    )
    markdown: Path | None = option(
        None, "table of the runs to write as Markdown", group="page", value="FILE", default_words="none"
    )
    csv: Path | None = option(None, "the same as CSV", group="page", value="FILE", default_words="none")
    json: bool = like(Request, "json")
    typed: Words = field(default_factory=dict)


def read_since(text: str) -> str:
    """Return a date, a time or how long ago as ISO 8601 in UTC. Raises ValueError with what was expected."""
    match = re.fullmatch(r"([0-9]{1,5})([hd])", text, re.ASCII)
    try:
        if match:
            time = datetime.now(UTC) - timedelta(hours=int(match[1]) * (24 if match[2] == "d" else 1))
        else:
            time = datetime.fromisoformat(text)
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "a date or time in UTC such as 2026-11-01 or 2026-11-01T08:30, or 12h or 7d for so long ago"
        ) from None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class HistoryOptions:
    """Which runs to list, or what to merge. `since` is ISO 8601 in UTC; "" is for all, and 0 for no limit."""

    model: str = like(Request, "model", "", help="model of the runs", default_words="all")
    target: str = like(Request, "target", "", help="board of the runs, or the name of --unit", default_words="all")
    since: str = option(
        "", "runs since a date, or since 12h or 7d ago", group="history", value="TIME", parse=read_since,
        default_words="all",
    )  # fmt: skip
    limit: int = option(20, "the newest N runs; 0: all", group="history", value="N")
    merge: Path | None = option(
        None, "add the runs of another machine's history.sqlite, or of reports or a folder of them", group="history",
        value="FILE", default_words="none",
    )  # fmt: skip
    json: bool = JSON


@dataclass(frozen=True)
class TargetsOptions:
    """How to list the boards."""

    json: bool = JSON


@dataclass(frozen=True)
class ModelsOptions:
    """Which networks to list. `rho` is in pixels, None for the presets' own."""

    rho: int | None = option(None, "side of the input in pixels", group="model", value="N", low=1, default_words="128")
    classes: int = option(1000, "classes", group="model", value="N", low=2)
    json: bool = JSON


@dataclass(frozen=True)
class ExplainOptions:
    """Which network to print layer by layer."""

    model: str = like(Request, "model", help="preset such as v1_025 or v2_035_160 (./inv models lists them)")
    classes: int = option(1000, "classes", group="model", value="N", low=2)
    channels: int = like(Request, "channels", is_scoped=False)
    json: bool = JSON


@dataclass(frozen=True)
class TrainOptions:
    """How to train a preset."""

    model: str = like(Request, "model", help="preset such as v1_025 or v2_035_160 (./inv models lists them)")
    weights: str | None = option(
        None, "weights to begin with: imagenet, random, or a .npz checkpoint", group="model", value="FILE",
        default_words="random; with fewer than 5,000 pictures the network's nearest checkpoint, else ImageNet's",
    )  # fmt: skip
    channels: int = like(Request, "channels", is_scoped=False)
    data: str = like(Request, "data")
    stages: str | None = option(
        None, "input sides in pixels and epochs, the last side at rho: SIDE:EPOCHS[,SIDE:EPOCHS...]", group="training",
        value="STAGES",
        default_words="half of rho for 3 epochs, then rho for 6; of few pictures more, so that there are 400 steps",
    )  # fmt: skip
    frozen_epochs: int | None = option(
        None, "epochs before the stages in which only the classifier learns", group="training", value="N",
        default_words="a tenth of the stages' where weights are known for all but the classifier, else 0",
    )  # fmt: skip
    patience: int | None = option(
        None, "hold out a sixth of the training pictures, stop after N epochs without a lower loss on them; 0: never",
        group="training", value="N",
        default_words="a third of the last stage's epochs with fewer than 5,000 pictures, else 0",
    )  # fmt: skip
    batch: int | None = option(
        None, "pictures in one step", group="training", value="N", low=1,
        default_words="64, or an eighth of a small data set",
    )  # fmt: skip
    learning_rate: float | None = option(
        None, "peak learning rate of AdamW", group="training", value="X",
        default_words="0.003, 0.001 from known weights; with --quantize 0.00003 of the largest weight",
    )  # fmt: skip
    no_flip: bool = option(False, "do not mirror pictures", group="training")
    no_color: bool = option(
        False, "do not change brightness, contrast and saturation, as is done with fewer than 5,000 pictures",
        group="training",
    )  # fmt: skip
    mixup: float = option(
        0.0, "mix pairs of pictures by shares from a beta distribution of this parameter; 0: none", group="training",
        value="X",
    )  # fmt: skip
    seed: int = option(1, "seed of weights, order and augmentation", group="training", value="N")
    quantize: bool = option(
        False, "train the float checkpoint of the preset and the data for int8, beside a control in float",
        group="training",
    )  # fmt: skip
    steps: int | None = option(None, "steps with --quantize", group="training", value="N", low=1, default_words="100")
    out: str | None = option(
        None, "checkpoint to write, .npz", group="output", value="FILE", default_words="where ./inv build looks for it"
    )
    json: bool = JSON


@dataclass(frozen=True)
class SuiteOptions:
    """What `bench-engines` measures."""

    models: tuple[str, ...] = option(
        (), "presets or int8 .tflite files, joined by commas", group="model", value="NAMES", parse=read_names,
        default_words="v1_025,v2_035,v3sm_075,v3s_075",
    )  # fmt: skip
    targets: tuple[str, ...] = option(
        (), "emulated microcontrollers, joined by commas", group="target", value="NAMES", parse=read_names,
        default_words="qemu-m0,qemu-m3,qemu-m4,qemu-m33,qemu-m7,qemu-m55",
    )  # fmt: skip
    classes: int = option(
        1000, "classes; the weights are random, scaled as trained ones are", group="model", value="N", low=2
    )
    optimize: str = like(Request, "optimize")
    images: int = option(2, "pictures for each network and core", group="measurement", value="N", low=1)
    layers: bool = option(False, "count the instructions of each layer of our engine too", group="measurement")
    presets: bool = option(
        False, "the shipped presets with their weights instead, compared with the committed counts", group="measurement"
    )
    cycles: bool = option(
        False, "modeled cycles of one picture alone, which takes seconds; nothing is written", group="measurement"
    )
    update: bool = option(False, "with --presets: write the counts that CI asserts", group="output")
    out: Path | None = option(
        None, "folder for engines.json and engines.md", group="output", value="FOLDER",
        default_words="benchmarks/results",
    )  # fmt: skip


@dataclass(frozen=True)
class EmulatorOptions:
    """What to do with the virtual machine of a board."""

    target: str = like(Request, "target", "qemu-rpi4", help="an emulated Linux board")
    build: bool = option(False, "build its image again; the first start builds it too", group="action")
    start: bool = option(False, "start the machine, which runs until --stop", group="action")
    stop: bool = option(False, "shut it down; its disk stays as it is", group="action")
    status: bool = option(False, "say whether it runs, and how to log in; done without any action", group="action")


@dataclass(frozen=True)
class DoctorOptions:
    """How to print what is installed."""

    coordinator: str | None = like(Request, "coordinator", help=LAB_HELP, default_words=LAB_WORDS, is_scoped=False)
    json: bool = JSON


@dataclass(frozen=True)
class CheckOptions:
    """What `test` gives to pytest."""

    pytest_arguments: str = option(
        "", "arguments for pytest, such as '-k frames -x'", group="output", value="WORDS", parse=read_shell_words
    )


@dataclass(frozen=True)
class LockOptions:
    """How to resolve the dependencies."""

    upgrade: bool = option(False, "take the newest version of each", group="output")


@dataclass(frozen=True)
class CleanOptions:
    """What `clean` removes."""

    environment: bool = option(False, ".venv too, if ./inv made it; the next ./inv installs it again", group="action")
    dry_run: bool = option(False, "say what would be removed, and its size", group="action")


def read_floats(text: str) -> tuple[float, ...]:
    """Return numbers joined by commas. Raises ValueError saying what was expected."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as e:
        raise ValueError("numbers joined by commas") from e


@dataclass(frozen=True)
class SweepOptions:
    """Which networks to try for a board, and what they may take."""

    target: str = like(Request, "target", help="board that the network is for")
    families: tuple[str, ...] = option(
        (), "families, joined by commas", group="model", value="NAMES", parse=read_names, default_words="all"
    )
    alphas: tuple[float, ...] = option(
        (), "width multipliers, joined by commas", group="model", value="NUMBERS", parse=read_floats,
        default_words="those that the papers publish",
    )  # fmt: skip
    rhos: tuple[float, ...] = option(
        (), "input sides in pixels, joined by commas", group="model", value="NUMBERS", parse=read_floats,
        default_words="64,96,128,160,192,224",
    )  # fmt: skip
    channels: int = like(Request, "channels", is_scoped=False)
    data: str = like(Request, "data", help="data set whose classes and checkpoints count: {choices}")
    max_ram: int | None = option(
        None, "RAM in bytes", group="limits", value="BYTES", low=1, default_words="the board's"
    )
    max_flash: int | None = option(
        None, "flash in bytes", group="limits", value="BYTES", low=1, default_words="the board's"
    )
    max_latency: float | None = option(
        None, "time of an inference in milliseconds, where the board's core counts time or cycles", group="limits",
        value="MS", low=0, default_words="no limit",
    )  # fmt: skip
    max_count: float | None = option(
        None, "cost of an inference in what the core counts, such as instructions", group="limits", value="N", low=1,
        default_words="no limit",
    )  # fmt: skip
    min_accuracy: float | None = option(
        None, "float top-1 in percent; networks without a checkpoint are refused", group="limits", value="PERCENT",
        low=0, high=100, default_words="no limit",
    )  # fmt: skip
    optimize: str = like(Request, "optimize", is_scoped=False)
    stream_input: bool = like(Request, "stream_input", is_scoped=False)
    finalists: int = option(1, "how many of the best are built and measured", group="measurement", value="N", low=0)
    train: bool = option(False, "train the finalists that have no checkpoint, which takes hours", group="measurement")
    json: bool = JSON
