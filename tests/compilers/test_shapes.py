"""What the converter leaves of an open batch: a shape that is computed, though it is known."""

from __future__ import annotations

import numpy as np
import pytest

from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.planner import plan
from errors import CompileError
from graph.builder import Builder
from graph.reader import parse
from tests.compilers.kernel_runner import Runner
from tests.compilers.reference import Reference


def flatten(outputs_shape: bool = False) -> bytes:
    """Return Keras' Flatten: SHAPE, STRIDED_SLICE, PACK and RESHAPE, then RELU."""
    b = Builder()
    x = b.tensor((1, 2, 3, 4), scale=0.5, zero_point=3)
    shape = b.tensor((4,), "int32")
    b.operator("SHAPE", [x], [shape], {"OutType": 2}, "ShapeOptions", version=1)
    batch = b.tensor((), "int32")
    ends = [b.tensor((1,), "int32", data=[value]) for value in (0, 1, 1)]
    options = {"ShrinkAxisMask": 1}
    b.operator("STRIDED_SLICE", [shape, *ends], [batch], options, "StridedSliceOptions", version=1)
    packed = b.tensor((2,), "int32")
    b.operator(
        "PACK", [batch, b.tensor((), "int32", data=[24])], [packed], {"ValuesCount": 2}, "PackOptions", version=1
    )
    flat = b.tensor((1, 24), scale=0.5, zero_point=3)
    b.operator("RESHAPE", [x, packed], [flat], {}, "ReshapeOptions")
    y = b.tensor((1, 24), scale=0.5, zero_point=3)
    b.operator("RELU", [flat], [y])
    return b.finish([x], [y, shape] if outputs_shape else [y])


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_a_computed_shape_takes_no_step(kernels: str) -> None:
    model = flatten()
    graph, values = parse(model, "case"), np.random.default_rng(1).integers(-128, 128, (1, 2, 3, 4)).astype(np.int8)
    steps = lower(graph, kernels)
    assert [step.name for step in steps] == ["RESHAPE", "RELU"]
    ours = Runner(graph, steps, plan(graph, steps), kernels).run(values)[0]
    np.testing.assert_array_equal(ours, Reference(model).run(values)[0])


def test_a_shape_that_is_an_output_is_refused() -> None:
    with pytest.raises(CompileError, match="SHAPE"):
        lower(parse(flatten(outputs_shape=True), "case"))
