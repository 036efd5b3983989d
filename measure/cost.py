"""What a network will cost on a core, from measured costs of a few networks' layers by kind of layer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compilers.aot.result import Computed
from compilers.aot.strips import PIXELS
from graph.types import Graph, Operator

FILTERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
BY_ROWS = " by rows"


@dataclass(frozen=True)
class Work:
    """One operator: its kind, such as "CONV_2D 3x3", and how much it does of each thing that takes time.

    `amounts` are multiply-accumulates, the same with each call's pixels rounded up to PIXELS (what is left takes as
    long as so many), elements of the output, its pixels, and elements of the input. A kind that runs row by row in a
    block ends in BY_ROWS.
    """

    kind: str
    amounts: tuple[float, ...]


@dataclass(frozen=True)
class Costs:
    """Measured costs: for each kind what one of each amount takes, in `unit`; `whole` over all layers.

    `kernels` and `target` say where they were measured, `networks` on what. `whole` is what an inference takes over the
    sum of its layers, as a factor.
    """

    target: str
    kernels: str
    unit: str
    networks: tuple[str, ...]
    by_kind: Mapping[str, tuple[float, ...]]
    whole: float


def work_of(graph: Graph, by_rows: Collection[int], computed: Iterable[Computed]) -> list[Work]:
    """Return what each operator of an int8 graph has to do, in order; `by_rows` are those that run row by row.

    `computed` has the pixels of those convolutions that compute some again.
    """
    again = {one.operator: one for one in computed}
    return [
        _work(graph, operator, operator.index in by_rows, again.get(operator.index)) for operator in graph.operators
    ]


def _work(graph: Graph, operator: Operator, by_rows: bool, computed: Computed | None) -> Work:
    source, target = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    pixels = target.size // target.shape[-1]
    ending = BY_ROWS if by_rows else ""
    if operator.name not in FILTERS:
        other = graph.tensors[operator.inputs[-1]]
        is_gate = len(operator.inputs) > 1 and other.size < source.size and other.data is None
        kind = f"{operator.name} by channel" if is_gate else operator.name
        return Work(kind + ending, (0, 0, target.size, pixels, source.size))
    kernel = graph.tensors[operator.inputs[1]]
    sides = kernel.shape[1:3] if len(kernel.shape) == 4 else ()
    kind = " ".join([operator.name, "x".join(map(str, sides))]).strip()
    if operator.name == "CONV_2D" and pixels == 1:
        kind += " of one pixel"
    each = graph.macs(operator) // pixels
    width = target.shape[2] if by_rows else pixels
    done = computed or Computed(operator.index, pixels, pixels // width * -(-width // PIXELS) * PIXELS)
    outputs = done.pixels * target.shape[-1]
    return Work(kind + ending, (done.pixels * each, done.rounded * each, outputs, done.pixels, source.size))


def fit(rows: Iterable[tuple[Work, float]]) -> dict[str, tuple[float, ...]]:
    """Return for each kind the costs of the amounts that explain measured layers with the least relative error.

    No cost is negative: amounts that would get one are left out.
    """
    by_kind: dict[str, list[tuple[Work, float]]] = {}
    for work, amount in rows:
        if amount > 0:
            by_kind.setdefault(work.kind, []).append((work, amount))
    return {kind: _least_squares(measured) for kind, measured in by_kind.items()}


def _least_squares(measured: Sequence[tuple[Work, float]]) -> tuple[float, ...]:
    values = np.array([work.amounts for work, _ in measured], np.float64)
    totals = np.array([amount for _, amount in measured], np.float64)
    # Layers count by how much they take: a small one may be wrong by more percent.
    weights = 1 / np.sqrt(totals)
    chosen = [i for i in range(values.shape[1]) if values[:, i].any()]
    while True:
        solved = np.linalg.lstsq(values[:, chosen] * weights[:, None], totals * weights, rcond=None)[0]
        if solved.min() >= 0 or len(chosen) == 1:
            break
        chosen.pop(int(np.argmin(solved)))
    costs = np.zeros(values.shape[1])
    costs[chosen] = np.maximum(solved, 0)
    return tuple(float(cost) for cost in costs)


def _other(kind: str) -> str:
    """Return the kind that runs the other way, row by row or whole."""
    return kind.removesuffix(BY_ROWS) if kind.endswith(BY_ROWS) else kind + BY_ROWS


def predict(work: Iterable[Work], costs: Costs) -> float | None:
    """Return what a network takes in the unit of the costs, None if it has a kind of layer that was not measured."""
    total = 0.0
    for one in work:
        each = costs.by_kind.get(one.kind) or costs.by_kind.get(_other(one.kind))
        if each is None:
            return None
        total += sum(cost * amount for cost, amount in zip(each, one.amounts, strict=True))
    return total * costs.whole
