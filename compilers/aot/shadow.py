"""What kernels do to memory, on shadow values: a 64-bit number stands for each byte.

A kernel's output is a hash of all that it reads, in the order in which it reads it, and of its constants. A byte that
is wrong, missing or of another place gives other numbers. Each model also says when a byte of an input is read for the
last time and when a byte of the output is first written, counted in units of the kernel's own loop.

Nothing here depends on how a layout was chosen. It follows the contracts in the headers of `firmware/kernels`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.operands import Argument, At, Constant, Parameters, Scratch

Shadow = npt.NDArray[np.uint64]
Times = npt.NDArray[np.int64]
Fields = Mapping[str, object]
Window = Mapping[str, int]
NEVER = np.iinfo(np.int64).max

# Of the parameters, those that say where and not what: a row's are others than the whole tensor's.
_PLACES = {"window", "shape", "rows", "size"}


def mix(x: npt.ArrayLike) -> Shadow:
    """Return a hash of each number (splitmix64)."""
    z = np.atleast_1d(np.asarray(x)).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def of_bytes(values: npt.ArrayLike) -> Shadow:
    """Return the shadows of known bytes: constants and padding."""
    return mix(np.asarray(values).astype(np.int64).reshape(-1) & 0xFF)


def odd_factors(seed: int, count: int) -> Shadow:
    """Return numbers to multiply with, the same for the same seed."""
    # Odd, so that no bit of what they multiply is lost.
    return mix(np.arange(count) + (seed << 20)) | np.uint64(1)


def identity(arguments: Sequence[Argument]) -> int:
    """Return a number for what a call computes: constants and parameters, whatever part of a tensor it is for."""
    crc = 0

    def visit(value: object) -> None:
        nonlocal crc
        if isinstance(value, Constant):
            crc = zlib.crc32(np.ascontiguousarray(value.data).tobytes(), crc)
        elif isinstance(value, Parameters):
            visit((value.whole or value).fields)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                if name not in _PLACES:
                    visit(inner)
        elif isinstance(value, tuple | int):
            crc = zlib.crc32(repr(value).encode(), crc)

    for argument in arguments:
        if not isinstance(argument, int):
            visit(argument)
    return crc


@dataclass(frozen=True)
class Access:
    """What a call does: which arguments it reads and writes, how many bytes, when, and what comes out.

    `reads` are (address, last time that each byte is read), `write` is (address, first time that each byte is written;
    NEVER for bytes that stay as they are). `scratch` is what it may overwrite from the start and needs to the end.
    `compute` gets the shadows of what it reads.
    """

    reads: Sequence[tuple[At | Scratch, Times]]
    write: tuple[At | Scratch, Times]
    compute: Callable[..., Shadow]
    scratch: Scratch | None = None


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call, by kind."""

    all: tuple[Argument, ...]

    @property
    def fields(self) -> Fields:
        """The fields of the parameters; none if the kernel takes none."""
        return next((a.fields for a in self.all if isinstance(a, Parameters)), {})

    @property
    def first(self) -> int:
        """The first of a layer's output channels that the call computes."""
        return next((a.first for a in self.all if isinstance(a, Parameters)), 0)

    @property
    def places(self) -> list[At | Scratch]:
        """The addresses."""
        return [a for a in self.all if isinstance(a, At | Scratch)]

    @property
    def seed(self) -> int:
        """The start of its hashes."""
        return identity(self.all)

    @property
    def scratch(self) -> Scratch | None:
        """The third address, of kernels that take scratch memory."""
        scratch = self.places[2] if len(self.places) > 2 else None
        assert scratch is None or isinstance(scratch, Scratch)
        return scratch

    @property
    def window(self) -> Window:
        """The window of a layer that has one."""
        return cast(Window, self.fields["window"])

    @property
    def integers(self) -> list[int]:
        """The arguments that are numbers."""
        return [a for a in self.all if isinstance(a, int)]

    def number(self, name: str) -> int:
        """Return a field that is a number."""
        return cast(int, self.fields[name])
