"""The `.tflite` schema as tables: codes and names, and the fields of each operator's options."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import flatbuffers
import tflite

from graph.types import OptionValue

IDENTIFIER = b"TFL3"
VERSION = 3
CUSTOM = "CUSTOM"

BUILTIN_CODES: Mapping[str, int] = {k: v for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
BUILTIN_NAMES: Mapping[int, str] = {code: name for name, code in BUILTIN_CODES.items()}
TYPE_CODES: Mapping[str, int] = {k.lower(): v for k, v in vars(tflite.TensorType).items() if isinstance(v, int)}
TYPE_NAMES: Mapping[int, str] = {code: name for name, code in TYPE_CODES.items()}
OPTION_CODES: Mapping[str, int] = {k: v for k, v in vars(tflite.BuiltinOptions).items() if isinstance(v, int)}
OPTION_NAMES: Mapping[int, str] = {code: name for name, code in OPTION_CODES.items()}


class ModelField:
    """Fields of a file, by their numbers in the schema."""

    VERSION, OPERATOR_CODES, SUBGRAPHS, DESCRIPTION, BUFFERS = range(5)


class SubgraphField:
    """Fields of a subgraph, by their numbers in the schema."""

    TENSORS, INPUTS, OUTPUTS, OPERATORS, NAME = range(5)


class TensorField:
    """Fields of a tensor, by their numbers in the schema."""

    SHAPE, TYPE, BUFFER, NAME, QUANTIZATION, IS_VARIABLE, SPARSITY, SIGNATURE = range(8)


class QuantizationField:
    """Fields of a quantization, by their numbers in the schema."""

    MINIMA, MAXIMA, SCALES, ZERO_POINTS, DETAILS_TYPE, DETAILS, AXIS = range(7)


class OperatorField:
    """Fields of an operator, by their numbers in the schema."""

    CODE, INPUTS, OUTPUTS, OPTIONS_TYPE, OPTIONS, CUSTOM_OPTIONS = range(6)
    INTERMEDIATES, LARGE_OPTIONS_OFFSET, LARGE_OPTIONS_SIZE = range(8, 11)


class CodeField:
    """Fields of an operator code, by their numbers in the schema."""

    OLD_CODE, CUSTOM_NAME, VERSION, CODE = range(4)


class BufferField:
    """Fields of a buffer, by their numbers in the schema."""

    DATA, OFFSET, SIZE = range(3)


class WriteFunction(Protocol):
    """A function of the schema that writes to a builder: Start and End take no value, Add<field> takes the field's."""

    def __call__(self, builder: flatbuffers.Builder, *value: object) -> int:
        """Return the offset of the table for End, 0 for others."""


@dataclass(frozen=True)
class OptionTable:
    """An options table: the names of its scalar (number, flag or text) fields and of its vectors of numbers."""

    name: str
    scalars: tuple[str, ...]
    vectors: tuple[str, ...]

    def accessor(self, data: bytes, position: int) -> object:
        """Return the schema's object that reads the table at a position of a file."""
        options = getattr(tflite, self.name)()
        options.Init(data, position)
        read: object = options
        return read

    def function(self, name: str) -> WriteFunction:
        """Return the schema's function that writes a part of the table: Start, Add<field> or End."""
        function: WriteFunction = getattr(tflite, f"{self.name}{name}")
        return function


def _option_table(name: str) -> OptionTable:
    fields = [key.removeprefix(f"{name}Add") for key in vars(tflite) if key.startswith(f"{name}Add")]
    vectors = tuple(field for field in fields if hasattr(getattr(tflite, name), f"{field}AsNumpy"))
    return OptionTable(name, tuple(field for field in fields if field not in vectors), vectors)


OPTION_TABLES: Mapping[str, OptionTable] = {
    name: _option_table(name) for name in OPTION_CODES if hasattr(tflite, name) and name != "NONE"
}


@functools.cache
def default_values(table: str) -> Mapping[str, OptionValue]:
    """Return the values of an options table in which nothing is set. Vectors are empty, text is left out."""
    fields = OPTION_TABLES[table]
    b = builder()
    fields.function("Start")(b)
    b.Finish(fields.function("End")(b))
    accessor = getattr(tflite, table).GetRootAs(bytes(b.Output()), 0)
    scalars = {name: value for name in fields.scalars if (value := getattr(accessor, name)()) is not None}
    return {**scalars, **dict.fromkeys(fields.vectors, ())}


def root(data: bytes) -> tflite.Model:
    """Return the schema's object for the root of a file."""
    return tflite.Model.GetRootAs(data, 0)


def builder() -> flatbuffers.Builder:
    """Return an empty flatbuffer to write to."""
    return flatbuffers.Builder(4096)
