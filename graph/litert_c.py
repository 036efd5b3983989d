"""LiteRT's profiler through its C interface: the functions that libLiteRt.so exports, called with `ctypes`.

Declarations: litert/c/*.h of LiteRT. They change between minor versions: with any other than VERSION nothing is called.
The agent brings this module to devices: it imports the standard library of Python 3.9 and our own modules alone.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_ubyte, c_uint64, c_void_p
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from errors import GraphError
from graph.kernels import USUAL

PACKAGE, LIBRARY, VERSION = "ai-edge-litert", "libLiteRt.so", "2.3"
PROFILED = ("xnnpack", "builtin")
"""Kernels of graph.kernels that it runs with; what it calls `reference` takes other kernels than the interpreter's."""
CPU, WRITE = 1, 1
"""kLiteRtHwAcceleratorCpu; kLiteRtTensorBufferLockModeWrite."""
TYPE_BYTES = 256
"""More than a LiteRtRankedTensorType has, which is passed on as it is."""
MOST_EVENTS, MOST_US, TAG_CHARACTERS = 1 << 20, 1 << 40, 120
UNTOUCHED = 0xA5

DEFAULT, OPERATOR, DELEGATED = 1, 2, 8
"""Types of events: a part of the runtime, an operator of the network, an operator of its delegate."""
OTHER_TYPES = frozenset({4, 16, 32, 64, 128, 256})
SOURCES = range(3)

_HANDLE, _OUT = c_void_p, POINTER(c_void_p)
_FUNCTIONS: dict[str, Sequence[type[Any]]] = {
    "LiteRtCreateEnvironment": (c_int, c_void_p, _OUT),
    "LiteRtCreateModelFromFile": (_HANDLE, c_char_p, _OUT),
    "LiteRtCreateOptions": (_OUT,),
    "LiteRtSetOptionsHardwareAccelerators": (_HANDLE, c_int),
    "LiteRtCreateOpaqueOptions": (c_char_p, c_void_p, c_void_p, _OUT),
    "LiteRtAddOpaqueOptions": (_HANDLE, _HANDLE),
    "LiteRtCreateCompiledModel": (_HANDLE, _HANDLE, _HANDLE, _OUT),
    "LiteRtGetModelSignature": (_HANDLE, c_size_t, _OUT),
    "LiteRtGetNumSignatureInputs": (_HANDLE, POINTER(c_size_t)),
    "LiteRtGetNumSignatureOutputs": (_HANDLE, POINTER(c_size_t)),
    "LiteRtGetSignatureInputTensorByIndex": (_HANDLE, c_size_t, _OUT),
    "LiteRtGetSignatureOutputTensorByIndex": (_HANDLE, c_size_t, _OUT),
    "LiteRtGetRankedTensorType": (_HANDLE, c_void_p),
    "LiteRtGetCompiledModelInputBufferRequirements": (_HANDLE, c_size_t, c_size_t, _OUT),
    "LiteRtGetCompiledModelOutputBufferRequirements": (_HANDLE, c_size_t, c_size_t, _OUT),
    "LiteRtCreateManagedTensorBufferFromRequirements": (_HANDLE, c_void_p, _HANDLE, _OUT),
    "LiteRtGetTensorBufferPackedSize": (_HANDLE, POINTER(c_size_t)),
    "LiteRtLockTensorBuffer": (_HANDLE, _OUT, c_int),
    "LiteRtUnlockTensorBuffer": (_HANDLE,),
    "LiteRtRunCompiledModel": (_HANDLE, c_size_t, c_size_t, c_void_p, c_size_t, c_void_p),
    "LiteRtCompiledModelGetProfiler": (_HANDLE, _OUT),
    "LiteRtResetProfiler": (_HANDLE,),
    "LiteRtStartProfiler": (_HANDLE,),
    "LiteRtStopProfiler": (_HANDLE,),
    "LiteRtGetNumProfilerEvents": (_HANDLE, POINTER(c_int)),
    "LiteRtGetProfilerEvents": (_HANDLE, c_int, c_void_p),
}
# The options' texts stay where they are for as long as the process runs.
_KEEP = ctypes.CFUNCTYPE(None, c_void_p)(lambda address: None)


