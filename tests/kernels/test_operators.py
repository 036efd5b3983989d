"""Each operator against LiteRT's reference kernels, byte for byte, with the sanitizer for undefined behaviour on."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from compilers.aot.importer import parse
from compilers.aot.lower import lower
from compilers.aot.operators import SUPPORTED
from compilers.aot.planner import _Search, plan
from errors import CompileError
from tests.compilers.kernel_runner import Runner
from tests.compilers.reference import Reference
from tests.kernels.operator_models import OPERATORS, Case

# Scales that LiteRT refuses or aborts on; all else must be compiled.
REFUSED = (
    "its scale",
    "its output scale",
    "softmax needs",
    "not supported in too many",
    "leave nothing",
    "is not that of",
    "out of int32",
    "no integer multiplier",
)


def compare(case: Case) -> None:
    """Run a case in the planned layout, with all apart, and with each output over its input where it may lie."""
    graph = parse(case.model, "case")
    try:
        steps = lower(graph)
    except CompileError as e:
        hypothesis.assume(not any(reason in str(e) for reason in REFUSED))
        raise
    search = _Search(graph, steps)
    layouts = [plan(graph, steps), search.layout({i for i, s in enumerate(steps) if not s.calls})]
    layouts.append(search.layout(range(len(steps))))
    runners = [Runner(graph, steps, layout) for layout in layouts]
    reference = Reference(case.model)
    for inputs in case.runs:
        expected = reference.run(*inputs)
        for runner in runners:
            for ours, theirs in zip(runner.run(*inputs), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_all_operators_are_tried() -> None:
    assert set(OPERATORS) == set(SUPPORTED)


@pytest.mark.parametrize("name", OPERATORS)
@hypothesis.settings(max_examples=150, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(data=st.data())
def test_equals_the_reference(name: str, data: st.DataObject) -> None:
    compare(data.draw(OPERATORS[name], label=name))
