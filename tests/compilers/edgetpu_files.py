"""Files such as the Edge TPU's compiler writes: its operator, options and package in the published forms.

No Edge TPU could run them: what the executables hold is zeros. Forms: tflite/custom_op_data.cc and
executable/executable.fbs of google-coral/libedgetpu.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import flatbuffers
from flatbuffers import flexbuffers

from graph.reader import parse
from graph.types import Operator
from graph.writer import write as write_graph

CUSTOM_OP = "edgetpu-custom-op"
EXECUTION_ONLY, PARAMETER_CACHING = 2, 1


def compiled(
    source: bytes, kept: int = 0, token: int = 7, cached_bytes: int = 1024, package: bytes | None = None
) -> bytes:
    """Return a network of which all operators but the last `kept` are one of the Edge TPU's."""
    graph = parse(source, "source")
    replaced = graph.operators[: len(graph.operators) - kept]
    rest = graph.operators[len(replaced) :]
    computed = {t for operator in replaced for t in operator.outputs}
    needed = {t for operator in rest for t in operator.inputs} | set(graph.outputs)
    raw = options(package_of(token, cached_bytes) if package is None else package)
    outputs = tuple(sorted(computed & needed))
    ours = Operator(0, CUSTOM_OP, 1, graph.inputs, outputs, is_custom=True, custom_options=raw)
    return write_graph(replace(graph, operators=(ours, *rest)))


def options(package: bytes) -> bytes:
    """Return the operator's options: a FlexBuffer map with the package under "4"."""
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("1")
        builder.Int(1)
        builder.Key("4")
        builder._WriteBlob(package, append_zero=True, type_=flexbuffers.Type.STRING)  # a string that is not text
        builder.Key("5")
        builder.Int(0)
    return bytes(builder.Finish())


def package_of(token: int, cached_bytes: int, identifier: bytes = b"DWN1") -> bytes:
    """Return a package of one executable for parameters and one that runs with them."""
    executables = [_executable(PARAMETER_CACHING, token, cached_bytes), _executable(EXECUTION_ONLY, token, 16)]
    b = flatbuffers.Builder(1024)
    multi = _multi(executables)
    content, version = b.CreateByteVector(multi), b.CreateString("cl/stand-in")
    b.StartObject(8)
    b.PrependInt32Slot(0, 14, 0)
    b.PrependUOffsetTRelativeSlot(1, content, 0)
    b.PrependUOffsetTRelativeSlot(4, version, 0)
    b.Finish(b.EndObject(), identifier)
    return bytes(b.Output())


def _multi(executables: list[bytes]) -> bytes:
    b = flatbuffers.Builder(1024)
    strings = [b.CreateString(raw) for raw in executables]
    b.StartVector(4, len(strings), 4)
    for offset in reversed(strings):
        b.PrependUOffsetTRelative(offset)
    vector = b.EndVector()
    b.StartObject(1)
    b.PrependUOffsetTRelativeSlot(0, vector, 0)
    b.Finish(b.EndObject())
    return bytes(b.Output())


def _executable(kind: int, token: int, parameters: int) -> bytes:
    b = flatbuffers.Builder(1024)
    data = b.CreateByteVector(bytes(parameters))
    b.StartObject(17)
    b.PrependUOffsetTRelativeSlot(6, data, 0)
    b.PrependInt16Slot(13, kind, 0)
    b.PrependUint64Slot(14, token, 0)
    b.Finish(b.EndObject())
    return bytes(b.Output())


def write(path: Path, data: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(data)
    return path
