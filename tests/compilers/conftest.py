"""What the tests of the compiler share: a network is planned once per kernel set and form, as it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compilers import aot
from compilers.aot.planner import Layout
from compilers.aot.steps import Step
from graph.types import Graph

Planned = tuple[tuple[Step, ...], Layout]


@pytest.fixture(scope="session", autouse=True)
def _plan_once() -> Iterator[None]:
    """Remember plans by the bytes of the file. What is proved of a plan is proved of all networks with these bytes."""
    plans: dict[tuple[str, str, str, bool], Planned] = {}
    planned = aot.planned

    def remembered(graph: Graph, kernels: str, optimize: str, stream_input: bool) -> Planned:
        key = (graph.sha256, kernels, optimize, stream_input)
        if not graph.sha256:
            return planned(graph, kernels, optimize, stream_input)
        if key not in plans:
            plans[key] = planned(graph, kernels, optimize, stream_input)
        return plans[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aot, "planned", remembered)
        yield
