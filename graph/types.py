"""A `.tflite` as data: graphs, tensors and operators, checked and frozen. All stages read networks from these types."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from errors import CompileError

Array: TypeAlias = "npt.NDArray[np.generic[object]]"
Scalar = bool | int | float
OptionValue = Scalar | str | tuple[int, ...] | tuple[float, ...]

# Bits of one element by the schema's name. Types without a fixed size (string, resource, variant) are not listed.
BITS = {
    "bool": 8, "int4": 4, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 64,
    "uint64": 64, "float16": 16, "bfloat16": 16, "float32": 32, "float64": 64, "complex64": 64, "complex128": 128,
}  # fmt: skip
# Types whose elements numpy cannot hold as they are stored. Their constants are kept as bytes.
STORED_AS_BYTES = frozenset({"int4", "bfloat16"})


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
    """A tensor.

    `shape` is as stored; a size of -1 is open. `signature` is the shape before the converter fixed open sizes at 1,
    empty if the file has none. `data` is the value of a constant, read-only and of `shape`; constants of types that
    numpy does not have, and sparse ones, are flat uint8 as stored.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: Array | None = field(default=None, repr=False, compare=False)
    signature: tuple[int, ...] = ()
    is_variable: bool = False
    is_sparse: bool = False

    @property
    def short_name(self) -> str:
        """The printable name without those of the operators that the converter fused into it after a semicolon."""
        return printable(self.name).split(";")[0]

    @property
    def size(self) -> int:
        """Number of elements, with an open size counted as 1."""
        return math.prod(abs(size) for size in self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of the tensor, 0 for a type without a fixed size."""
        return -(-self.size * BITS.get(self.dtype, 0) // 8)

    @property
    def open_shape(self) -> tuple[int, ...]:
        """The shape with -1 for each size that is known only at run time. An open batch stored as 1 runs as 1."""
        if len(self.signature) != len(self.shape):
            return self.shape
        pairs = enumerate(zip(self.shape, self.signature, strict=True))
        return tuple(size if i == 0 and size == 1 else signed for i, (size, signed) in pairs)

    @property
    def is_static(self) -> bool:
        """Whether every size is fixed and positive."""
        return min(self.open_shape, default=1) > 0

    @property
    def quant(self) -> Quantization:
        """The quantization of a tensor that was checked to have one."""
        assert self.quantization is not None
        return self.quantization


@dataclass(frozen=True)
class Options:
    """The options of an operator: the schema's table, and its fields by the schema's names. No table: no fields."""

    table: str = ""
    values: Mapping[str, OptionValue] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Scalar:
        """Return a number or flag. Raises KeyError if the table has no such field."""
        value = self.values[name]
        if isinstance(value, (str, tuple)):
            raise KeyError(name)
        return value

    def get(self, name: str, default: Scalar = 0) -> Scalar:
        """Return a number or flag, `default` if the table has no such field."""
        value = self.values.get(name, default)
        return default if isinstance(value, (str, tuple)) else value


@dataclass(frozen=True)
class Operator:
    """An operator: schema name (a custom operator's own), version, and tensors by index (-1: left out).

    `intermediates` are tensors that the operator uses for itself; `custom_options` are the bytes of a custom operator.
    """

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options = Options()
    is_custom: bool = False
    custom_options: bytes = field(default=b"", repr=False)
    intermediates: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """The name for messages and reports, of printable characters only."""
        return printable(self.name)


@dataclass(frozen=True)
class Subgraph:
    """Tensors, and operators in order of execution. `inputs` and `outputs` are indexes of tensors."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = ""

    def computed_inputs(self, operator: Operator) -> list[Tensor]:
        """Return the inputs of an operator that are not constants."""
        return [self.tensors[i] for i in operator.inputs if i >= 0 and self.tensors[i].data is None]

    def constant_integers(self, operator: Operator, position: int) -> npt.NDArray[np.int64] | None:
        """Return a constant int32 or int64 input (axes, paddings, strides) flattened, None if there is none."""
        index = operator.inputs[position] if position < len(operator.inputs) else -1
        tensor = self.tensors[index] if index >= 0 else None
        if tensor is None or tensor.data is None or tensor.dtype not in ("int32", "int64"):
            return None
        return tensor.data.astype(np.int64).reshape(-1)

    @property
    def operator_names(self) -> tuple[str, ...]:
        """Printable names of the operators, each once, sorted."""
        return tuple(sorted({operator.label for operator in self.operators}))


@dataclass(frozen=True)
class Graph(Subgraph):
    """The main graph of a file, and the subgraphs that its control flow runs.

    `source` names the file in errors, `sha256` is that of its bytes.
    """

    source: str = field(default="", compare=False)
    sha256: str = field(default="", compare=False)
    others: tuple[Subgraph, ...] = ()

    def macs(self, operator: Operator) -> int:
        """Return the multiply-accumulates of a convolution or FULLY_CONNECTED, 0 for another operator."""
        if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
            return 0
        # Each weight meets every pixel: of the output, or of what a transposed convolution spreads out.
        places = self.tensors[operator.inputs[2] if operator.name == "TRANSPOSE_CONV" else operator.outputs[0]]
        return places.size // places.shape[-1] * self.tensors[operator.inputs[1]].size

    def all_macs(self) -> int:
        """Return the multiply-accumulates of all operators."""
        return sum(self.macs(operator) for operator in self.operators)

    def fail(self, problem: str, operator: Operator | None = None, tensor: Tensor | None = None) -> NoReturn:
        """Raise the CompileError that names file, operator and tensor, in one line."""
        raise CompileError(f"{location(self.source, operator, tensor)}: {problem}")


def location(source: str, operator: Operator | None = None, tensor: Tensor | None = None) -> str:
    """Return how errors name a place in a file: `m.tflite, operator 3 CONV_2D, tensor 7 'conv1'`."""
    parts = [source]
    if operator is not None:
        parts.append(f"operator {operator.index} {operator.label}")
    if tensor is not None:
        parts.append(f"tensor {tensor.index} {tensor.short_name!r}")
    return ", ".join(parts)
