"""The request: every option of the pipeline once, with type, default, help, group, check and what it applies to.

The command line, `--help`, the steps, preflight and docs/options.md read these fields; a default stands nowhere else.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import target as targets
from errors import ConfigError
from graph.kernels import KERNELS, USUAL
from models import formats, presets
from pipeline.options import Scope, Words, fields_of, listed, option
from target import Target
from target.sdk import is_sdk
from target.sections import TPU_DEVICE, flashers

ALL_IMAGES = 0
AUTO = "auto"
FASTEST = 0
ENGINES_OF = {"linux": ("litert", "aot", "tflm"), "mcu": ("aot", "tflm"), "tpu": ("edgetpu", "litert")}
"""Engines by the kind of a target."""
GROUPS = ("model", "data", "calibration", "target", "Edge TPU", "device", "measurement", "output")
UNIT = re.compile(r"[^\W_][\w.@-]{0,199}")
MODEL_FILES = {".keras": "keras", ".h5": "keras", ".tflite": "tflite"}

LITERT = Scope("LiteRT on Linux targets", engines=("litert", "edgetpu"))
EDGETPU = Scope("targets with an Edge TPU, such as coral-usb", engines=("edgetpu",))
AOT = Scope("--engine aot", engines=("aot",))
ROWS = Scope("--engine aot on a microcontroller", kinds=("mcu",), engines=("aot",))
FLASHED = Scope("microcontrollers", kinds=("mcu",))
SSH = Scope("boards over SSH and in labs", links=("ssh", "labgrid"))
LAB = Scope("boards in a lab, with --link labgrid://PLACE or --place-match", links=("labgrid",))
PRESET = Scope("presets", models=("preset",))
KERAS = Scope("Keras files whose height and width are open", models=("keras",))
FLOAT = Scope("presets and Keras files, which are converted to int8 here", models=("preset", "keras"))


def read_range(text: str) -> tuple[float, float]:
    """Return LOW,HIGH as two numbers. Raises ValueError with what was expected."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError("LOW,HIGH such as -1,1 or 0,255") from None
    if not -math.inf < low < high < math.inf:
        raise ValueError("two finite numbers, LOW below HIGH")
    return low, high


