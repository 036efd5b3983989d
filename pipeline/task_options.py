"""Options of tasks that are not of the pipeline's request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.options import Words, like, option
from pipeline.request import Request, read_names
from pipeline.task_requests import read_shell_words

JSON = option(False, "print as JSON", group="output")
LAB_HELP = "list the places of the lab of this coordinator too, HOST[:PORT] or ssh://[USER@]HOST"
LAB_WORDS = "the environment variable LG_COORDINATOR, else no lab"


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
        False, "shipped weights; the shipped presets are compared with the committed counts", group="measurement"
    )
    cycles: bool = option(
        False, "modeled cycles of one picture alone, which takes seconds; written with --out alone", group="measurement"
    )
    update: bool = option(False, "with --presets: write the counts that CI asserts", group="output")
    out: Path | None = option(
        None, "folder for engines.json and engines.md", group="output", value="FOLDER",
        default_words="benchmarks/results",
    )  # fmt: skip
    json: bool = JSON


@dataclass(frozen=True)
class EmulatorOptions:
    """What to do with the virtual machine of a board."""

    target: str = like(Request, "target", "qemu-rpi4", help="an emulated Linux board")
    build: bool = option(False, "build its image again; the first start builds it too", group="action")
    start: bool = option(False, "start the machine, which runs until --stop", group="action")
    stop: bool = option(False, "shut it down; its disk stays as it is", group="action")
    status: bool = option(False, "say whether it runs, and how to log in; done without any action", group="action")
    json: bool = JSON


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
    json: bool = JSON


@dataclass(frozen=True)
class DocsOptions:
    """How to say which pages were written; all are checked."""

    json: bool = JSON


@dataclass(frozen=True)
class LockOptions:
    """How to resolve the dependencies."""

    upgrade: bool = option(False, "take the newest version of each", group="output")
    json: bool = JSON


@dataclass(frozen=True)
class CleanOptions:
    """What `clean` removes."""

    environment: bool = option(False, ".venv too, if ./inv made it; the next ./inv installs it again", group="action")
    dry_run: bool = option(False, "say what would be removed, and its size", group="action")
    json: bool = JSON


def read_floats(text: str) -> tuple[float, ...]:
    """Return numbers joined by commas. Raises ValueError saying what was expected."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as e:
        raise ValueError("numbers joined by commas") from e


@dataclass(frozen=True)
class SweepOptions:
    """Which networks to try for a board, and what they may take."""

    target: str = like(
        Request, "target", "", help="microcontroller that the network is for", default_words="none: it must be given"
    )
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
    data: str = like(
        Request, "data",
        help="data set whose classes and checkpoints count: fashion_mnist, cifar10, folder:DIR or npz:FILE",
    )  # fmt: skip
    max_ram: int | None = option(
        None, "RAM in bytes", group="limits", value="BYTES", low=1, default_words="the board's"
    )
    max_flash: int | None = option(
        None, "flash in bytes", group="limits", value="BYTES", low=1, default_words="the board's"
    )
    max_latency: float | None = option(
        None, "time of an inference in milliseconds, modeled where an emulator counts cycles", group="limits",
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
