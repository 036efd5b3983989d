"""What an operator becomes: calls of kernels with constant parameters, and what they do to memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int8] | npt.NDArray[np.int32] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Constant:
    """An array in flash: int8, int32 or int64. `role` ends its name in C."""

    role: str
    data: Ints = field(repr=False, compare=False)

    @property
    def bytes(self) -> int:
        """Bytes in flash."""
        return int(self.data.nbytes)


Value = int | Constant | tuple[int, ...] | Mapping[str, "Value"]
Fields = Mapping[str, Value]


@dataclass(frozen=True)
class Parameters:
    """A constant `struct <kind>` and its fields in the order of the declaration."""

    kind: str
    fields: Fields


@dataclass(frozen=True)
class At:
    """An address: element `offset` of a tensor."""

    tensor: int
    offset: int = 0


@dataclass(frozen=True)
class Scratch:
    """The address of the step's scratch memory."""


Argument = Parameters | Constant | At | Scratch | int


@dataclass(frozen=True)
class Call:
    """A call of a kernel."""

    function: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Step:
    """An operator, lowered.

    `inputs` are the tensors that it reads from the arena. `overlap` gives for such a tensor where the output may begin
    if that input dies here: this many bytes after its start (0 or negative: before it), or any fewer, and no byte is
    written before it was read. `apart` is what to call instead, without scratch, if the output lies apart.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    output: int
    calls: tuple[Call, ...]
    macs: int = 0
    scratch: int = 0
    overlap: Mapping[int, int] = field(default_factory=dict)
    apart: tuple[Call, ...] = ()

    def without_overlap(self) -> Step:
        """Return the step for an output that lies apart from all inputs."""
        if not self.apart:
            return self
        return replace(self, calls=self.apart, apart=(), scratch=0)

    def constants(self) -> list[Constant]:
        """Return the arrays that its calls read, each once, in order."""
        found: list[Constant] = []

        def visit(value: object) -> None:
            if isinstance(value, Constant) and not any(value is f for f in found):
                found.append(value)
            elif isinstance(value, Parameters):
                visit(value.fields)
            elif isinstance(value, Mapping):
                for inner in value.values():
                    visit(inner)

        for call in self.calls:
            for argument in call.arguments:
                visit(argument)
        return found
