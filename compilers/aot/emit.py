"""The C of a compiled network: `model.h` (facts), `model.c` (parameters and calls), `weights.c` (constants).

The same network and layout give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT32_MAX, INT32_MIN
from compilers.aot.emit_calls import Names, Writer
from compilers.aot.operands import Constant, Parameters
from compilers.aot.planner import Layout
from compilers.aot.result import Plan, TensorSpec
from compilers.aot.steps import Loop, Step, awaits
from graph.types import Graph

# By bytes of a number.
NUMBERS_A_LINE = {1: 24, 4: 10, 8: 5}

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("compilers.aot"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined, autoescape=False,
)  # fmt: skip


def emit(graph: Graph, steps: Sequence[Step], layout: Layout, plan: Plan) -> dict[str, str]:
    """Return the generated files by name. Raises CompileError if a number does not fit the kernels' int32."""
    names = Names(steps)
    context = {
        "plan": plan,
        "inputs": [_tensor(t) for t in plan.inputs],
        "outputs": [_tensor(t) for t in plan.outputs],
        "constants": [(names.of(c), c) for step in steps for c in step.constants()],
        "steps": [_Function(graph, step, layout, i, names) for i, step in enumerate(steps)],
    }
    _check_range(graph, steps, layout)
    files = {name: _TEMPLATES.get_template(f"{name}.jinja").render(context) for name in ("model.h", "model.c")}
    return files | {"weights.c": "".join(_weights(plan, steps, names))}


class _Function:
    """What the template says of one step: an operator, or a block of them."""

    def __init__(self, graph: Graph, step: Step, layout: Layout, i: int, names: Names) -> None:
        operators = step.operators()
        self.parameters = [(p.kind, names.of(p), _initializer(p.fields, names, 1)) for p in step.parameters()]
        self.operators = [_Operator(graph, part) for part in operators]
        self.is_block = bool(step.parts)
        self.name = f"steps{operators[0].index:02}_to_{operators[-1].index:02}"
        self.is_streamed = step.streamed is not None
        writer = Writer(layout, i, names, self.is_streamed)
        items = [*step.calls, *step.rows]
        # Of a streamed block: what comes before the first row.
        first = next(n for n, item in enumerate(items) if isinstance(item, Loop)) if self.is_streamed else 0
        self.begin = writer.lines(items[:first], depth=1)
        self.lines = writer.lines(items[first:], depth=1)
        self.counters = writer.counters
        self.window = next((writer.argument(a.window) for a in awaits(items)), "")


class _Operator:
    """An operator in words: shapes, the tensor that it makes, MACs."""

    def __init__(self, graph: Graph, step: Step) -> None:
        shapes = [_shape(graph.tensors[t].shape) for t in (*step.inputs, step.output)]
        self.title = f"{step.name} {', '.join(shapes[:-1])} -> {shapes[-1]}"
        self.tensor = graph.tensors[step.output].short_name
        self.macs = step.macs


def _initializer(fields: Mapping[str, object], names: Names, depth: int) -> str:
    """Return the designated initialisers of a structure, one a line; nested structures indented below."""
    indent, lines = "    " * depth, []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            lines.append(f"{indent}.{name} = {{\n{_initializer(value, names, depth + 1)}{indent}}},\n")
        elif isinstance(value, tuple):
            lines.append(f"{indent}.{name} = {{{', '.join(map(str, value))}}},\n")
        elif isinstance(value, Constant):
            lines.append(f"{indent}.{name} = {names.of(value)},\n")
        else:
            lines.append(f"{indent}.{name} = {_integer(int(str(value)))},\n")
    return "".join(lines)


def _integer(value: int) -> str:
    # C has no literal for the least int32: -2147483648 is minus a number that is no int32.
    return "(-2147483647 - 1)" if value == INT32_MIN else str(value)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _tensor(spec: TensorSpec) -> dict[str, object]:
    # The shortest decimal number that reads back as the same float32.
    return {"spec": spec, "name": spec.name, "scale": _float32_text(spec.scale)}


def _float32_text(value: float) -> str:
    return np.format_float_positional(np.float32(value), unique=True, trim="0")


def _weights(plan: Plan, steps: Sequence[Step], names: Names) -> Iterator[str]:
    yield _TEMPLATES.get_template("weights_head.jinja").render(plan=plan)
    for step in steps:
        for constant in step.constants():
            ctype = f"{constant.data.dtype.name}_t"
            yield f"\nconst {ctype} {names.of(constant)}[{constant.data.size}] = {{\n"
            yield from _lines(constant.data)
            yield "};\n"


def _lines(data: npt.NDArray[np.integer[Any]]) -> Iterator[str]:
    """Yield the numbers of an array, as many on a line as always fit."""
    flat = data.reshape(-1).tolist()
    per_line = NUMBERS_A_LINE[data.dtype.itemsize]
    for i in range(0, len(flat), per_line):
        yield ",".join(map(_integer, flat[i : i + per_line])) + ",\n"


def _check_range(graph: Graph, steps: Sequence[Step], layout: Layout) -> None:
    """Check that all that the C computes with is int32, sizes of windows in bytes included."""

    def numbers(value: object) -> Iterator[int]:
        if isinstance(value, Mapping):
            for inner in value.values():
                yield from numbers(inner)
        elif isinstance(value, tuple):
            yield from value
        elif isinstance(value, int):
            yield value

    for step in steps:
        found = [step.scratch, layout.arena_bytes]
        for call in step.written():
            for argument in call.arguments:
                found += numbers(argument.fields if isinstance(argument, Parameters) else argument)
        if not all(INT32_MIN <= n <= INT32_MAX for n in found):
            graph.fail("too large for the kernels' 32-bit numbers", graph.operators[step.index])
