"""What kernels are called with: constants, parameters, addresses and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int8] | npt.NDArray[np.int32] | npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Constant:
    """An array in flash: int8, int32 or int64. `role` ends its name in C. Two constants are never equal."""

    role: str
    data: Ints = field(repr=False)

    @property
    def bytes(self) -> int:
        """Bytes in flash."""
        return int(self.data.nbytes)


Value = int | Constant | tuple[int, ...] | Mapping[str, "Value"]
Fields = Mapping[str, Value]


@dataclass(frozen=True)
class Parameters:
    """A constant `struct <kind>` and its fields in the order of the declaration.

    Those of a part of a layer's output channels have the whole layer's as `whole`, and begin with its channel `first`.
    """

    kind: str
    fields: Fields
    whole: Parameters | None = None
    first: int = 0


@dataclass(frozen=True)
class At:
    """An address: element `offset` of a tensor."""

    tensor: int
    offset: int = 0


@dataclass(frozen=True)
class Scratch:
    """An address in the step's scratch memory, of which the call may use `size` bytes; 0 means all."""

    offset: int = 0
    size: int = 0


# The variable that has where the innermost loop ends.
END = "end"


@dataclass(frozen=True)
class Linear:
    """scale * variable + constant + end_scale * END."""

    variable: str
    scale: int = 1
    constant: int = 0
    end_scale: int = 0

    def at(self, variables: Mapping[str, int]) -> int:
        """Return its value."""
        end = self.end_scale * variables[END] if self.end_scale else 0
        return self.scale * variables[self.variable] + self.constant + end

    def plus(self, constant: int) -> Linear:
        """Return the sum."""
        return replace(self, constant=self.constant + constant)

    def times(self, factor: int) -> Linear:
        """Return the product."""
        return Linear(self.variable, self.scale * factor, self.constant * factor, self.end_scale * factor)

    def before_end(self) -> Linear:
        """Return the sum less END."""
        return replace(self, end_scale=self.end_scale - 1)


@dataclass(frozen=True)
class Row:
    """The address of a row: `row` * `pitch` bytes after `base`. In a ring the row is taken modulo `modulus`."""

    base: At | Scratch
    row: Linear
    pitch: int
    modulus: int = 0

    def at(self, variables: Mapping[str, int]) -> At | Scratch:
        """Return the address."""
        row = self.row.at(variables)
        return replace(self.base, offset=self.base.offset + (row % self.modulus if self.modulus else row) * self.pitch)


Address = At | Scratch | Row
Argument = Parameters | Constant | At | Scratch | Row | Linear | int