class _Record(ctypes.Structure):
    """ProfiledEventData of litert/c/litert_profiler_event.h, with two MemoryUsage of three words each."""

    _fields_ = (
        ("tag", c_void_p), ("type", c_int), ("start_us", c_uint64), ("elapsed_us", c_uint64), ("memory", c_int64 * 6),
        ("metadata1", c_uint64), ("metadata2", c_uint64), ("source", c_int),
    )  # fmt: skip


@dataclass(frozen=True)
class Event:
    """What the profiler has recorded. `index` is that of an operator in the network, or in its delegate."""

    name: str
    type: int
    index: int
    us: int


class Library:
    """libLiteRt.so of the installed package. Raises GraphError if it is missing, or of another version."""

    def __init__(self) -> None:
        self.version, path = _find()
        try:
            library = ctypes.CDLL(str(path))
        except OSError as e:
            raise GraphError(f"{PACKAGE} {self.version}: {LIBRARY} can't be loaded ({e})") from e
        for name, types in _FUNCTIONS.items():
            function = getattr(library, name, None)
            if function is None:
                raise GraphError(f"{PACKAGE} {self.version}: {LIBRARY} has no {name}, which its profiler needs")
            function.argtypes, function.restype = types, c_int
        self._library = library

    def call(self, name: str, *arguments: object) -> None:
        """Call a function. Raises GraphError if its status is not 0."""
        status = getattr(self._library, name)(*arguments)
        if status:
            raise GraphError(f"{name} of {PACKAGE} {self.version}: expected status 0, got {status}")

    def handle(self, name: str, *arguments: object) -> c_void_p:
        """Return what a function writes through its last argument. Raises GraphError if that is NULL."""
        found = c_void_p()
        self.call(name, *arguments, byref(found))
        if not found.value:
            raise GraphError(f"{name} of {PACKAGE} {self.version}: expected a handle, got NULL")
        return found


class ProfiledNetwork:
    """A network that LiteRT has compiled for the CPU with its profiler.

    `kernels` is one of PROFILED. Raises GraphError if LiteRT can't load it.
    """

    def __init__(self, library: Library, model: Path, threads: int, kernels: str) -> None:
        self._library = library
        self._environment = library.handle("LiteRtCreateEnvironment", 0, None)
        self._model = library.handle("LiteRtCreateModelFromFile", self._environment, os.fsencode(model))
        self._texts: list[object] = []
        options = library.handle("LiteRtCreateOptions")
        library.call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
        mode = "" if kernels == USUAL else f'kernel_mode = "{kernels}"\n'
        self._add(options, "runtime_options_string", "enable_profiling = true\n")
        self._add(options, "xnnpack", f"num_threads = {threads}\n{mode}")
        self._compiled = library.handle("LiteRtCreateCompiledModel", self._environment, self._model, options)
        self._inputs, self._outputs = self._buffers("Input"), self._buffers("Output")
        self._profiler = library.handle("LiteRtCompiledModelGetProfiler", self._compiled)

    def _add(self, options: c_void_p, name: str, text: str) -> None:
        self._texts.append(payload := ctypes.create_string_buffer(text.encode()))
        added = self._library.handle("LiteRtCreateOpaqueOptions", name.encode(), payload, _KEEP)
        self._library.call("LiteRtAddOpaqueOptions", options, added)

    def _buffers(self, kind: str) -> ctypes.Array[c_void_p]:
        signature = self._library.handle("LiteRtGetModelSignature", self._model, 0)
        count, found = c_size_t(), []
        self._library.call(f"LiteRtGetNumSignature{kind}s", signature, byref(count))
        for i in range(count.value):
            tensor = self._library.handle(f"LiteRtGetSignature{kind}TensorByIndex", signature, i)
            form = (c_ubyte * TYPE_BYTES)()
            self._library.call("LiteRtGetRankedTensorType", tensor, form)
            needs = self._library.handle(f"LiteRtGetCompiledModel{kind}BufferRequirements", self._compiled, 0, i)
            name = "LiteRtCreateManagedTensorBufferFromRequirements"
            found.append(self._library.handle(name, self._environment, form, needs).value)
        return (c_void_p * len(found))(*found)

    def set_inputs(self, data: bytes) -> None:
        """Set all inputs to these bytes, one behind the other. Raises GraphError if they are too few or too many."""
        sizes = [c_size_t() for _ in self._inputs]
        for buffer, size in zip(self._inputs, sizes):  # noqa: B905 (Python 3.9 has no `strict`)
            self._library.call("LiteRtGetTensorBufferPackedSize", buffer, byref(size))
        total = sum(size.value for size in sizes)
        if total != len(data):
            raise GraphError(f"LiteRT's inputs: expected {total} bytes, got {len(data)}")
        at = 0
        for buffer, size in zip(self._inputs, sizes):  # noqa: B905
            address = c_void_p()
            self._library.call("LiteRtLockTensorBuffer", buffer, byref(address), WRITE)
            if not address.value:
                raise GraphError(f"LiteRtLockTensorBuffer of {PACKAGE} {self._library.version}: got NULL")
            ctypes.memmove(address.value, data[at : at + size.value], size.value)
            self._library.call("LiteRtUnlockTensorBuffer", buffer)
            at += size.value

    def profile(self, runs: int) -> list[Event]:
        """Run so many inferences one behind the other, and return all that the profiler recorded, in order."""
        library, inputs, outputs = self._library, self._inputs, self._outputs
        library.call("LiteRtResetProfiler", self._profiler)
        library.call("LiteRtStartProfiler", self._profiler)
        for _ in range(runs):
            library.call("LiteRtRunCompiledModel", self._compiled, 0, len(inputs), inputs, len(outputs), outputs)
        library.call("LiteRtStopProfiler", self._profiler)
        count = c_int()
        library.call("LiteRtGetNumProfilerEvents", self._profiler, byref(count))
        if not 0 < count.value <= MOST_EVENTS:
            raise GraphError(f"LiteRT's profiler: expected 1 to {MOST_EVENTS} events, got {count.value}")
        # Twice the room, so that records of another size are seen before an address in them is followed.
        room = (c_ubyte * (2 * count.value * ctypes.sizeof(_Record)))()
        ctypes.memset(room, UNTOUCHED, len(room))
        library.call("LiteRtGetProfilerEvents", self._profiler, count.value, room)
        return events_in(room, count.value)


