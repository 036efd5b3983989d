"""Steps run without generated C: kernels called by ctypes, built with the sanitizer for undefined behavior.

No compiler runs per example, so a property test may try thousands.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from compilers.aot.checker import check
from compilers.aot.operands import Argument, At, Constant, Parameters, Scratch
from compilers.aot.planner import Layout
from compilers.aot.steps import Receive, Step
from graph.types import Array, Graph
from tests.compilers import host_build
from tests.compilers.object_cache import shared_library

GUARD = 64
Int8 = npt.NDArray[np.int8]


@functools.cache
def library(kernels: str = "portable") -> ctypes.CDLL:
    """Return a set's kernels with -fsanitize=undefined: a fault ends the process with a message."""
    objects = host_build.kernel_objects(*host_build.CHECKED, kernels=kernels)
    return ctypes.CDLL(str(shared_library(["gcc", *host_build.UNDEFINED], objects)))


def forms(kernels: str) -> Generator[int]:
    """Let the set take each of its forms, as `host_build.forms_of`."""
    return host_build.forms_of(library(kernels), kernels)


@functools.cache
def structures(pointer: type = ctypes.c_void_p) -> dict[str, type[ctypes.Structure]]:
    """Return the structures of the kernels' headers by name, read from the headers themselves."""
    text = re.sub(r"//.*", "", host_build.kernel_headers())
    found: dict[str, type[ctypes.Structure]] = {}
    for name, body in re.findall(r"struct (\w+) \{(.*?)\};", text, re.S):
        fields = [field for line in body.split(";") for field in _fields(line.strip(), found, pointer)]
        found[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return found


def _fields(line: str, known: Mapping[str, type], pointer: type) -> list[tuple[str, type]]:
    match = re.fullmatch(r"(?:const )?(?:struct )?(\w+) (.*)", line, re.S)
    if not match:
        return []
    simple = {
        "int8_t": ctypes.c_int8, "int16_t": ctypes.c_int16, "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64,
        "uint16_t": ctypes.c_uint16,
    }  # fmt: skip
    kind: Any = simple.get(match[1]) or known[match[1]]
    fields: list[tuple[str, type]] = []
    for name in match[2].split(","):
        array = re.fullmatch(r"(\w+)\[(\d+)\]", name.strip())
        if array:
            fields.append((array[1], kind * int(array[2])))
        elif name.strip().startswith("*"):
            fields.append((name.strip(" *"), pointer))
        else:
            fields.append((name.strip(), kind))
    return fields


class Runner:
    """Runs the steps of a graph in a layout, in an arena between guards."""

    def __init__(self, graph: Graph, steps: Sequence[Step], layout: Layout, kernels: str = "portable") -> None:
        self.kernels = kernels
        self.steps = tuple(s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(steps))
        check(graph, self.steps, layout)
        self.graph = graph
        self.layout = layout
        self.keep: list[object] = []
        # The arena is aligned to 16 bytes, as the engine's is.
        memory = np.zeros(layout.arena_bytes + 2 * GUARD + 16, np.int8)
        start = -memory.ctypes.data % 16
        self.memory = memory[start : start + layout.arena_bytes + 2 * GUARD]

    def run(self, *inputs: Array) -> list[Array]:
        """Return the outputs. Asserts that each step writes its output and scratch and nothing else."""
        self.memory[:] = 77
        for index, value in zip(self.graph.inputs, inputs, strict=True):
            if index in self.layout.tensors:
                self._view(index)[:] = np.ascontiguousarray(value).reshape(-1).view(np.int8)
        for i, step in enumerate(self.steps):
            before = self.memory.copy()
            for call in step.execution():
                if isinstance(call, Receive):
                    self._receive(call, i, dict(zip(self.graph.inputs, inputs, strict=True)))
                    continue
                function = getattr(library(self.kernels), call.kernel.symbol)
                function.restype = None
                function(*(self._argument(a, i) for a in call.arguments))
            self._forgive(before, i, step)
            assert (before == self.memory).all(), f"step {i} {step.name} wrote outside its output and scratch"
        outputs = [self.graph.tensors[t] for t in self.graph.outputs]
        return [self._view(t.index).copy().view(t.dtype).reshape(t.shape) for t in outputs]

    def _receive(self, row: Receive, i: int, wire: Mapping[int, Array]) -> None:
        """Put a row of an input that arrives where the program expects it."""
        start = GUARD + self.layout.scratch[i].offset + row.place.offset
        data = wire[row.source.tensor].reshape(-1).view(np.int8)
        self.memory[start : start + row.size] = data[row.source.offset : row.source.offset + row.size]

    def _forgive(self, before: Int8, i: int, step: Step) -> None:
        """Take over into `before` what the step may have changed."""
        places = [*(self.layout.tensors[t] for t in step.outputs), *([self.layout.scratch[i]] if step.scratch else [])]
        for place in places:
            part = slice(GUARD + place.offset, GUARD + place.offset + place.size)
            before[part] = self.memory[part]

    def _view(self, tensor: int) -> Int8:
        start = GUARD + self.layout.tensors[tensor].offset
        return self.memory[start : start + self.graph.tensors[tensor].bytes]

    def _argument(self, argument: Argument, step: int) -> object:
        base = self.memory.ctypes.data + GUARD
        match argument:
            case At(tensor, offset):
                return ctypes.c_void_p(base + self.layout.tensors[tensor].offset + offset)
            case Scratch(offset):
                return ctypes.c_void_p(base + self.layout.scratch[step].offset + offset)
            case Constant():
                return ctypes.c_void_p(self._pointer(argument))
            case Parameters(kind, fields):
                structure = self._fill(structures()[kind](), fields)
                self.keep.append(structure)
                return ctypes.byref(structure)
        return ctypes.c_int32(int(str(argument)))

    def _pointer(self, constant: Constant) -> int:
        data = np.ascontiguousarray(constant.data)
        self.keep.append(data)
        return int(data.ctypes.data)

    def _fill(self, structure: ctypes.Structure, fields: Mapping[str, object]) -> ctypes.Structure:
        assert list(fields) == [name for name, *_ in structure._fields_]
        for name, value in fields.items():
            if isinstance(value, Constant):
                setattr(structure, name, self._pointer(value))
            elif isinstance(value, Mapping):
                self._fill(getattr(structure, name), value)
            elif isinstance(value, tuple):
                getattr(structure, name)[:] = value
            else:
                setattr(structure, name, value)
        return structure