def read_names(text: str) -> tuple[str, ...]:
    """Return names that are joined by commas. Raises ValueError if one is empty."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError("names joined by commas")
    return names


def read_unit(text: str) -> str:
    """Return the name of a unit, which becomes that of a folder. Raises ValueError with what was expected."""
    if not UNIT.fullmatch(text):
        raise ValueError("letters, digits and . _ - @, with a letter or digit first, such as rpi4-kitchen")
    return text


def read_tpu(text: str) -> str:
    """Return an Edge TPU as libedgetpu names it. Raises ValueError with what was expected."""
    if not TPU_DEVICE.fullmatch(text):
        raise ValueError("usb:N, pci:N, usb, pci or :N, such as usb:0")
    return text


@dataclass(frozen=True)
class Request:
    """What is to be done with which model on which device, as the options of the command line say it.

    `threads` FASTEST is for the fastest number, found by trying; `images` None is for the target's usual number,
    ALL_IMAGES for the whole test split. `typed` are the options that were typed, as text.
    """

    model: str = option(
        "v1_025",
        "preset such as v1_025 or v2_035_160 (./inv models lists them), or a .keras, .h5 or int8 .tflite file",
        group="model", value="NAME",
    )  # fmt: skip
    weights: str | None = option(
        None, "imagenet, random, or a .keras, .h5, .weights.h5 or .npz file", group="model", value="FILE",
        default_words="your training of the preset (./inv train), else the checkpoint shipped here",
    )  # fmt: skip
    channels: int = option(
        3, "color channels of the input, 1 or 3", group="model", value="N", low=1, high=3, scope=PRESET
    )
    rho: int | None = option(
        None, "side of the input in pixels", group="model", value="N", low=1, high=4096,
        default_words="what the file says, for ./inv models 128", scope=KERAS,
    )  # fmt: skip
    input_range: tuple[float, float] | None = option(
        None, "values that pixels 0 and 255 stand for, where the model's file does not say", group="model",
        value="LOW,HIGH", parse=read_range,
    )  # fmt: skip
    labels: str | None = option(
        None, "class names of the model: a file with one on each line, or a,b,c", group="model", value="NAMES",
        default_words="those of the data set",
    )  # fmt: skip
    data: str = option(
        "fashion_mnist",
        "fashion_mnist, cifar10, folder:DIR (one folder for each class) or npz:FILE (pictures or arrays)",
        group="data", value="NAME",
    )  # fmt: skip
    calibration_images: int = option(
        200, "pictures in the representative data set", group="calibration", value="N", low=1, scope=FLOAT
    )
    plain: bool = option(
        False, "convert to int8 with TensorFlow's own ranges, without corrections", group="calibration", scope=FLOAT
    )
    seed: int = option(0, "picks the pictures for calibration and for the test", group="calibration", value="N")
    target: str = option(
        "host",
        "board, as ./inv targets lists them, or zephyr:BOARD, arduino:FQBN, pio:BOARD or idf:CHIP for your own SDK; "
        "several, joined by commas, are measured side by side",
        group="target", value="NAME",
    )  # fmt: skip
    engine: str | None = option(
        None,
        "what runs the network: {choices}, which is litert, or aot on a Linux board that can have no LiteRT",
        group="target", value="ENGINE", choices=(*targets.ENGINES, AUTO),
        default_words="aot on a microcontroller, litert on Linux, edgetpu on Coral's boards",
    )  # fmt: skip
    optimize: str = option(
        "size", "what the compiler for microcontrollers saves at the cost of the others: {choices}", group="target",
        value="AIM", choices=("size", "speed", "ram"), scope=AOT,
    )  # fmt: skip
    stream_input: bool = option(
        False, "take the input row by row as it arrives, which needs less RAM than all of it at once", group="target",
        scope=ROWS,
    )  # fmt: skip
    compile_on: str | None = option(
        None, "machine that has edgetpu_compiler, as ssh://[USER@]HOST", group="Edge TPU", value="URI",
        default_words="this machine", scope=EDGETPU,
    )  # fmt: skip
    with_: tuple[str, ...] = option(
        (), "models to compile together with it, joined by commas: they share the Edge TPU's memory", group="Edge TPU",
        value="MODELS", parse=read_names, scope=EDGETPU,
    )  # fmt: skip
    compiled: Path | None = option(
        None, "_edgetpu.tflite that was compiled elsewhere from this model", group="Edge TPU", value="FILE",
        scope=EDGETPU,
    )  # fmt: skip
    link: str | None = option(
        None, "where the device is, such as ssh://pi@raspberrypi.local or serial:///dev/ttyACM0?baud=921600",
        group="device", value="URI", default_words="as bench.toml says; an emulator or this host is started",
    )  # fmt: skip
    place_match: str | None = option(
        None,
        "any free place of a labgrid lab that has these tags, joined by commas; {{target}} in it is the target's name "
        "with _ for -",
        group="device", value="TAG=VALUE", default_words="--link labgrid://PLACE names one",
    )  # fmt: skip
    places: int = option(
        1, "how many places to measure side by side, with --place-match", group="device", value="N", low=1, high=1000
    )
    coordinator: str | None = option(
        None, "the lab's coordinator, as HOST[:PORT], or ssh://[USER@]HOST for one behind SSH", group="device",
        value="ADDRESS", default_words="the environment variable LG_COORDINATOR, else this machine", scope=LAB,
    )  # fmt: skip
    flasher: str | None = option(
        None, "program that flashes the board: {choices}", group="device", value="NAME",
        choices=tuple(flashers()), default_words="as bench.toml or the target's file says", scope=FLASHED,
    )  # fmt: skip
    accept_new: bool = option(False, "store the key of an SSH host that is not known yet", group="device", scope=SSH)
    runtime: str = option(
        "auto", "LiteRT on the device: {choices}, which takes what is installed there", group="device", value="NAME",
        choices=("ai-edge-litert", "tflite-runtime", "auto"), scope=LITERT,
    )  # fmt: skip
    threads: int = option(
        1, "threads of LiteRT on the device, or `auto` for the fastest number", group="device", value="N", low=1,
        high=1024, words={"auto": FASTEST}, scope=LITERT,
    )  # fmt: skip
    kernels: str = option(
        USUAL, "kernels of LiteRT: {choices}", group="device", value="NAME",
        choices=tuple(KERNELS), scope=LITERT,
    )  # fmt: skip
    device: str | None = option(
        None, "which Edge TPU: usb:N, pci:N, usb, pci or :N", group="device", value="PLACE",
        default_words="as the target's file says", parse=read_tpu, scope=EDGETPU,
    )  # fmt: skip
    allow_mismatch: bool = option(
        False,
        "flash, measure or test a device that is not the target's board, and say so in the report",
        group="device",
    )
    images: int | None = option(
        None, "test pictures, or `all`", group="measurement", value="N", low=1, words={"all": ALL_IMAGES},
        default_words="1000, on an emulated microcontroller 20",
    )  # fmt: skip
    give_up_after: float = option(
        300.0, "seconds to wait for a free place of a lab, and for a device that is lost in mid-run; 0 is not at all",
        group="measurement",
        value="S", high=1e6,
    )  # fmt: skip
    fresh: bool = option(False, "measure again what an earlier run of the same bytes has measured", group="measurement")
    json: bool = option(False, "print the result as JSON alone", group="output")
    unit: str | None = option(
        None, "name under which the report is kept, for one of several units of a board", group="output", value="NAME",
        default_words="the target's name", parse=read_unit,
    )  # fmt: skip
    typed: Words = field(default_factory=dict)

    @property
    def model_kind(self) -> str:
        """What --model names: preset, keras or tflite."""
        return MODEL_FILES.get(Path(self.model).suffix, "preset")

    @property
    def is_default_data(self) -> bool:
        """Whether no data set was named, so that nothing says it is about what the model classifies."""
        return "data" not in self.typed and self.data == Request.data

    def engine_for(self, board: Target) -> str:
        """Return the engine on a target: its own or that of --engine. Raises ConfigError if it can't run that.

        `auto` is the target's own until pipeline.preflight has asked the board.
        """
        if self.engine in (None, AUTO, board.engine):
            return board.engine
        engines = ENGINES_OF[board.kind]
        assert self.engine is not None
        if self.engine not in engines:
            raise ConfigError(f"--engine {self.engine}: {board.name} can't run it; it takes {listed(engines)}")
        return self.engine


def check_scope(request: Request, board: Target) -> None:
    """Raise ConfigError if an option is set that the target, its engine, its link or the model's kind does not use."""
    for name in set_options(request):
        if not applies(name, request, board):
            about = fields_of(type(request))[name]
            assert about.option.scope is not None
            subject = request.model if about.option.scope.models else f"{board.name} ({request.engine_for(board)})"
            raise ConfigError(
                f"{as_typed(request, name)}: {subject} does not use it; it is for {about.option.scope.words}; "
                f"leave {about.flag} out"
            )


