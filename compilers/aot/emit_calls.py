"""Calls and loops of steps as C."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compilers.aot.operands import Argument, At, Constant, Linear, Parameters, Row, Scratch
from compilers.aot.planner import Layout
from compilers.aot.steps import Await, Call, Item, Loop, Step, Switch

INDENT = "    "


class Names:
    """Names of constants and parameters in C: operator's index and name, and role or number if there are several."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.names: dict[int, str] = {}
        for step in steps:
            for part in step.operators():
                self.names |= {id(c): f"{_prefix(part)}_{c.role}" for c in part.constants()}
            prefixes = {part.index: _prefix(part) for part in step.operators()}
            own: dict[str, list[Parameters]] = {}
            for call in step.written():
                kept = own.setdefault(prefixes[step.index if call.operator is None else call.operator], [])
                kept += [a for a in call.arguments if isinstance(a, Parameters) and all(a is not k for k in kept)]
            for prefix, found in own.items():
                several = len(found) > 1
                self.names |= {id(p): f"{prefix}_{n}" if several else prefix for n, p in enumerate(found)}

    def of(self, value: Constant | Parameters) -> str:
        """Return the name."""
        return self.names[id(value)]


def _prefix(step: Step) -> str:
    return f"step{step.index:02}_{step.name.lower()}"


class Writer:
    """Writes the program of step `i` of a layout. `counters` are the loop variables that outlive their loop.

    If `streamed`, all do: what was written stops where it waits for input, and goes on there when called again.
    """

    def __init__(self, layout: Layout, i: int, names: Names, streamed: bool = False) -> None:
        self.streamed = streamed
        self.layout = layout
        self.i = i
        self.names = names
        self.counters: list[tuple[str, int]] = []

    def lines(self, items: Sequence[Item], depth: int, outermost: bool = True) -> list[str]:
        """Return lines of C, indented."""
        return [line for item in items for line in self._item(item, depth, outermost)]

    def _item(self, item: Item, depth: int, outermost: bool) -> Iterator[str]:
        indent = INDENT * depth
        match item:
            case Call(kernel, arguments):
                yield f"{indent}{kernel.symbol}({', '.join(map(self.argument, arguments))});"
            case Loop(variable, start, until, body):
                end = until if isinstance(until, int) else self._linear(until)
                begin = f"int32_t {variable} = {start}" if outermost and not self.streamed else ""
                if not begin:
                    self.counters.append((variable, start))
                yield f"{indent}for ({begin}; {variable} < {end}; {variable}++) {{"
                yield from self.lines(body, depth + 1, outermost=False)
                yield f"{indent}}}"
            case Await(_, _, until, top):
                yield f"{indent}in_top = {self._linear(top)};"
                yield f"{indent}if (in_rows < {self._linear(until)}) {{"
                yield f"{indent}{INDENT}return;"
                yield f"{indent}}}"
            case Switch(row, cases):
                yield from self._switch(row, cases, depth)

    def _switch(self, row: Linear, cases: Sequence[tuple[int | None, Sequence[Item]]], depth: int) -> Iterator[str]:
        indent, before = INDENT * depth, ""
        for limit, body in cases:
            condition = "" if limit is None else f"if ({self._linear(row)} < {limit}) "
            yield f"{indent}{before}{condition}{{"
            yield from self.lines(body, depth + 1, outermost=False)
            before = "} else "
        yield f"{indent}}}"

    def argument(self, argument: Argument) -> str:
        """Return an argument of a call."""
        match argument:
            case Parameters():
                return f"&{self.names.of(argument)}"
            case Constant():
                return self.names.of(argument)
            case At() | Scratch():
                return f"arena + {self._offset(argument)}"
            case Row(base, row, pitch, 0):
                bytes_ = row.times(pitch).plus(self._offset(base))
                return f"arena + ({self._linear(bytes_)})"
            case Row(base, row, pitch, modulus):
                return f"arena + {self._offset(base)} + {self._linear(row, tight=True)} % {modulus} * {pitch}"
            case Linear():
                return self._linear(argument)
            case int():
                return str(argument)

    def _offset(self, place: At | Scratch) -> int:
        piece = self.layout.tensors[place.tensor] if isinstance(place, At) else self.layout.scratch[self.i]
        return piece.offset + place.offset

    def _linear(self, value: Linear, tight: bool = False) -> str:
        text = value.variable if value.scale == 1 else f"{value.scale} * {value.variable}"
        if not value.constant:
            return text
        text += f" {'-' if value.constant < 0 else '+'} {abs(value.constant)}"
        return f"({text})" if tight else text
