"""A kernel: a C function, and what the compiler knows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from compilers.aot.operands import Argument, Fields, Parameters
from compilers.aot.shadow import Access, Arguments

AccessModel = Callable[[Arguments], Access]


@dataclass(frozen=True)
class WindowRow:
    """The kernel computes a row of its output by itself: its window is cut to the rows of input for that row."""


@dataclass(frozen=True)
class RingRow:
    """Another kernel computes a row of the output, from a ring of input rows: (parameters, ring, row, output).

    `at_once` names the parameter of how many pixels it computes at once if it leaves out those that are fewer.
    """

    kernel: Kernel
    at_once: str = ""

    def pixels(self, fields: Fields) -> int:
        """Return what the width of its rows must be a multiple of."""
        return cast(int, fields[self.at_once]) if self.at_once else 1


@dataclass(frozen=True)
class ValuesRow:
    """The kernel computes each value from one value: (table, input, output, size)."""


@dataclass(frozen=True)
class PairsRow:
    """The kernel computes each value from one value of each input. `resized` gives the parameters for `size` values."""

    resized: Callable[[Fields, int], Fields]


RowForm = WindowRow | RingRow | ValuesRow | PairsRow


@dataclass(frozen=True, eq=False)
class Kernel:
    """A C function of a kernel set.

    `parameters` names the struct that its first argument points to, None if it takes none. `access` is its contract for
    the proof of a plan: what it reads and writes, and when. `row` says how it computes one row of its output, None if
    it can't be part of a block that runs row by row. Raises TypeError without an access model.
    """

    kernel_set: str
    symbol: str
    access: AccessModel
    parameters: str | None = None
    row: RowForm | None = None

    def __post_init__(self) -> None:
        """Refuse a kernel that no plan could be proved with."""
        if not callable(self.access):
            raise TypeError(f"kernel {self.symbol}: it has no access model, so no plan that calls it can be proved")

    def structure(self, fields: Fields) -> Parameters:
        """Return parameters for a call."""
        assert self.parameters is not None
        return Parameters(self.parameters, fields)

    def check(self, arguments: tuple[Argument, ...]) -> None:
        """Raise TypeError if the arguments have other parameters than the kernel takes."""
        kinds = [argument.kind for argument in arguments if isinstance(argument, Parameters)]
        expected = [] if self.parameters is None else [self.parameters]
        if kinds != expected:
            raise TypeError(f"kernel {self.symbol}: called with {kinds}, expected {expected}")