def applies(name: str, request: Request, board: Target) -> bool:
    """Return whether an option of the request has a meaning for the target and the model."""
    scope = fields_of(type(request))[name].option.scope
    if scope is None:
        return True
    link = urlsplit(request.link).scheme if request.link else board.link
    return all(
        not allowed or value in allowed
        for allowed, value in (
            (scope.kinds, board.kind),
            (scope.engines, request.engine_for(board)),
            (scope.links, link),
            (scope.models, request.model_kind),
        )
    )


def set_options(request: Request) -> list[str]:
    """Return the names of the options that were typed or differ from their default."""
    return [
        name
        for name, about in fields_of(type(request)).items()
        if name in request.typed or getattr(request, name) != about.default
    ]


def as_typed(request: Request, name: str) -> str:
    """Return an option and its value as on the command line, such as `--threads auto`."""
    about = fields_of(type(request))[name]
    value = request.typed.get(name, getattr(request, name))
    if isinstance(value, bool):
        return about.flag
    return f"{about.flag} {','.join(map(str, value)) if isinstance(value, tuple) else value}"


def is_target(word: str) -> bool:
    """Return whether a word names one target or several, joined by commas."""
    known = set(targets.names())
    return all(part in known or is_sdk(part) for part in word.split(","))


def is_model(word: str) -> bool:
    """Return whether a word is a file of a model, also of another framework, or has the form of a preset's name."""
    return Path(word).suffix in MODEL_FILES or presets.looks_like(word) or formats.way_to_tflite(word) is not None
