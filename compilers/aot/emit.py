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
from compilers.aot.graph import Graph
from compilers.aot.planner import Layout
from compilers.aot.result import Plan, TensorSpec
from compilers.aot.steps import Argument, At, Call, Constant, Parameters, Scratch, Step

# By bytes of a number.
NUMBERS_A_LINE = {1: 24, 4: 10, 8: 5}

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("compilers.aot"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined, autoescape=False,
)  # fmt: skip


def emit(graph: Graph, steps: Sequence[Step], layout: Layout, plan: Plan) -> dict[str, str]:
    """Return the generated files by name. Raises CompileError if a number does not fit the kernels' int32."""
    names = _Names(steps)
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


class _Names:
    """Names of constants in C: step, operator and role."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.names = {id(c): f"{_prefix(i, step)}_{c.role}" for i, step in enumerate(steps) for c in step.constants()}

    def of(self, constant: Constant) -> str:
        return self.names[id(constant)]


def _prefix(i: int, step: Step) -> str:
    return f"step{i:02}_{step.name.lower()}"


class _Function:
    """What the template says of one step."""

    def __init__(self, graph: Graph, step: Step, layout: Layout, i: int, names: _Names) -> None:
        self.prefix = _prefix(i, step)
        self.parameters: list[tuple[str, str, str]] = []
        self.calls: list[str] = []
        shapes = [_shape(graph.tensors[t].shape) for t in (*step.inputs, step.output)]
        target = graph.tensors[step.output]
        self.title = f"{step.name} {', '.join(shapes[:-1])} -> {shapes[-1]}"
        self.tensor = target.short_name
        self.macs = step.macs
        for call in step.calls:
            self.calls.append(self._call(call, layout, i, names))

    def _call(self, call: Call, layout: Layout, i: int, names: _Names) -> str:
        def text(argument: Argument) -> str:
            match argument:
                case Parameters(kind, fields):
                    self.parameters.append((kind, self.prefix, _initializer(fields, names, 1)))
                    return f"&{self.prefix}"
                case Constant():
                    return names.of(argument)
                case At(tensor, offset):
                    return f"arena + {layout.tensors[tensor].offset + offset}"
                case Scratch():
                    return f"arena + {layout.scratch[i].offset}"
                case int():
                    return str(argument)
            raise AssertionError(argument)

        return f"{call.function}({', '.join(text(a) for a in call.arguments)});"


def _initializer(fields: Mapping[str, object], names: _Names, depth: int) -> str:
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


def _weights(plan: Plan, steps: Sequence[Step], names: _Names) -> Iterator[str]:
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
        for call in step.calls:
            for argument in call.arguments:
                found += numbers(argument.fields if isinstance(argument, Parameters) else argument)
        if not all(INT32_MIN <= n <= INT32_MAX for n in found):
            graph.fail("too large for the kernels' 32-bit numbers", graph.operators[step.index])
