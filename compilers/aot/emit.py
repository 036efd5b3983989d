"""The C of a compiled network: all names in it that other files see begin with the model's name.

For a model `v1_025`: `v1_025.h` (facts, functions), `v1_025.c` (parameters and calls), `v1_025_weights.h` and `.c`
(constants), and `engine_model.h`, by which our own firmware finds the others. The files are formatted as
`.clang-format` says. The same network, layout and name give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import jinja2
import numpy as np

from compilers.aot.arithmetic import INT32_MAX, INT32_MIN
from compilers.aot.emit_calls import INDENT, Hooks, Names, Places, Writer
from compilers.aot.operands import Constant, Ints, Parameters
from compilers.aot.planner import Layout
from compilers.aot.result import Plan, TensorSpec
from compilers.aot.sets import SETS
from compilers.aot.steps import Call, Loop, Step, awaits
from compilers.compiled import macro_prefix
from graph.types import Graph

# By bytes of a number.
NUMBERS_A_LINE = {1: 24, 4: 10, 8: 5}
# The text of each int8 in C, by its bits.
INT8_TEXTS = np.array([str(np.uint8(bits).astype(np.int8)) for bits in range(256)], dtype=object)
# Characters of a tensor's name in a comment.
COMMENT_NAME = 80

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("compilers.aot"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined, autoescape=False,
)  # fmt: skip


@dataclass(frozen=True)
class Naming:
    """The model's name in C, a valid identifier; and what the C does beside its work.

    With `profile` it counts each call, for `profile.h`; with `trace` it hashes what operators write, for `trace.h`.
    """

    name: str = "model"
    profile: bool = False
    trace: bool = False


def emit(graph: Graph, steps: Sequence[Step], layout: Layout, plan: Plan, naming: Naming = Naming()) -> dict[str, str]:
    """Return the generated files by name. Raises CompileError if a number does not fit the kernels' int32."""
    name = naming.name
    names, places = Names(steps, name), Places(steps, layout, graph.inputs)
    traced = list(traced_bytes(graph, steps)) if naming.trace else []
    profiled = {operator.index: place for place, operator in enumerate(plan.operators) if naming.profile}
    hooks = Hooks(profiled, {tensor: place for place, tensor in enumerate(traced)})
    functions = [_Function(graph, step, i, names, places, hooks) for i, step in enumerate(steps)]
    generated = (
        f"Generated from the .tflite of sha256 {plan.model_sha256[:16]} by the {plan.engine} compiler, "
        f"version {plan.engine_version}. Do not edit."
    )
    context = {
        "generated": generated,
        "name": name,
        "upper": macro_prefix(name),
        "includes": [SETS[plan.kernels].header, f"{name}_weights.h", *(["trace.h"] if traced else [])],
        "plan": plan,
        "profile_steps": len(profiled),
        "traced": len(traced),
        "inputs": [_tensor(t) for t in plan.inputs],
        "outputs": [_tensor(t) for t in plan.outputs],
        "constants": [(names.of(c), c) for step in steps for c in step.constants()],
        "steps": functions,
        "calls_in_run": any(f.lines for f in functions if not f.is_streamed),
        "places": list(places.used.items()),
        "defines": lambda pairs: _defines([(f"{macro_prefix(name)}_{key}", value) for key, value in pairs]),
        "aliases": _defines(_aliases(name, plan)),
    }
    _check_range(graph, steps, layout)
    templates = {
        f"{name}.h": "model.h", f"{name}.c": "model.c", f"{name}_weights.h": "weights.h",
        "engine_model.h": "engine_model.h",
    }  # fmt: skip
    files = {file: _TEMPLATES.get_template(f"{part}.jinja").render(context) for file, part in templates.items()}
    return files | {f"{name}_weights.c": "".join(_weights(generated, name, steps, names))}


def traced_bytes(graph: Graph, steps: Sequence[Step]) -> dict[int, int]:
    """Return the tensors that a trace has, in the order of their operators, and how many bytes of each are computed.

    They are computed in order; rows at the end that no window reads are not. What is computed several times, or some
    channels at a time, is not among them.
    """
    sizes = {tensor: 0 for step in steps for part in step.operators() for tensor in part.outputs}
    for step in steps:
        if not step.parts:
            sizes |= {tensor: graph.tensors[tensor].bytes for tensor in step.outputs}
        for call in step.execution() if step.parts else ():
            if isinstance(call, Call) and call.result is not None:
                sizes[call.result.tensor] += call.result.size
    return {tensor: size for tensor, size in sizes.items() if size}


