"""Reads the file that the Edge TPU's compiler wrote, and checks all of it first.

Sources: tflite/custom_op_data.cc (the operator's options, a FlexBuffer map), executable/executable.fbs (Package,
MultiExecutable, Executable) and tflite/public/edgetpu.h (the operator's name) of google-coral/libedgetpu.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flatbuffers import encode, flexbuffers, number_types, packer
from flatbuffers.table import Table

from errors import CompileError
from graph.reader import DAMAGE, read
from graph.types import Graph, Operator, Tensor

CUSTOM_OP = "edgetpu-custom-op"
PACKAGE_IDENTIFIER = b"DWN1"
EXECUTABLE_KEY, MORE_EXECUTABLES_KEY = "4", "7"
# Offsets of fields in the tables' vtables: 4 + 2 x the number of fields before.
_PACKAGE = {"min_runtime_version": 4, "serialized_multi_executable": 6, "compiler_version": 12}
_EXECUTABLES = 4
_EXECUTABLE = {"parameters": 16, "type": 30, "parameter_caching_token": 32}
PARAMETER_CACHING = 1


@dataclass(frozen=True)
class Compiled:
    """A `.tflite` for the Edge TPU.

    `on_cpu` names the operators beside the compiled ones, in order. `cached_bytes` is the size of parameters that stay
    on the chip from one inference to the next. `caching_token` is the same in models that were compiled together, 0
    without cached parameters. `compiler_version` is "" where the file does not have it.
    """

    tpu_operators: int
    on_cpu: tuple[str, ...]
    min_runtime_version: int
    compiler_version: str
    cached_bytes: int
    caching_token: int


def is_compiled(graph: Graph) -> bool:
    """Whether a graph holds an operator of the Edge TPU's compiler."""
    return any(operator.is_custom and operator.name == CUSTOM_OP for operator in graph.operators)


def examine(path: Path, source: Path | None, source_name: str = "") -> Compiled:
    """Return what a compiled file holds, checked against the network that it was compiled from, where that is known.

    `source_name` is the network's name in errors, by default the file's.
    Raises CompileError if it is damaged, holds no compiled operator, or has other inputs or outputs than `source`.
    """
    graph = read(path)
    plain = read(source, source_name) if source else graph
    ours = [operator for operator in graph.operators if operator.is_custom and operator.name == CUSTOM_OP]
    if not ours:
        raise CompileError(f"{path.name}: holds no {CUSTOM_OP}, so nothing of it runs on an Edge TPU")
    for what, indexes, expected in (("input", graph.inputs, plain.inputs), ("output", graph.outputs, plain.outputs)):
        ends = [_interface(graph.tensors[i]) for i in indexes]
        expected_ends = [_interface(plain.tensors[i]) for i in expected]
        if ends != expected_ends:
            raise CompileError(
                f"{path.name}: its {what}s (shape, dtype, scale, zero point) are {ends}, those of {plain.source} are "
                f"{expected_ends}; it was compiled from another model"
            )
    packages = [package for operator in ours for package in _packages(operator, path.name)]
    return Compiled(
        tpu_operators=len(ours),
        on_cpu=tuple(operator.label for operator in graph.operators if operator not in ours),
        min_runtime_version=max(package[0] for package in packages),
        compiler_version=packages[0][1],
        cached_bytes=sum(package[2] for package in packages),
        caching_token=next((package[3] for package in packages if package[3]), 0),
    )


def _interface(tensor: Tensor) -> tuple[tuple[int, ...], str, float, int]:
    """Return what a caller sees of an input or output: shape, dtype, scale, zero point."""
    q = tensor.quantization
    return tensor.open_shape, tensor.dtype, q.scales[0] if q else 0.0, q.zero_point if q else 0


def _packages(operator: Operator, name: str) -> list[tuple[int, str, int, int]]:
    """Return lowest runtime, compiler, bytes of cached parameters and their token of each package of an operator."""
    try:
        return [_package(raw) for raw in _serialized(operator.custom_options)]
    except DAMAGE as e:
        raise CompileError(
            f"{name}: operator {operator.index} {CUSTOM_OP} is damaged ({type(e).__name__}: {e}); compile it again"
        ) from e


def _serialized(options: bytes) -> Iterator[bytes]:
    root = flexbuffers.GetRoot(bytearray(options)).AsMap
    yield bytes(root[EXECUTABLE_KEY].AsStringBytes)
    if any(key.AsKey == MORE_EXECUTABLES_KEY for key in root.Keys):
        yield from (bytes(item.AsStringBytes) for item in root[MORE_EXECUTABLES_KEY].AsVector)


def _package(raw: bytes) -> tuple[int, str, int, int]:
    if raw[4:8] != PACKAGE_IDENTIFIER:
        raise ValueError(f"no {PACKAGE_IDENTIFIER.decode()} package")
    table = _root(raw)
    cached, token = 0, 0
    multi = _bytes(table, _PACKAGE["serialized_multi_executable"])
    for executable in _executables(multi):
        if _number(executable, _EXECUTABLE["type"], number_types.Int16Flags) == PARAMETER_CACHING:
            cached += _length(executable, _EXECUTABLE["parameters"])
            token = _number(executable, _EXECUTABLE["parameter_caching_token"], number_types.Uint64Flags)
    version = _bytes(table, _PACKAGE["compiler_version"]).decode("ascii", "replace")
    lowest = _number(table, _PACKAGE["min_runtime_version"], number_types.Int32Flags)
    return lowest, "".join(c for c in version if c.isprintable())[:60], cached, token


def _executables(raw: bytes) -> Iterator[Table]:
    table = _root(raw)
    place = table.Offset(_EXECUTABLES)
    for i in range(table.VectorLen(place) if place else 0):
        yield _root(bytes(table.String(table.Vector(place) + 4 * i)))


def _root(raw: bytes) -> Table:
    buffer = bytearray(raw)
    return Table(buffer, encode.Get(packer.uoffset, buffer, 0))


def _number(table: Table, place: int, flags: type) -> int:
    offset = table.Offset(place)
    return int(table.Get(flags, table.Pos + offset)) if offset else 0


def _length(table: Table, place: int) -> int:
    offset = table.Offset(place)
    return int(table.VectorLen(offset)) if offset else 0


def _bytes(table: Table, place: int) -> bytes:
    offset = table.Offset(place)
    if not offset:
        return b""
    start = table.Vector(offset)
    return bytes(table.Bytes[start : start + table.VectorLen(offset)])
