"""Layers of all shapes in one network, what they cost per MAC, and which are cliffs."""

from __future__ import annotations

import pytest

from benchmarks import shape_costs, shapes
from benchmarks.shape_costs import Costs
from benchmarks.shapes import Shape
from compilers import aot
from compilers.aot.lower import lower
from errors import ConfigError
from graph.writer import write


def test_each_shape_is_an_operator_of_a_network_that_compiles() -> None:
    layers = (*shapes.SHAPES[:6], *shapes.SHAPES[-6:], *shapes.random_shapes(12, seed=1))
    graph = shapes.network(layers)
    assert len(graph.operators) == len(layers)
    assert write(shapes.network(layers)) == write(graph)
    outline = aot.outline(graph, "dsp", "size", stream_input=False)
    assert outline.arena_bytes > 0 < outline.weights_bytes
    assert outline.by_rows == ()  # no layer is behind another


def test_multiply_accumulates_are_those_of_the_compiler() -> None:
    layers = shapes.SHAPES
    graph = shapes.network(layers)
    assert [graph.macs(one) for one in graph.operators] == [step.macs for step in lower(graph, "portable")]
    assert shape_costs.units(layers)[0] == 16 * 16 * 1 * 4


def test_the_table_marks_where_the_other_engine_is_ahead() -> None:
    layers = (Shape("conv", 2, 3, 4), Shape("depthwise", 4, 8, 16, 3, 1, 2))
    costs = [Costs("cortex-m4", (96, 4608), (48, 9216)), Costs("cortex-m85", (48, 2304), None)]
    assert "- cortex-m4, 1 of 2: conv 1x1, 2x2, 3 to 4 (2.00)." in shape_costs.page(layers, costs)
    assert shape_costs.table(layers, costs).splitlines()[2:] == [
        "| conv 1x1, 2x2, 3 to 4 | 48 | **2.00 / 1.00** | 1.00 |",
        "| depthwise 3x3 dilated 2, 4x4, 8 to 16 | 2,304 | 2.00 / 4.00 | 1.00 |",
    ]


def test_what_is_not_measured_stays_as_the_page_has_it() -> None:
    layers = (Shape("conv", 2, 3, 4), Shape("depthwise", 4, 8, 16, 3, 1, 2))
    before = [Costs("cortex-m4", (96, 4608), (48, 9216)), Costs("cortex-m7", (100, 2400), (144, 2500))]
    page = shape_costs.page(layers, before)
    assert shape_costs.page(layers, shape_costs.kept(page, layers, [])) == page
    found = shape_costs.kept(page, layers, [Costs("cortex-m4", (24, 2304), None), Costs("cortex-m85", (1, 2), None)])
    assert found[0] == Costs("cortex-m4", (24, 2304), (48, 9216))
    assert [one.core for one in found] == ["cortex-m4", "cortex-m7", "cortex-m85"]
    with pytest.raises(ConfigError, match="--out: the page has other layers"):
        shape_costs.kept(page, layers[:1], [])


def test_cliffs_are_over_three_times_the_median_of_their_kind() -> None:
    layers = [Shape("conv", 2, 4, 4, 3)] * 4 + [Shape("conv", 2, 4, 4)]
    each = [graph.macs(one) for graph in [shapes.network(layers)] for one in graph.operators]
    costs = Costs("cortex-m4", (each[0], each[1] * 2, each[2] * 2, each[3] * 9, each[4] * 100), None)
    assert shape_costs.cliffs(layers, costs) == [
        "- cortex-m4: conv 3x3, 2x2, 4 to 4: 9.00 cycles, 4.5 times the median 2.00 of conv"
    ]
