"""The report of one measurement: what becomes report.json (schema 2); measure/report_file.py reads and writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from calibration.comparison import Comparison
from fields import Source, shown
from graph.difference import FirstDifference
from measure.clocks import ClockSection

SCHEMA = 2


def check_schema(values: Mapping[str, object], source: Source) -> None:
    """Raise the source's error if a report is of another schema, naming both and what to do."""
    found = values.get("schema")
    if type(found) is not int or (found != SCHEMA and not isinstance(values.get("target"), Mapping)):
        raise source.wrong_value("schema", str(SCHEMA), found)  # perhaps not a report
    if found != SCHEMA:
        age, step = ("an earlier", "run ./inv deploy again") if found < SCHEMA else ("a newer", "update it")
        raise source.error(f"{source.name}: schema {shown(found)}, of {age} Alpharho; this one reads {SCHEMA}: {step}")


Unit = Literal["us", "instructions", "rp2040js cycles"]
"""What a latency is in: time, or what an emulator counts in place of it."""


@dataclass(frozen=True)
class TargetSection:
    """The board: `kind` linux, mcu or tpu; `measured_on` hardware, emulated or host."""

    name: str
    kind: str
    measured_on: str
    cpu: str


@dataclass(frozen=True)
class LabSection:
    """The place of a lab where the device is: its coordinator, and exporter and class of its line."""

    place: str
    coordinator: str
    exporter: str
    resource: str


@dataclass(frozen=True)
class DeviceSection:
    """What the device said of itself: see deploy.info.DeviceInfo and deploy.board_state.BoardState.

    `mismatches` are what differs from the target, which the user allowed. `clock_error` is the part by which its
    counter is fast by this host's clock, None where that could not be compared. `lab` is None for a device that is not
    in one.
    """

    board: str
    machine: str | None = None
    core: str | None = None
    cpuid: str | None = None
    cpu: str | None = None
    model: str | None = None
    unit: str | None = None
    mismatches: tuple[str, ...] | None = None
    clock_error: float | None = None
    lab: LabSection | None = None


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """The network: `alpha` is its width multiplier, `rho` its input's side in pixels; None where it is not a preset.

    `classes` is None where the outputs are not those of a classifier.
    """

    name: str
    classes: int | None = None
    sha256: str
    family: str | None = None
    alpha: float | None = None
    rho: int | None = None
    parameters: int | None = None
    macs: int | None = None


@dataclass(frozen=True)
class StreamedInput:
    """An input that comes row by row: `rows` of `row_bytes` are kept of its `input_bytes`.

    `whole_arena_bytes` is what the arena would be with the input whole.
    """

    rows: int
    row_bytes: int
    input_bytes: int
    whole_arena_bytes: int


@dataclass(frozen=True)
class EngineSection:
    """What ran the network; `threads` on Linux, `optimize` and `streamed_input` where it was compiled ahead of time.

    `macs_left_out` are multiply-accumulates of the network that have no effect, and were not computed.
    """

    name: str
    version: str
    kernels: str
    threads: int | None = None
    optimize: str | None = None
    streamed_input: StreamedInput | None = None
    macs_left_out: int | None = None


@dataclass(frozen=True)
class LatencySection:
    """Figures of `n` single inferences after `warmup` others, in microseconds or in what an emulator counts.

    `samples` are the inferences themselves, in order.
    """

    unit: Unit
    counter: str
    n: int
    warmup: int
    min: float
    median: float
    mean: float
    stdev: float
    p90: float
    p99: float
    max: float
    samples: tuple[float, ...] | None = None


@dataclass(frozen=True)
class AccuracySection:
    """Fractions of `n` pictures: the device's top-1 and top-5, and top-1 of LiteRT on the host.

    `host_top1` is with the device's kernels, `reference_top1` with the reference kernels where those are others.
    """

    dataset: str
    n: int
    top1: float
    top5: float | None = None
    host_top1: float | None = None
    reference_top1: float | None = None


@dataclass(frozen=True)
class AucSection:
    """The area under the ROC curve of the mean squared reconstruction error over `n` inputs, normal ones and anomalies.

    `host_auc` is that of LiteRT on the host.
    """

    dataset: str
    n: int
    auc: float
    host_auc: float | None = None


@dataclass(frozen=True)
class ExactnessSection:
    """How many of `n` answers equal the oracle's byte for byte, in all outputs.

    `max_abs_diff` is the largest difference in steps of the quantized outputs, None if an output has real values.
    `first_difference` is where the kernels of the device begin to differ from the reference kernels, found on this
    host; None if the answers are equal or it is not known.
    """

    oracle: str
    n: int
    equal: int
    max_abs_diff: int | None = None
    first_difference: FirstDifference | None = None


@dataclass(frozen=True)
class LinuxState:
    """A board's clocks in Hz, temperature and throttling at one moment, as deploy.board_state.BoardState."""

    cpu_hz: tuple[int, ...] | None = None
    temperature_c: float | None = None
    throttled_word: int | None = None
    throttle_count: int | None = None


@dataclass(frozen=True)
class ThreadTrial:
    """The median of single inferences with a number of threads."""

    threads: int
    median_us: float


@dataclass(frozen=True)
class LinuxSection:
    """A Linux board: what it is, its state before and after, and times other than latency, in microseconds.

    `slowed_down` names the reasons why it ran slower than it can, None where the kernel does not tell.
    """

    machine: str | None = None
    os: str | None = None
    kernel: str | None = None
    python: str | None = None
    cores: int | None = None
    governor: str | None = None
    before: LinuxState | None = None
    after: LinuxState | None = None
    slowed_down: tuple[str, ...] | None = None
    threads_tried: tuple[ThreadTrial, ...] | None = None
    import_us: float | None = None
    load_us: float | None = None
    first_inference_us: float | None = None


@dataclass(frozen=True)
class TpuSection:
    """An Edge TPU, and how many of the network's operators run on it; `on_cpu` names the others, in order."""

    operators: int
    operators_mapped: int
    operators_predicted: int | None = None
    device: str | None = None
    path: str | None = None
    runtime: str | None = None
    on_cpu: tuple[str, ...] | None = None
    subgraphs: int | None = None
    min_runtime_version: int | None = None
    on_chip_remaining_bytes: int | None = None
    compiled_with: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Provenance:
    """Where the figures come from. Times are ISO 8601 in UTC, `pictures` is the digest of the test pictures.

    `interrupted` says where the run was cut short; `resumed_pictures` were measured by earlier runs that were;
    `reconnects` is how often the device was lost and came back; `calibration` compares the float and the int8 model on
    the host.
    """

    created: str
    artifacts: Mapping[str, str]
    tools: Mapping[str, str]
    command: str | None = None
    firmware: str | None = None
    pictures: str | None = None
    accuracy_measured: str | None = None
    interrupted: str | None = None
    resumed_pictures: int | None = None
    reconnects: int | None = None
    damaged_pictures: int | None = None
    calibration: Comparison | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """One measurement beside its reference and its provenance. What was not measured is None, and absent in JSON.

    `memory` is bytes by name; `no_accuracy` says why neither accuracy nor AUC has a meaning.
    """

    schema: int = SCHEMA
    target: TargetSection
    model: ModelSection
    engine: EngineSection
    latency: LatencySection | None = None
    clock: ClockSection | None = None
    memory: Mapping[str, int] = field(default_factory=dict)
    accuracy: AccuracySection | None = None
    auc: AucSection | None = None
    no_accuracy: str | None = None
    exactness: ExactnessSection | None = None
    device: DeviceSection | None = None
    linux: LinuxSection | None = None
    tpu: TpuSection | None = None
    provenance: Provenance
