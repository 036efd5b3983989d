"""Functions of one value that are written as several operators: each becomes one table of 256 values.

`x * sigmoid(x)` reaches a `.tflite` as LOGISTIC and MUL, hard-swish of other frameworks as ADD, RELU6 and MUL. Apart
they need x whole twice; as one table, x flows through a block row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from compilers.aot import tables
from compilers.aot.lower_unary import table_step
from compilers.aot.operands import Constant
from compilers.aot.sets import portable
from compilers.aot.steps import Step
from graph.types import Graph, Operator

IDENTITY = np.arange(-128, 128).astype(np.int8)


def compose(graph: Graph, steps: Sequence[Step]) -> list[Step]:
    """Return the steps with each element-wise step of two functions of one tensor as a table of that tensor.

    Steps whose outputs nothing reads any more are left out.
    """
    functions: dict[int, tuple[int, tables.Table]] = {}
    operators = {operator.index: operator for operator in graph.operators}
    composed, changed = [], False
    for step in steps:
        made = _as_table(graph, step, operators[step.index], functions)
        changed = changed or made is not None
        composed.append(made or step)
        if (table := _table_of(graph, composed[-1])) is not None:
            root, before = functions.get(composed[-1].inputs[0], (composed[-1].inputs[0], IDENTITY))
            functions[step.output] = root, table[before.astype(np.int64) + 128]
    return _needed(graph, composed) if changed else list(steps)


def _table_of(graph: Graph, step: Step) -> tables.Table | None:
    """Return the table of a step that is a function of one value, int8 to int8."""
    call = step.calls[0] if len(step.calls) == 1 else None
    if call is None or call.kernel is not portable.TABLE:
        return None
    if {graph.tensors[t].dtype for t in (*step.inputs, step.output)} != {"int8"}:
        return None
    constant = call.arguments[0]
    return constant.data.astype(np.int8) if isinstance(constant, Constant) else None


def _as_table(
    graph: Graph, step: Step, operator: Operator, functions: Mapping[int, tuple[int, tables.Table]]
) -> Step | None:
    """Return an element-wise step as a table of the one tensor that both of its inputs are functions of."""
    if step.of_two is None or len(operator.inputs) != 2 or any(i not in step.inputs for i in operator.inputs):
        return None
    if functions.keys().isdisjoint(operator.inputs):
        return None  # x + x reads x once already
    (first, one), (second, other) = (functions.get(i, (i, IDENTITY)) for i in operator.inputs)
    source, target = graph.tensors[first], graph.tensors[step.output]
    if first != second or source.size != target.size:
        return None
    values = [step.of_two(int(a), int(b)) for a, b in zip(one, other, strict=True)]
    return table_step(operator, source, target, np.array(values, np.int8))


def _needed(graph: Graph, steps: Sequence[Step]) -> list[Step]:
    """Return the steps without tables that nothing reads."""
    read, kept = set(graph.outputs), list[Step]()
    for step in reversed(steps):
        if read.isdisjoint(step.outputs) and _table_of(graph, step) is not None:
            continue
        read |= set(step.inputs)
        kept.append(step)
    return kept[::-1]
