"""The checker refuses a block's program in which one call, loop or offset is wrong."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from compilers.aot.checker import check
from compilers.aot.kernel import WindowRow
from compilers.aot.lower import lower
from compilers.aot.operands import At, Linear, Row, Scratch
from compilers.aot.planner import Layout, plan
from compilers.aot.segment import cuts
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Item, Loop, Step, Switch
from errors import CompileError
from graph.reader import read
from graph.types import Graph
from tests.compilers.networks import tflite_of


def broken(items: tuple[Item, ...], change: object) -> tuple[Item, ...]:
    """Return a program with `change` made to each call, loop and switch."""
    found: list[Item] = []
    for item in items:
        new = change(item)  # type: ignore[operator]
        match new:
            case Loop():
                new = replace(new, body=broken(new.body, change))
            case Switch():
                new = replace(new, cases=tuple((limit, broken(body, change)) for limit, body in new.cases))
        found.append(new)
    return tuple(found)


def _later(item: Item) -> Item:
    return (
        replace(item, until=item.until.plus(-1)) if isinstance(item, Loop) and isinstance(item.until, Linear) else item
    )


def _no_fill(item: Item) -> Item:
    if isinstance(item, Call) and item.kernel is portable.FILL:
        return replace(item, arguments=(item.arguments[0], 5, item.arguments[2]))
    return item


def _smaller_ring(item: Item) -> Item:
    if not isinstance(item, Call):
        return item
    return replace(
        item, arguments=tuple(replace(a, modulus=2) if isinstance(a, Row) and a.modulus else a for a in item.arguments)
    )


def _shifted(item: Item) -> Item:
    if not isinstance(item, Call) or item.kernel is not portable.DEPTHWISE_ROW:
        return item
    moved = (replace(a, offset=a.offset + 16) if isinstance(a, Scratch) else a for a in item.arguments)
    return replace(item, arguments=tuple(moved))


def _next_row(item: Item) -> Item:
    if not isinstance(item, Call) or not isinstance(item.kernel.row, WindowRow):
        return item
    first = item.arguments[1]
    if isinstance(first, Row) and isinstance(first.base, At):
        return replace(item, arguments=(item.arguments[0], replace(first, row=first.row.plus(1)), *item.arguments[2:]))
    return item


@pytest.mark.parametrize("change", [_later, _no_fill, _smaller_ring, _shifted, _next_row])
def test_checker_refuses_a_wrong_program(change: object) -> None:
    graph, steps, layout = _blocks_of_v2()
    for i, step in enumerate(steps):
        if step.parts:
            wrong = replace(step, rows=broken(step.rows, change))
            if wrong.rows != step.rows:
                with pytest.raises(CompileError, match=r"wrong bytes|outside|before reading|overwritten"):
                    check(graph, [*steps[:i], wrong, *steps[i + 1 :]], layout)


def test_checker_refuses_an_output_that_runs_into_its_input() -> None:
    graph, steps, layout = _blocks_of_v2()
    grown = replace(layout, arena_bytes=layout.arena_bytes + 2048)
    for i, source in layout.overlapped.items():
        if steps[i].parts:
            place = layout.tensors[steps[i].output]
            limit = layout.tensors[source].offset + steps[i].overlap[source]
            moved = grown.tensors | {steps[i].output: replace(place, offset=limit + 1024)}
            with pytest.raises(CompileError):
                check(graph, steps, replace(grown, tensors=moved))


@functools.cache
def _blocks_of_v2() -> tuple[Graph, list[Step], Layout]:
    graph = read(tflite_of("v2_035"))
    chosen = cuts(graph, lower(graph))[1]
    layout = plan(graph, chosen)
    steps = [s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(chosen)]
    check(graph, steps, layout)
    return graph, steps, layout
