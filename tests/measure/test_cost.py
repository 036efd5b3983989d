"""Costs of layers are found from measured ones, and predict others."""

from __future__ import annotations

import numpy as np
import pytest

from compilers.aot.result import Computed
from measure import cost
from measure.cost import Costs, Work
from models import presets, random_int8
from models.presets import Preset


def works(name: str, by_rows: tuple[int, ...] = ()) -> list[Work]:
    return cost.work_of(random_int8.graph_of(presets.parse(name, 10), has_weights=False), by_rows, ())


def test_macs_are_those_of_the_table() -> None:
    for name in ("v1_025_64", "v2_035_96", "v3s_075_64"):
        total = sum(work.amounts[0] for work in works(name))
        assert total == presets.parse(name, 10).network().macs


def test_pixels_of_a_call_are_rounded_up_where_rows_are_calls() -> None:
    whole, by_rows = works("v1_025_96")[26], works("v1_025_96", (26,))[26]
    assert (whole.kind, by_rows.kind) == ("CONV_2D 1x1", "CONV_2D 1x1 by rows")
    macs = whole.amounts[0]
    assert whole.amounts[1] == pytest.approx(macs * 12 / 9)  # 3x3 pixels: 9 in one call
    assert by_rows.amounts[1] == pytest.approx(macs * 12 / 9)  # or three calls of 3


def test_what_is_computed_again_counts() -> None:
    graph = random_int8.graph_of(presets.parse("v1_025_96", 10), has_weights=False)
    once, again = (cost.work_of(graph, (26,), computed)[26].amounts for computed in ((), [Computed(26, 18, 24)]))
    assert again == pytest.approx((2 * once[0], 2 * once[1], 2 * once[2], 18, once[4]))


def test_costs_that_layers_have_are_found_and_predict_another_network() -> None:
    true = {"CONV_2D 1x1": np.array([0.5, 0.3, 9, 40, 1]), "DEPTHWISE_CONV_2D 3x3": np.array([3.0, 0, 0.5, 6, 0.3])}
    other = np.array([1.5, 0, 8, 3, 2])

    def amount(work: Work) -> float:
        return float(true.get(work.kind, other) @ np.array(work.amounts))

    rows = [(work, amount(work)) for name in ("v1_025_64", "v1_050_96", "v1_025_96") for work in works(name)]
    costs = Costs("", "", "instructions", (), cost.fit(rows), 1.0)
    predicted = cost.predict(works("v1_075"), costs)
    assert predicted == pytest.approx(sum(amount(work) for work in works("v1_075")), rel=0.01)
    assert all(each >= 0 for one in costs.by_kind.values() for each in one)


def test_what_was_not_measured_is_not_predicted() -> None:
    costs = Costs("", "", "us", (), cost.fit((work, 1.0) for work in works("v1_025_64")), 1.0)
    assert cost.predict(works("v1_025_96"), costs) is not None
    assert cost.predict(works("v3s_075_64"), costs) is None


@pytest.mark.parametrize("preset", [presets.parse("v3s_075_64", 10), presets.parse("v1s_025_32", 5, 1)])
def test_the_same_preset_gives_the_same_graph(preset: Preset) -> None:
    from graph.writer import write

    assert write(random_int8.graph_of(preset)) == write(random_int8.graph_of(preset))