class _Function:
    """What the template says of one step: an operator, or a block of them."""

    def __init__(self, graph: Graph, step: Step, i: int, names: Names, places: Places, hooks: Hooks) -> None:
        operators = step.operators()
        first, last = operators[0].index, operators[-1].index
        self.profiled = hooks.profiled.get(first)
        self.parameters = [(p.kind, names.of(p), _initializer(p.fields, names)) for p in step.parameters()]
        self.operators = [_Operator(graph, part) for part in operators]
        self.is_block = bool(step.parts)
        self.name = f"steps{first:02}_to_{last:02}"
        self.title = f"steps {first} to {last}"
        self.is_streamed = step.streamed is not None
        writer = Writer(i, names, places, self.name, self.is_streamed, hooks)
        items = [*step.calls, *step.rows]
        # Of a block: what comes before the first row.
        start = next((n for n, item in enumerate(items) if isinstance(item, Loop)), 0)
        self.begin = writer.lines(items[:start])
        self.lines = writer.lines(items[start:])
        if not self.is_block:
            self.lines += writer.outputs({tensor: graph.tensors[tensor].bytes for tensor in step.outputs})
        self.functions = writer.functions
        self.progress = list(writer.progress)
        self.start = ", ".join(f".{variable} = {value}" for variable, value in writer.progress.items())
        self.window = next((writer.argument(a.window) for a in awaits(items)), "")
        if not self.is_streamed:
            declared = [f"{INDENT}struct {self.name} at = {{{self.start}}};"] if self.progress else []
            self.lines = [*declared, *self.begin, *self.lines]


class _Operator:
    """An operator in words: shapes, MACs, the tensor that it makes."""

    def __init__(self, graph: Graph, step: Step) -> None:
        inputs, outputs = (", ".join(_shape(graph.tensors[t].shape) for t in ts) for ts in (step.inputs, step.outputs))
        self.title = f"{step.name} {inputs} -> {outputs}"
        if step.macs:
            self.title += f", {step.macs} MACs"
        self.tensor = graph.tensors[step.output].short_name[:COMMENT_NAME]


def _initializer(fields: Mapping[str, object], names: Names, within: str = "") -> str:
    """Return the designated initializers of a structure, one a line, nested fields by their whole names."""
    lines = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            lines.append(_initializer(value, names, f"{within}.{name}"))
        elif isinstance(value, tuple):
            lines.append(f"    {within}.{name} = {{{', '.join(map(str, value))}}},\n")
        elif isinstance(value, Constant):
            lines.append(f"    {within}.{name} = {names.of(value)},\n")
        else:
            lines.append(f"    {within}.{name} = {_integer(int(str(value)))},\n")
    return "".join(lines)


def _integer(value: int) -> str:
    # C has no literal for the least int32: -2147483648 is minus a number that int32 does not have.
    return "(-2147483647 - 1)" if value == INT32_MIN else str(value)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _tensor(spec: TensorSpec) -> dict[str, object]:
    # The shortest decimal number that reads back as the same float32.
    scale = _float32_text(spec.scale)
    zero_point = f"({spec.zero_point})" if spec.zero_point < 0 else str(spec.zero_point)
    title = f"{spec.name[:COMMENT_NAME]}, {_shape(spec.shape)}" + (f", {spec.dtype}" if spec.dtype != "int8" else "")
    return {"spec": spec, "name": spec.name, "scale": scale, "zero_point": zero_point, "title": title}


def _float32_text(value: float) -> str:
    return np.format_float_positional(np.float32(value), unique=True, trim="0")


def _defines(pairs: Sequence[tuple[str, object]]) -> str:
    """Return macros, their values below each other."""
    width = max(len(name) for name, _ in pairs)
    return "".join(f"#define {name:<{width}} {value}\n" for name, value in pairs)


def _aliases(name: str, plan: Plan) -> list[tuple[str, str]]:
    """Return the names by which engine.c knows the model, and the model's own."""
    macros = ["SHA256", "ENGINE", "ENGINE_VERSION", "KERNELS", "ARENA_BYTES", "INPUT_PRESERVED", "INPUTS", "OUTPUTS"]
    functions = ["run"]
    macros.append("STREAMED")
    if plan.streamed:
        macros.append("STREAM_ROW_BYTES")
        functions += ["stream_begin", "stream_place", "stream_row"]
    return [(f"ENGINE_MODEL_{macro}", f"{macro_prefix(name)}_{macro}") for macro in macros] + [
        (f"engine_model_{function}", f"{name}_{function}") for function in functions
    ]


def _weights(generated: str, name: str, steps: Sequence[Step], names: Names) -> Iterator[str]:
    yield f'// {generated}\n#include "{name}_weights.h"\n\n// clang-format off\n'
    for step in steps:
        for constant in step.constants():
            ctype = f"{constant.data.dtype.name}_t"
            yield f"\nconst {ctype} {names.of(constant)}[{constant.data.size}] = {{\n"
            yield from _lines(constant.data)
            yield "};\n"


def _lines(data: Ints) -> Iterator[str]:
    """Yield the numbers of an array, as many on a line as always fit."""
    flat = data.reshape(-1)
    texts = INT8_TEXTS[flat.view(np.uint8)].tolist() if data.dtype == np.int8 else [*map(_integer, flat.tolist())]
    per_line = NUMBERS_A_LINE[data.dtype.itemsize]
    for i in range(0, len(texts), per_line):
        yield ",".join(texts[i : i + per_line]) + ",\n"


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
        values = [step.scratch, layout.arena_bytes]
        for call in step.written():
            for argument in call.arguments:
                values += numbers(argument.fields if isinstance(argument, Parameters) else argument)
        if not all(INT32_MIN <= n <= INT32_MAX for n in values):
            graph.fail("too large for the kernels' 32-bit numbers", graph.operators[step.index])