def events_in(room: ctypes.Array[c_ubyte], count: int) -> list[Event]:
    """Return the events that were written into a room twice as large as they are.

    Raises GraphError if their form is another one than that of VERSION.
    """
    used = count * ctypes.sizeof(_Record)
    records = (_Record * count).from_buffer(room)
    is_form = bytes(room)[used:] == bytes([UNTOUCHED]) * (len(room) - used)
    for record in records:
        is_timed = record.type in (DEFAULT, OPERATOR, DELEGATED)
        is_form = is_form and bool(record.tag) and record.source in SOURCES
        is_form = is_form and (record.elapsed_us < MOST_US if is_timed else record.type in OTHER_TYPES)
    if not is_form:
        raise GraphError(f"LiteRT's profiler: its events are not of the form that {PACKAGE} {VERSION} has")
    return [Event(_text(record.tag), record.type, record.metadata1, record.elapsed_us) for record in records]


def _text(address: int) -> str:
    text = ctypes.string_at(address).decode("utf-8", "replace")[:TAG_CHARACTERS]
    return "".join(c if c.isprintable() else "_" for c in text)


def _find() -> tuple[str, Path]:
    """Return the version of the package, and where its library is."""
    spec = importlib.util.find_spec("ai_edge_litert")
    if spec is None or not spec.submodule_search_locations:
        raise GraphError(f"{PACKAGE}: not installed; its profiler needs it")
    version = metadata.version(PACKAGE)
    if not f"{version}.".startswith(f"{VERSION}.") or ctypes.sizeof(c_void_p) != 8:
        known = f"its profiler is known of {VERSION} on 64 bits alone"
        raise GraphError(f"{PACKAGE} {version}: {known}; install {VERSION}.0, or use --engine aot")
    path = Path(next(iter(spec.submodule_search_locations))) / LIBRARY
    if not path.is_file():
        raise GraphError(f"{PACKAGE} {version}: has no {LIBRARY}, which has the profiler; use --engine aot")
    return version, path
