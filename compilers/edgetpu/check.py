"""Which operators the Edge TPU's compiler will map: a prediction by Coral's rules, before the compiler runs.

The compiler maps the operators up to the first one that is not supported; that one and everything after it run on the
CPU ("Compiling", coral.ai/docs/edgetpu/models-intro). Operators before the first supported one, such as the conversion
of a float input, run on the CPU before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from compilers.edgetpu.rules import DEPENDS_ON_SIZE, ON_CHIP_BYTES, REFUSED_FROM_VERSION, why_on_cpu
from graph.types import Graph, Operator


@dataclass(frozen=True)
class Row:
    """One operator: whether it will run on the Edge TPU, and why not."""

    index: int
    operator: str
    mapped: bool
    why: str = ""


@dataclass(frozen=True)
class Check:
    """Where each operator will run.

    `parameter_bytes` is the size of all constants, `cut` the operator at which the mapped part ends, None if all map;
    `refused` says why the compiler will refuse the whole file, "" if nothing does.
    """

    rows: tuple[Row, ...]
    cut: Row | None
    parameter_bytes: int
    has_hard_swish: bool
    has_squeeze_excite: bool
    refused: str = ""

    @property
    def mapped(self) -> int:
        """How many operators will run on the Edge TPU."""
        return sum(row.mapped for row in self.rows)

    @property
    def is_streamed(self) -> bool:
        """Whether the constants are more than the chip holds; the rest is sent at each inference."""
        return self.parameter_bytes > ON_CHIP_BYTES

    @property
    def may_differ(self) -> tuple[str, ...]:
        """Operators counted as mapped that the compiler leaves on the CPU for some sizes."""
        return tuple(sorted({row.operator for row in self.rows if row.mapped and row.operator in DEPENDS_ON_SIZE}))

    def groups(self) -> list[tuple[str, int, int, str]]:
        """Return name, count, index of the first and reason, for operators with the same name and reason, in order."""
        indexes: dict[tuple[str, str], list[int]] = {}
        for row in self.rows:
            indexes.setdefault((row.operator, row.why), []).append(row.index)
        return [(operator, len(group), group[0], why) for (operator, why), group in indexes.items()]


def check(graph: Graph) -> Check:
    """Return the prediction for a network that is not compiled yet. Raises CompileError if an operator is damaged."""
    rows: list[Row] = []
    cut: Row | None = None
    for operator in graph.operators:
        try:
            why = why_on_cpu(graph, operator)
        except IndexError:
            graph.fail("damaged, it lacks tensors that this operator has", operator)
        if cut is not None:
            why = why or f"comes after operator {cut.index}, {cut.operator}"
        row = Row(operator.index, operator.label, not why, why)
        rows.append(row)
        if why and any(earlier.mapped for earlier in rows):
            cut = cut or row
    return Check(
        rows=tuple(rows),
        cut=cut,
        parameter_bytes=_parameter_bytes(graph),
        has_hard_swish=any(operator.name == "HARD_SWISH" for operator in graph.operators),
        has_squeeze_excite=any(_is_squeeze_excite(graph, operator) for operator in graph.operators),
        refused=_refused(graph),
    )


def _is_squeeze_excite(graph: Graph, operator: Operator) -> bool:
    """Whether it scales each channel of a picture by a computed vector, as squeeze-and-excite ends."""
    if operator.name != "MUL":
        return False
    shapes = [tensor.shape for tensor in graph.computed_inputs(operator)]
    if len(shapes) != 2 or any(len(shape) != 4 for shape in shapes):
        return False
    areas = sorted(shape[1] * shape[2] for shape in shapes)
    return areas[0] == 1 < areas[1] and shapes[0][3] == shapes[1][3]


def _parameter_bytes(graph: Graph) -> int:
    used = {index for operator in graph.operators for index in operator.inputs if index >= 0}
    return sum(data.nbytes for index in used if (data := graph.tensors[index].data) is not None)


def _refused(graph: Graph) -> str:
    for operator in graph.operators:
        limit = REFUSED_FROM_VERSION.get(operator.name)
        if limit and operator.version >= limit:
            return (
                f"operator {operator.index} {operator.name} has version {operator.version}: compiler 16 refuses files "
                f"with version {limit} and up; convert with an older TensorFlow"
            )
    return ""
