"""A device's INFO and STATS, checked field by field: every byte came over a wire."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from deploy.frames import MAX_PAYLOAD
from errors import DeviceError
from fields import Fields, Source, load_json
from target.sections import EMULATED_UNITS

NEXT_STEP = "rebuild and flash the firmware"
MAX_TENSORS = 255
"""The wire has one byte for the number of a tensor."""
MAX_INFO_BYTES = 1 << 16
MAX_TENSOR_BYTES = 1 << 26
MAX_RATE_HZ = 10**12
DTYPE_BYTES = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "float32": 4}
UNITS = ("ticks", *EMULATED_UNITS)
_UNIT = re.compile(r"[0-9a-f]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TensorSpec:
    """One tensor: real value = scale x (stored - zero_point); scale 0 means not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * DTYPE_BYTES[self.dtype]


@dataclass(frozen=True)
class Counter:
    """The clock that times an inference: seconds = ticks / rate_hz. `unit` is one of UNITS.

    `cycles` says whether its ticks are cycles of the core, None where the firmware does not say.
    """

    name: str
    rate_hz: int
    unit: str
    cycles: bool | None = None


@dataclass(frozen=True)
class SecondCounter:
    """Another counter of the device, which counts what the first does not: time, or cycles of the core."""

    name: str
    rate_hz: int


@dataclass(frozen=True)
class DeviceInfo:
    """The device's INFO. `memory` is bytes by name; `window` bytes on the line, `max_payload` bytes a frame.

    `second` is None where the firmware has one counter, or knows one only.
    `write_map`: answers to WRITE can say what else has arrived. `parity`: frames with parity are repaired.
    `coding`: WRITE takes inputs in fewer bytes.
    `cpuid` is a Cortex-M's, else 0; `machine` as `uname -m` has it; `unit` the chip's unique number as hex digits.
    `traced` firmware hashes what each operator writes, `profiled` firmware counts each call: neither is for
    measurements.
    """

    protocol: int
    board: str
    engine: str
    engine_version: str
    kernels: str
    model_sha256: str
    firmware: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    memory: Mapping[str, int]
    counter: Counter
    window: int
    max_payload: int
    input_preserved: bool
    input_streamed: bool
    write_map: bool = False
    parity: bool = False
    coding: bool = False
    cpuid: int = 0
    machine: str | None = None
    unit: str | None = None
    second: SecondCounter | None = None
    traced: bool = False
    profiled: bool = False


@dataclass(frozen=True)
class Stats:
    """The device's STATS: counts since it started, and what it knows of sizes in bytes and times in nanoseconds.

    None is what the device does not know. `stack_used` is the high-water mark of a painted stack, `peak_rss` Linux's;
    `uptime_us` is the counter of INFO as microseconds, from any start. `run_ticks` and `run_second_ticks` are what both
    counters of INFO counted of all inferences.
    """

    inferences: int = 0
    frames: int = 0
    damaged_frames: int = 0
    overruns: int = 0
    arena: int | None = None
    arena_used: int | None = None
    stack: int | None = None
    stack_used: int | None = None
    peak_rss: int | None = None
    threads: int | None = None
    import_ns: int | None = None
    load_ns: int | None = None
    first_inference_ns: int | None = None
    uptime_us: int | None = None
    run_ticks: int | None = None
    run_second_ticks: int | None = None


def parse_info(text: bytes, where: str) -> DeviceInfo:
    """Return the INFO in a JSON text. Raises DeviceError naming `where`, field, what was expected and received."""
    info = load_json(text, Source(f"{where}: INFO", DeviceError, NEXT_STEP))
    return DeviceInfo(
        protocol=info.integer("protocol", 1, 255),
        board=info.text("board"),
        engine=info.text("engine"),
        engine_version=info.text("engine_version"),
        kernels=info.text("kernels"),
        model_sha256=info.text("model_sha256", pattern=_SHA256, expected="64 lower-case hex digits"),
        firmware=info.text("firmware"),
        inputs=tuple(_tensor(table) for table in info.tables("inputs", most=MAX_TENSORS)),
        outputs=tuple(_tensor(table) for table in info.tables("outputs", most=MAX_TENSORS)),
        memory=info.counts("memory"),
        counter=_counter(info.table("counter")),
        window=info.integer("window", 64, 1 << 30),
        max_payload=info.integer("max_payload", 80, MAX_PAYLOAD),
        input_preserved=info.boolean("input_preserved"),
        input_streamed=info.boolean("input_streamed", default=False),
        write_map=info.boolean("write_map", default=False),
        parity=info.boolean("parity", default=False),
        coding=info.boolean("coding", default=False),
        cpuid=info.integer("cpuid", 0, (1 << 32) - 1, default=0),
        machine=info.text("machine") if "machine" in info.values else None,
        unit=info.text("unit", pattern=_UNIT, expected="hex digits") if "unit" in info.values else None,
        second=_second_counter(info),
        traced=info.boolean("traced", default=False),
        profiled=info.boolean("profiled", default=False),
    )


def parse_stats(text: bytes, where: str) -> Stats:
    """Return STATS; what a newer device adds is ignored. Raises DeviceError as parse_info does."""
    counts = load_json(text, Source(f"{where}: STATS", DeviceError, NEXT_STEP)).all_counts()
    known = {f.name for f in fields(Stats)}
    return Stats(**{name: count for name, count in counts.items() if name in known})


def _tensor(table: Fields) -> TensorSpec:
    spec = TensorSpec(
        name=table.text("name"),
        shape=table.integers("shape", 1, MAX_TENSOR_BYTES, most=8),
        dtype=table.choice("dtype", DTYPE_BYTES),
        scale=table.number("scale"),
        zero_point=table.integer("zero_point", -(1 << 31), (1 << 31) - 1),
    )
    if spec.nbytes > MAX_TENSOR_BYTES:
        raise table.wrong("shape", f"at most {MAX_TENSOR_BYTES} bytes", spec.nbytes)
    return spec


def _counter(table: Fields) -> Counter:
    cycles = table.boolean("cycles") if "cycles" in table.values else None
    return Counter(table.text("name"), table.integer("rate_hz", 1, MAX_RATE_HZ), table.choice("unit", UNITS), cycles)


def _second_counter(info: Fields) -> SecondCounter | None:
    table = info.table("second_counter", optional=True)
    return SecondCounter(table.text("name"), table.integer("rate_hz", 1, MAX_RATE_HZ)) if table else None
