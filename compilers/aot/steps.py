"""What an operator becomes: calls of kernels with constant parameters, and what they do to memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Each = TypeVar("Each")
# In place of a kernel: a row of the input comes over the wire.
RECEIVE = "receive"
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
    """An address in the step's scratch memory, of which the call may use `size` bytes; 0 stands for all."""

    offset: int = 0
    size: int = 0


@dataclass(frozen=True)
class Linear:
    """scale * variable + constant."""

    variable: str
    scale: int = 1
    constant: int = 0

    def at(self, variables: Mapping[str, int]) -> int:
        """Return its value."""
        return self.scale * variables[self.variable] + self.constant

    def plus(self, constant: int) -> Linear:
        """Return the sum."""
        return replace(self, constant=self.constant + constant)

    def times(self, factor: int) -> Linear:
        """Return the product."""
        return replace(self, scale=self.scale * factor, constant=self.constant * factor)


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


Argument = Parameters | Constant | At | Scratch | Row | Linear | int


@dataclass(frozen=True)
class Call:
    """A call of a kernel; in a block, for the operator of that index."""

    function: str
    arguments: tuple[Argument, ...]
    operator: int | None = None


@dataclass(frozen=True)
class Loop:
    """Runs its body for `variable` up to `until`, not included. It begins at `start`, then where it stopped last."""

    variable: str
    start: int
    until: Linear | int
    body: tuple[Item, ...]


@dataclass(frozen=True)
class Switch:
    """Runs the first body whose limit is over `row`; the last has no limit."""

    row: Linear
    cases: tuple[tuple[int | None, tuple[Item, ...]], ...]


@dataclass(frozen=True)
class Await:
    """Stops until rows of the network's input have come, up to `until`, not included; then goes on from here.

    They go to `window`, one after the other, the first of them row `top` of the input. `variable` counts those that
    have come; each has `line` bytes.
    """

    tensor: int
    variable: str
    until: Linear
    top: Linear
    window: Scratch
    line: int


Item = Call | Loop | Switch | Await


@dataclass(frozen=True)
class Step:
    """An operator, lowered; or a block of operators that run row by row.

    `inputs` are the tensors that it reads from the arena. `overlap` gives for such a tensor where the output may begin
    if that input dies here: this many bytes after its start (0 or negative: before it), or any fewer, and no byte is
    written before it was read. `apart` is what to call instead, without scratch, if the output lies apart.

    A block has `parts`, the steps of its operators, whose tensors are never whole, and in place of calls the program
    `rows`. `streamed` is the network's input if the block takes it row by row as it comes.
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
    parts: tuple[Step, ...] = ()
    rows: tuple[Item, ...] = ()
    streamed: int | None = None

    def without_overlap(self) -> Step:
        """Return the step for an output that lies apart from all inputs."""
        if not self.apart:
            return self
        return replace(self, calls=self.apart, apart=(), scratch=0)

    def operators(self) -> tuple[Step, ...]:
        """Return the steps of its operators: itself, if it is one."""
        return self.parts or (self,)

    def execution(self) -> Iterator[Call]:
        """Yield its calls as they happen, with rows as addresses and numbers."""
        yield from self.calls
        yield from _execute(self.rows, {})

    def written(self) -> Iterator[Call]:
        """Yield its calls as they are written, each once."""
        yield from self.calls
        yield from _written(self.rows)

    def parameters(self) -> list[Parameters]:
        """Return the structures that its calls take, each once, in order."""
        return _distinct(a for call in self.written() for a in call.arguments if isinstance(a, Parameters))

    def constants(self) -> list[Constant]:
        """Return the arrays that its calls read, each once, in order."""
        return _distinct(c for call in self.written() for a in call.arguments for c in _constants(a))


def _execute(items: Sequence[Item], variables: dict[str, int]) -> Iterator[Call]:
    for item in items:
        match item:
            case Call():
                yield replace(item, arguments=tuple(_value(a, variables) for a in item.arguments))
            case Await():
                yield from _receive(item, variables)
            case Loop(variable, start, until, body):
                variables.setdefault(variable, start)
                while variables[variable] < (until if isinstance(until, int) else until.at(variables)):
                    yield from _execute(body, variables)
                    variables[variable] += 1
            case Switch(row, cases):
                at = row.at(variables)
                yield from _execute(next(body for limit, body in cases if limit is None or at < limit), variables)


def _receive(item: Await, variables: dict[str, int]) -> Iterator[Call]:
    """Yield what the arrival of each row does to memory."""
    for row in range(variables.get(item.variable, 0), item.until.at(variables)):
        place = replace(item.window, offset=item.window.offset + (row - item.top.at(variables)) * item.line)
        yield Call(RECEIVE, (At(item.tensor, row * item.line), place, item.line))
        variables[item.variable] = row + 1


def _value(argument: Argument, variables: Mapping[str, int]) -> Argument:
    return argument.at(variables) if isinstance(argument, Row | Linear) else argument


def _written(items: Sequence[Item]) -> Iterator[Call]:
    for item in items:
        match item:
            case Call():
                yield item
            case Loop():
                yield from _written(item.body)
            case Switch():
                for _, body in item.cases:
                    yield from _written(body)


def awaits(items: Sequence[Item]) -> Iterator[Await]:
    """Yield the places of a program where it waits for rows of the network's input."""
    for item in items:
        match item:
            case Await():
                yield item
            case Loop():
                yield from awaits(item.body)
            case Switch():
                for _, body in item.cases:
                    yield from awaits(body)


def _constants(value: object) -> Iterator[Constant]:
    if isinstance(value, Constant):
        yield value
    elif isinstance(value, Parameters):
        yield from _constants(value.fields)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _constants(inner)


def _distinct(values: Iterable[Each]) -> list[Each]:
    return list({id(value): value for value in values}.values())
