"""What an operator becomes: calls of kernels with constant parameters, and what they do to memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from compilers.aot.kernel import Kernel
from compilers.aot.operands import END, Argument, At, Constant, Fields, Linear, Parameters, Row, Scratch
from compilers.aot.shadow import Access, Arguments

Each = TypeVar("Each")


@dataclass(frozen=True)
class Result:
    """The next `size` bytes of a tensor, complete at `place` after a call."""

    tensor: int
    place: At | Scratch | Row
    size: int


@dataclass(frozen=True)
class Call:
    """A call of a kernel; in a block, for the operator of that index.

    `result` is the row that a call in a block completes, which other calls may write over soon; a tensor's rows are
    completed in order, each once. Raises TypeError if the arguments have other parameters than the kernel takes.
    """

    kernel: Kernel
    arguments: tuple[Argument, ...]
    operator: int | None = None
    result: Result | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        self.kernel.check(self.arguments)

    @property
    def fields(self) -> Fields:
        """The fields of its parameters; none if the kernel takes none."""
        return next((a.fields for a in self.arguments if isinstance(a, Parameters)), {})

    def constants(self) -> list[Constant]:
        """Return the arrays that it reads, each once, in order."""
        return _distinct(c for a in self.arguments for c in _constants(a))

    def access(self) -> Access:
        """Return what the call does to memory. All its addresses are known: none is a Row."""
        return self.kernel.access(Arguments(self.arguments))


@dataclass(frozen=True)
class Receive:
    """A row of the network's input arrives: `size` bytes from `source` on go to `place`."""

    source: At
    place: Scratch
    size: int


@dataclass(frozen=True)
class Loop:
    """Runs its body for `variable` up to `until`, not included. It begins at `start`, then where it stopped last.

    In a block, a loop of rows is for the operator of that index.
    """

    variable: str
    start: int
    until: Linear | int
    body: tuple[Item, ...]
    operator: int | None = None


@dataclass(frozen=True)
class Switch:
    """Runs the first body whose limit is over `row`; the last is without limit."""

    row: Linear
    cases: tuple[tuple[int | None, tuple[Item, ...]], ...]


@dataclass(frozen=True)
class Await:
    """Stops until rows of the network's input have arrived, up to `until`, not included; then goes on from here.

    They go to `window`, one after the other, the first of them row `top` of the input. `variable` counts those that
    have arrived; each has `line` bytes.
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

    `inputs` are the tensors that it reads from the arena, `output` and `more_outputs` those that it writes. `overlap`
    gives for an input where the output may begin if that input dies here: this many bytes after its start (0 or
    negative: before it), or any fewer, and no byte is written before it was read. `apart` is what to call instead,
    without scratch, if the output overlaps no input.

    A block has `parts`, the steps of its operators, whose tensors are never whole, and in place of calls the program
    `rows`. `streamed` is the network's input if the block takes it row by row as it arrives. `areas` are the parts of
    its scratch memory: name and offset. It computes `again` MACs more than once.

    `slices` of a convolution or mean gives the call for so many output channels from a first one on, None if its kernel
    is another. `of_two` of an element-wise operator of two tensors is its value for a byte of each.
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
    areas: tuple[tuple[str, int], ...] = ()
    again: int = 0
    more_outputs: tuple[int, ...] = ()
    slices: Callable[[int, int], Call | None] | None = field(default=None, compare=False, repr=False)
    of_two: Callable[[int, int], int] | None = field(default=None, compare=False, repr=False)

    @property
    def outputs(self) -> tuple[int, ...]:
        """All tensors that it writes."""
        return (self.output, *self.more_outputs)

    def without_overlap(self) -> Step:
        """Return the step for an output that overlaps no input."""
        if not self.apart:
            return self
        return replace(self, calls=self.apart, apart=(), scratch=0)

    def operators(self) -> tuple[Step, ...]:
        """Return the steps of its operators: itself, if it is one."""
        return self.parts or (self,)

    def execution(self) -> Iterator[Call | Receive]:
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
        return _distinct(c for call in self.written() for c in call.constants())


def _execute(items: Sequence[Item], variables: dict[str, int]) -> Iterator[Call | Receive]:
    for item in items:
        match item:
            case Call():
                yield replace(item, arguments=tuple(_value(a, variables) for a in item.arguments))
            case Await():
                yield from _receive(item, variables)
            case Loop(variable, start, until, body):
                variables.setdefault(variable, start)
                outer, end = variables.get(END, 0), until if isinstance(until, int) else until.at(variables)
                variables[END] = end
                while variables[variable] < end:
                    yield from _execute(body, variables)
                    variables[variable] += 1
                variables[END] = outer
            case Switch(row, cases):
                at = row.at(variables)
                body = next((body for limit, body in cases if limit is None or at < limit), ())
                yield from _execute(body, variables)


def _receive(item: Await, variables: dict[str, int]) -> Iterator[Receive]:
    """Yield the arrival of each row."""
    for row in range(variables.get(item.variable, 0), item.until.at(variables)):
        place = replace(item.window, offset=item.window.offset + (row - item.top.at(variables)) * item.line)
        yield Receive(At(item.tensor, row * item.line), place, item.line)
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
