"""Calls and loops of steps as C, formatted as `.clang-format` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from compilers.aot.operands import END, Argument, At, Constant, Linear, Parameters, Row, Scratch
from compilers.aot.planner import Layout
from compilers.aot.steps import Await, Call, Item, Loop, Result, Step, Switch

INDENT = "  "
COLUMNS = 120
# What a streamed block counts besides its rows: rows of the input that have arrived, and the first that is kept.
RECEIVED, TOP = "received", "top"


class Names:
    """Names of constants and parameters in C: operator's index and name, and role or number if there are several.

    Those of constants, which other files see, begin with the model's name.
    """

    def __init__(self, steps: Sequence[Step], model: str) -> None:
        self.names: dict[int, str] = {}
        for step in steps:
            for part in step.operators():
                self.names |= {id(c): f"{model}_{_prefix(part)}_{c.role}" for c in part.constants()}
            self._parts(step, model)
            prefixes = {part.index: _prefix(part) for part in step.operators()}
            own: dict[str, list[Parameters]] = {}
            for call in step.written():
                kept = own.setdefault(prefixes[step.index if call.operator is None else call.operator], [])
                kept += [a for a in call.arguments if isinstance(a, Parameters) and all(a is not k for k in kept)]
            for prefix, parameters in own.items():
                several = len(parameters) > 1
                self.names |= {id(p): f"{prefix}_{n}" if several else prefix for n, p in enumerate(parameters)}

    def _parts(self, step: Step, model: str) -> None:
        """Name the constants of parts of a layer: they are not among those of the operators."""
        prefixes = {part.index: _prefix(part) for part in step.operators()}
        counts: dict[str, int] = {}
        for call in step.rows:
            if not isinstance(call, Call) or call.operator is None:
                continue
            for constant in call.constants():
                if id(constant) not in self.names:
                    name = f"{model}_{prefixes[call.operator]}_{constant.role}"
                    counts[name] = counts.get(name, -1) + 1
                    self.names[id(constant)] = f"{name}_{counts[name]}"

    def of(self, value: Constant | Parameters) -> str:
        """Return the name."""
        return self.names[id(value)]


def _prefix(step: Step) -> str:
    return f"step{step.index:02}_{step.name.lower()}"


class Places:
    """Names of the places in the arena that the C mentions: `used` has their offsets, in the order of first use."""

    def __init__(self, steps: Sequence[Step], layout: Layout, inputs: Sequence[int]) -> None:
        self.steps = steps
        self.layout = layout
        self.used: dict[str, int] = {}
        self.tensors = {tensor: f"ARENA_INPUT_{n}" for n, tensor in enumerate(inputs)}
        for step in steps:
            name = f"ARENA_STEP{step.operators()[-1].index:02}_OUTPUT"
            self.tensors |= {t: f"{name}_{n}" if step.more_outputs else name for n, t in enumerate(step.outputs)}

    def of(self, place: At | Scratch, step: int) -> str:
        """Return an address in the arena, without the arena: a name, and how far after it."""
        if isinstance(place, At):
            name, start, rest = self.tensors[place.tensor], self.layout.tensors[place.tensor].offset, place.offset
        else:
            area = max((a for a in self._areas(step) if a[1] <= place.offset), key=lambda a: a[1])
            name, start, rest = area[0], self.layout.scratch[step].offset + area[1], place.offset - area[1]
        self.used[name] = start
        return f"{name} + {rest}" if rest else name

    def _areas(self, step: int) -> Sequence[tuple[str, int]]:
        index = self.steps[step].index
        return [(f"ARENA_{name}", at) for name, at in self.steps[step].areas] or [(f"ARENA_STEP{index:02}_SCRATCH", 0)]


@dataclass(frozen=True)
class Hooks:
    """What is called beside the kernels: with `profiled`, functions that count around each call.

    It has the places of operators in the table of counts, by their numbers in the network, of which some are part of
    others. `traced` has the tensors whose bytes are hashed when they are complete, with their places in the table of
    hashes.
    """

    profiled: Mapping[int, int] = field(default_factory=dict)
    traced: Mapping[int, int] = field(default_factory=dict)


NO_HOOKS = Hooks()


class Writer:
    """Writes the program of step `i`, a block called `block` or a single operator.

    A loop in a loop becomes a function of its own, in `functions`, innermost first. `progress` has the variables that
    outlive a call of these functions, with what they start at. If `streamed`, these are all, and what was written
    returns where it waits for input, and goes on there when called again.
    """

    def __init__(
        self, i: int, names: Names, places: Places, block: str, streamed: bool = False, hooks: Hooks = NO_HOOKS
    ) -> None:
        self.i = i
        self.names = names
        self.places = places
        self.block = block
        self.streamed = streamed
        self.hooks = hooks
        self.functions: list[str] = []
        self.progress: dict[str, int] = {RECEIVED: 0, TOP: 0} if streamed else {}
        # Loops around what is being written: in two or more, it is in a function of a loop.
        self.loops = 0

    def lines(self, items: Sequence[Item], depth: int = 1) -> list[str]:
        """Return lines of C, indented."""
        return [line for item in items for line in self._item(item, depth)]

    def _item(self, item: Item, depth: int) -> Iterator[str]:
        match item:
            case Call():
                yield from self._call(item, depth)
            case Loop() if self.loops:
                yield from self._function(item, depth)
            case Loop():
                yield from self._outer_loop(item, depth)
            case Await():
                yield from self._await(item, depth)
            case Switch(row, cases):
                yield from self._switch(row, cases, depth)

    def _call(self, call: Call, depth: int) -> Iterator[str]:
        indent = INDENT * depth
        index = self.places.steps[self.i].index if call.operator is None else call.operator
        if self.hooks.profiled:
            yield f"{indent}profile_begin();"
        yield from wrapped(f"{indent}{call.kernel.symbol}(", [self.argument(a) for a in call.arguments], ");")
        if self.hooks.profiled:
            yield f"{indent}profile_end({self.hooks.profiled[index]});"
        if call.result is not None:
            yield from self._hashed(call.result, indent)

    def outputs(self, sizes: Mapping[int, int]) -> list[str]:
        """Return the hooks behind a step that is not a block: its outputs, of so many bytes each, are whole."""
        results = [Result(tensor, At(tensor), size) for tensor, size in sizes.items()]
        return [line for result in results for line in self._hashed(result, INDENT)]

    def _hashed(self, result: Result, indent: str) -> Iterator[str]:
        place = self.hooks.traced.get(result.tensor)
        if place is not None:
            arguments = [f"&traced[{place}]", str(result.tensor), self.argument(result.place), str(result.size)]
            yield from wrapped(f"{indent}alpharho_trace(", arguments, ");")

    def _outer_loop(self, loop: Loop, depth: int) -> Iterator[str]:
        begin = f"int32_t {loop.variable} = {loop.start}"
        if self.streamed:
            self.progress[loop.variable], begin = loop.start, ""
        yield from self._loop(loop, begin, self._until(loop), depth)

    def _loop(self, loop: Loop, begin: str, until: str, depth: int) -> Iterator[str]:
        indent, name = INDENT * depth, self._variable(loop.variable)
        yield f"{indent}for ({begin}; {name} < {until}; {name}++) {{"
        self.loops += 1
        yield from self.lines(loop.body, depth + 1)
        self.loops -= 1
        yield f"{indent}}}"

    def _function(self, loop: Loop, depth: int) -> Iterator[str]:
        """Write a loop as a function, and yield its call."""
        self.progress[loop.variable] = loop.start
        name, indent = f"step{loop.operator:02}_rows", INDENT * depth
        kind, more = ("bool", " Return false if the input ends before.") if self.streamed else ("void", "")
        lines = [f"// Put the rows before `end` that step {loop.operator} reads into its buffer.{more}"]
        lines += wrapped(f"static {kind} {name}(", ["int8_t *arena", f"struct {self.block} *at", "int32_t end"], ") {")
        lines += self._loop(loop, "", "end", 1)
        lines += [f"{INDENT}return true;", "}"] if self.streamed else ["}"]
        self.functions.append("\n".join(lines) + "\n")
        at = "at" if self.streamed or self.loops > 1 else "&at"
        call = f"{name}(arena, {at}, {self._until(loop)})"
        if self.streamed:
            yield from (f"{indent}if (!{call}) {{", f"{indent}{INDENT}{self._stop()}", f"{indent}}}")
        else:
            yield f"{indent}{call};"

    def _await(self, item: Await, depth: int) -> Iterator[str]:
        indent = INDENT * depth
        yield f"{indent}at->{TOP} = {self._linear(item.top)};"
        yield f"{indent}if (at->{RECEIVED} < {self._linear(item.until)}) {{"
        yield f"{indent}{INDENT}{self._stop()}"
        yield f"{indent}}}"

    def _stop(self) -> str:
        return "return false;" if self.loops > 1 else "return;"

    def _switch(self, row: Linear, cases: Sequence[tuple[int | None, Sequence[Item]]], depth: int) -> Iterator[str]:
        indent, before = INDENT * depth, ""
        for limit, body in cases:
            condition = "" if limit is None else f"if ({self._linear(row)} < {limit}) "
            yield f"{indent}{before}{condition}{{"
            yield from self.lines(body, depth + 1)
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
                return f"arena + {self.places.of(argument, self.i)}"
            case Row(base, row, pitch, 0):
                # In parentheses: on the way no pointer leaves the arena.
                return f"arena + ({self.places.of(base, self.i)} + {self._linear(row.times(pitch))})"
            case Row(base, row, pitch, modulus):
                ring, place = self.places.of(base, self.i), f"alpharho_modulo({self._linear(row)}, {modulus})"
                return f"arena + {ring} + {place} * {pitch}"
            case Linear():
                return self._linear(argument)
            case int():
                return str(argument)

    def _until(self, loop: Loop) -> str:
        return str(loop.until) if isinstance(loop.until, int) else self._linear(loop.until)

    def _variable(self, name: str) -> str:
        return f"at->{name}" if name in self.progress else name

    def _linear(self, value: Linear) -> str:
        variable = self._variable(value.variable)
        text = variable if value.scale == 1 else f"{value.scale} * {variable}"
        if value.end_scale:
            factor = "" if value.end_scale == -1 else f"{-value.end_scale} * "
            text += f" - {factor}{END}"
        if not value.constant:
            return text
        return f"{text} {'-' if value.constant < 0 else '+'} {abs(value.constant)}"


def wrapped(head: str, arguments: Sequence[str], tail: str) -> list[str]:
    """Return a call or declaration on as few lines as it takes, arguments below the first."""
    lines, line = [], head
    for i, argument in enumerate(arguments):
        piece = argument + (tail if i == len(arguments) - 1 else ",")
        if i and len(line) + 1 + len(piece) > COLUMNS:
            lines.append(line)
            line = " " * len(head) + piece
        else:
            line += f" {piece}" if i else piece
    return [*lines, line if arguments else head + tail]
