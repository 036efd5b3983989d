"""Requests of tasks that have a few options of their own beside those of the pipeline."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from pipeline.options import like, option
from pipeline.request import Request, read_names

LONGEST_S = 90 * 86400.0


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
    """A request whose layers are counted on the device, or in the model of its core's cycles."""

    modeled: bool = option(
        False, "modeled cycles alone, without the device: of the emulated board of its core", group="measurement"
    )
    json: bool = like(Request, "json", help="print the layers as JSON")


@dataclass(frozen=True)
class FitOptions(Request):
    """A request whose network is compared with boards: one of them, or "" for all microcontrollers."""

    target: str = like(Request, "target", "", help="one board", default_words="all microcontrollers")
    measure: bool = option(
        False, "build and run each form, and compare plan, linker and device, with --target", group="measurement"
    )


@dataclass(frozen=True)
class ExportRequest(Request):
    """A request whose network is written as C for a framework."""

    for_: str = option(
        "cmake", "whose project takes it: {choices}", group="export", value="FRAMEWORK",
        choices=("cmake", "arduino", "platformio", "pico-sdk", "zephyr", "esp-idf", "cmsis-pack"),
    )  # fmt: skip
    kernels: str = option(
        "portable", "kernels: {choices}; dsp is for Cortex-M4 and M33, m7 for M7, mve for M55 and M85, rv32 for RISC-V",
        group="export", value="NAME", choices=("portable", "dsp", "m7", "mve", "rv32"),
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
