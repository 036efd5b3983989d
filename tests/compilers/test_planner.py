"""Layouts, and the checker that must refuse each way to break one."""

from __future__ import annotations

import functools
import random
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies as st

from compilers.aot.checker import check
from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.planner import ALIGNMENT, Layout, plan
from compilers.aot.steps import Step
from errors import CompileError
from graph.reader import parse, read
from graph.types import Graph
from tests.compilers.networks import tflite_of
from tests.compilers.test_compile import small_network
from tests.kernels.operator_models import OPERATORS, TYPICAL


def planned(data: bytes) -> tuple[Graph, list[Step], Layout]:
    """Return a network with its steps and layout."""
    graph = parse(data, "network")
    lowered = lower(graph)
    layout = plan(graph, lowered)
    return graph, [s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(lowered)], layout


def moved(layout: Layout, tensor: int, offset: int) -> Layout:
    """Return the layout with one tensor elsewhere."""
    return replace(layout, tensors=layout.tensors | {tensor: replace(layout.tensors[tensor], offset=offset)})


def test_good_plan_passes_and_is_aligned() -> None:
    graph, steps, layout = planned(small_network())
    check(graph, steps, layout)
    assert all(p.offset % ALIGNMENT == 0 for p in (*layout.tensors.values(), *layout.scratch.values()))


def test_same_network_same_layout() -> None:
    assert planned(small_network())[2] == planned(small_network())[2]


def test_tensor_outside_the_arena() -> None:
    graph, steps, layout = planned(small_network())
    for offset in (-16, layout.arena_bytes, layout.arena_bytes - 1):
        with pytest.raises(CompileError, match="no place in the arena"):
            check(graph, steps, moved(layout, steps[0].output, offset))


def test_scratch_missing_small_or_over_input_or_output() -> None:
    graph, steps, layout = planned(small_network())
    place = layout.scratch[0]
    with pytest.raises(CompileError, match="scratch of 108 bytes has no place"):
        check(graph, steps, replace(layout, scratch={}))
    with pytest.raises(CompileError, match="scratch of 108 bytes has no place"):
        check(graph, steps, replace(layout, scratch={0: replace(place, size=107)}))
    larger = replace(layout, arena_bytes=layout.arena_bytes + place.size)
    for other in (graph.inputs[0], steps[0].output):
        at = replace(place, offset=layout.tensors[other].offset)
        with pytest.raises(CompileError, match="its scratch overlaps"):
            check(graph, steps, replace(larger, scratch={0: at}))


@functools.cache
def residual() -> tuple[Graph, list[Step], Layout]:
    """Return V2, in which block inputs must outlive the block."""
    graph = read(tflite_of("v2_035"))
    lowered = lower(graph)
    layout = plan(graph, lowered)
    return graph, [s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(lowered)], layout


def test_output_over_what_is_needed_later() -> None:
    graph, steps, layout = residual()
    last_read = {t: i for i, step in enumerate(steps) for t in step.inputs}
    i, kept = next(
        (i, t) for i, step in enumerate(steps) for t in step.inputs if last_read[t] > i and steps[i].name == "CONV_2D"
    )
    with pytest.raises(CompileError, match=r"overlaps|was overwritten|before reading"):
        check(graph, steps, moved(layout, steps[i].output, layout.tensors[kept].offset))


def test_overlap_one_step_too_far() -> None:
    graph, steps, layout = residual()
    for i, source in layout.overlapped.items():
        if steps[i].overlap[source] == 0:
            continue
        limit = layout.tensors[source].offset + steps[i].overlap[source]
        grown = replace(layout, arena_bytes=layout.arena_bytes + 4096)
        with pytest.raises(CompileError, match=r"before reading it|overlaps|overwritten"):
            check(graph, steps, moved(grown, steps[i].output, limit + 512))


def test_reshape_that_nobody_carries_out() -> None:
    graph, steps, layout = planned(next_reshape())
    output = steps[0].output
    with pytest.raises(CompileError, match=r"nothing moves its bytes|no place"):
        check(graph, steps, moved(replace(layout, arena_bytes=4096), output, 1024))


def next_reshape() -> bytes:
    """Return a network of one RESHAPE."""
    return hypothesis.find(OPERATORS["RESHAPE"], lambda case: True, settings=hypothesis.settings(database=None)).model


@pytest.mark.slow
def test_random_moves_are_refused_or_harmless() -> None:
    """Move single tensors of V2 at random: whatever the checker lets pass must keep all live tensors apart."""
    graph, steps, layout = residual()
    draw = random.Random(3)
    passed = 0
    for _ in range(60):
        tensor = draw.choice([t for t, place in layout.tensors.items() if place.size > 16_000])
        other = moved(layout, tensor, draw.randrange(0, layout.arena_bytes, ALIGNMENT))
        try:
            check(graph, steps, other)
        except CompileError:
            continue
        passed += 1
        assert not clashes(other, steps), tensor
    assert passed < 40


def clashes(layout: Layout, steps: list[Step]) -> list[tuple[int, int]]:
    """Return tensors alive together, other than an output and the input that dies for it, that share bytes."""
    places = list(layout.tensors.values())
    found = []
    for a in places:
        for b in places:
            together = a.first < b.first <= a.last
            hands_over = a.last == b.first and a.tensor in steps[b.first].inputs
            if together and not hands_over and a.offset < b.offset + b.size and b.offset < a.offset + a.size:
                found.append((a.tensor or 0, b.tensor or 0))
    return found


@pytest.mark.parametrize("kernels", KERNEL_SETS)
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@hypothesis.settings(max_examples=100)
@hypothesis.given(data=st.data())
def test_allowed_overlap_is_the_limit_that_the_checker_finds(name: str, kernels: str, data: st.DataObject) -> None:
    """The planner's formula and the checker's replay were written apart: neither may be bolder than the other."""
    case = data.draw(OPERATORS[name] if kernels == "portable" else TYPICAL[name])
    graph = parse(case.model, "case")
    try:
        (step,) = lower(graph, kernels)
    except CompileError:
        hypothesis.assume(False)
    hypothesis.assume(step.overlap)
    source, base = step.inputs[0], 1 << 15
    sizes = {t: graph.tensors[t].bytes for t in (source, step.output)}
    layout = plan(graph, [step])
    places = {t: replace(layout.tensors[t], offset=base) for t in sizes}
    scratch = {0: replace(layout.tensors[source], tensor=None, offset=0, size=step.scratch)}

    def accepted(offset: int) -> bool:
        tensors = places | {step.output: replace(places[step.output], offset=base + offset)}
        try:
            check(graph, [step], Layout(1 << 17, tensors, scratch, {0: source}))
        except CompileError:
            return False
        return True

    limit = step.overlap[source]
    assert accepted(limit)
    assert accepted(limit - 1)
    if limit < 0:
        assert not accepted(limit + 1)
