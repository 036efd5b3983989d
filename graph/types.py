"""An int8 network as the `.tflite` file holds it, checked and frozen: what all later stages read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from errors import CompileError

Array = npt.NDArray[np.int8] | npt.NDArray[np.int32] | npt.NDArray[np.int64]

# Types that an int8 network holds: bytes an element by name. Only int8 tensors may be computed.
DTYPES = {"int8": 1, "int32": 4, "int64": 8}


def printable(text: str) -> str:
    """Return a name from the file with all but plain printable characters replaced: safe in messages, C and JSON."""
    return re.sub(r"[^A-Za-z0-9_./:;,\- ]", "_", text)[:120]


@dataclass(frozen=True)
class Quantization:
    """real = scale * (q - zero_point). One scale and zero point, or one for each index of dimension `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> np.float32:
        """The first scale, as the float32 that it is in the file."""
        return np.float32(self.scales[0])

    @property
    def zero_point(self) -> int:
        """The first zero point."""
        return self.zero_points[0]


@dataclass(frozen=True)
class Tensor:
    """A tensor. `data` is there, read-only and of `shape`, if it is a constant."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: Array | None = field(default=None, repr=False, compare=False)

    @property
    def short_name(self) -> str:
        """The name without those of the operators that the converter fused into it, which follow a semicolon."""
        return self.name.split(";")[0]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of the tensor."""
        return self.size * DTYPES[self.dtype]

    @property
    def quant(self) -> Quantization:
        """The quantisation of a tensor that was checked to have one."""
        assert self.quantization is not None
        return self.quantization


@dataclass(frozen=True)
class Operator:
    """An operator: schema name, version, tensors by index (-1: absent) and options by the schema's names."""

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int | float | bool]


@dataclass(frozen=True)
class Graph:
    """A network of one subgraph, its operators in order of execution."""

    source: str
    sha256: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def fail(self, problem: str, operator: Operator | None = None, tensor: Tensor | None = None) -> NoReturn:
        """Raise the CompileError that names file, operator and tensor, in one line."""
        where = [self.source]
        if operator is not None:
            where.append(f"operator {operator.index} {operator.name}")
        if tensor is not None:
            where.append(f"tensor {tensor.index} {tensor.short_name!r}")
        raise CompileError(f"{', '.join(where)}: {problem}")
