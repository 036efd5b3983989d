"""What a device says of itself (INFO and STATS), checked field by field: every byte of it came over a wire."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.frames import MAX_PAYLOAD
from errors import DeviceError

MAX_INFO_BYTES = 1 << 16
MAX_TENSOR_BYTES = 1 << 26
DTYPE_BYTES = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "float32": 4}
UNITS = ("ticks", "instructions")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TensorSpec:
    """One tensor: real value = scale x (stored - zero_point); scale 0 means not quantised."""

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
    """The clock that times an inference: seconds = ticks / rate_hz. `unit` is ticks or instructions."""

    name: str
    rate_hz: int
    unit: str


@dataclass(frozen=True)
class DeviceInfo:
    """The device's INFO. `memory` is bytes by name; `window` bytes on the line, `max_payload` bytes a frame."""

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


def parse_info(text: bytes, where: str) -> DeviceInfo:
    """Return what the JSON of INFO says. Raises DeviceError naming `where`, field, what was expected and received."""
    fields = Fields(load_object(text, f"{where}: INFO"), f"{where}: INFO")
    return DeviceInfo(
        protocol=fields.integer("protocol", 1, 255),
        board=fields.text("board"),
        engine=fields.text("engine"),
        engine_version=fields.text("engine_version"),
        kernels=fields.text("kernels"),
        model_sha256=fields.text("model_sha256", _SHA256),
        firmware=fields.text("firmware"),
        inputs=fields.objects("inputs", _tensor),
        outputs=fields.objects("outputs", _tensor),
        memory=fields.integers("memory"),
        counter=_counter(fields.object("counter")),
        window=fields.integer("window", 64, 1 << 30),
        max_payload=fields.integer("max_payload", 80, MAX_PAYLOAD),
        input_preserved=fields.boolean("input_preserved"),
        input_streamed=fields.flag("input_streamed"),
    )


def parse_stats(text: bytes, where: str) -> dict[str, int]:
    """Return STATS: whole numbers by name. Raises DeviceError as parse_info does."""
    return Fields({"STATS": load_object(text, f"{where}: STATS")}, where).integers("STATS")


def load_object(text: bytes, where: str) -> dict[str, Any]:
    """Return a JSON object sent by a device. Raises DeviceError if it is not one."""
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as e:
        raise DeviceError(f"{where}: no JSON ({e}), starts {text[:40]!r}; rebuild and flash the firmware") from e
    if not isinstance(value, dict):
        raise DeviceError(f"{where}: expected a JSON object, received {shown(value)}; rebuild and flash the firmware")
    return value


class Fields:
    """Takes checked values out of a JSON object; every mistake is a DeviceError naming the field."""

    def __init__(self, values: Mapping[str, Any], where: str):
        self._values = values
        self._where = where

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        """Take a printable string of 1 to 200 characters, one that matches `pattern` if given."""
        value = self._get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
            raise self._wrong(name, "1 to 200 printable characters", value)
        if pattern and not pattern.fullmatch(value):
            raise self._wrong(name, "64 lower-case hex digits", value)
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        """Take a whole number from `low` to `high`."""
        return self._integer(name, self._get(name), low, high)

    def number(self, name: str) -> float:
        """Take a finite number that is not negative."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e30:
            raise self._wrong(name, "a finite number, 0 or more", value)
        return float(value)

    def boolean(self, name: str) -> bool:
        """Take true or false."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def flag(self, name: str) -> bool:
        """Take true or false; false if it is not there."""
        return name in self._values and self.boolean(name)

    def integers(self, name: str) -> dict[str, int]:
        """Take an object of whole numbers below 2**63, at most 64 of them."""
        value = self._get(name)
        if not isinstance(value, dict) or len(value) > 64:
            raise self._wrong(name, "an object of at most 64 whole numbers", value)
        for key in value:
            if not key.isidentifier() or len(key) > 64:
                raise self._wrong(name, "names of letters, digits and _", key)
        return {key: self._integer(f"{name}.{key}", number, 0, (1 << 63) - 1) for key, number in value.items()}

    def object(self, name: str) -> Fields:
        """Take a nested object."""
        value = self._get(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        return Fields(value, f"{self._where} {name}")

    def objects(self, name: str, make: Callable[[Fields], TensorSpec]) -> tuple[TensorSpec, ...]:
        """Take a list of 1 to 16 objects, each made into a tensor's spec."""
        value = self._get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= 16 or not all(isinstance(v, dict) for v in value):
            raise self._wrong(name, "a list of 1 to 16 objects", value)
        return tuple(make(Fields(entry, f"{self._where} {name}[{number}]")) for number, entry in enumerate(value))

    def shape(self, name: str) -> tuple[int, ...]:
        """Take a list of at most 8 sizes of 1 and more."""
        value = self._get(name)
        if not isinstance(value, list) or len(value) > 8:
            raise self._wrong(name, "a list of at most 8 sizes", value)
        return tuple(self._integer(f"{name}[{axis}]", size, 1, MAX_TENSOR_BYTES) for axis, size in enumerate(value))

    def wrong(self, name: str, expected: str, received: Any) -> DeviceError:
        """Return the error that says what was expected of a field and what came."""
        return self._wrong(name, expected, received)

    def _integer(self, name: str, value: Any, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name, f"a whole number from {low} to {high}", value)
        return value

    def _get(self, name: str) -> Any:
        if name not in self._values:
            raise DeviceError(f"{self._where}: {name} is missing; rebuild and flash the firmware")
        return self._values[name]

    def _wrong(self, name: str, expected: str, received: Any) -> DeviceError:
        return DeviceError(
            f"{self._where} {name}: expected {expected}, received {shown(received)}; rebuild and flash the firmware"
        )


def shown(value: Any) -> str:
    """Return a value of unknown size for an error's line: printable, 60 characters at most."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    text = ascii(value) if not isinstance(value, list | dict) else f"a {type(value).__name__} of {len(value)}"
    return text if len(text) <= 60 else text[:57] + "..."


def _tensor(fields: Fields) -> TensorSpec:
    dtype = fields.text("dtype")
    if dtype not in DTYPE_BYTES:
        raise fields.wrong("dtype", ", ".join(DTYPE_BYTES), dtype)
    spec = TensorSpec(
        name=fields.text("name"),
        shape=fields.shape("shape"),
        dtype=dtype,
        scale=fields.number("scale"),
        zero_point=fields.integer("zero_point", -(1 << 31), (1 << 31) - 1),
    )
    if spec.nbytes > MAX_TENSOR_BYTES:
        raise fields.wrong("shape", f"at most {MAX_TENSOR_BYTES} bytes", spec.nbytes)
    return spec


def _counter(fields: Fields) -> Counter:
    unit = fields.text("unit")
    if unit not in UNITS:
        raise fields.wrong("unit", " or ".join(UNITS), unit)
    return Counter(fields.text("name"), fields.integer("rate_hz", 1, 10**12), unit)


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")
