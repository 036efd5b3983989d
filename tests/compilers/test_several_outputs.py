"""Operators with several outputs, and a network that takes tensors apart and puts them together again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compilers.aot.checker import check
from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.planner import plan
from errors import CompileError
from graph.builder import Builder
from graph.reader import parse
from tests.compilers import host_build
from tests.compilers.reference import Reference


def _network() -> bytes:
    """Return a network of one scale: SPLIT, TRANSPOSE and LOGISTIC on a part each, SUB, UNPACK, PACK, STRIDED_SLICE."""
    b = Builder()

    def tensor(*shape: int) -> int:
        return b.tensor(shape, scale=1 / 256, zero_point=-128)

    def integers(*values: int) -> int:
        return b.tensor((len(values),), "int32", data=values)

    x, left, right = tensor(1, 6, 6, 8), tensor(1, 6, 6, 4), tensor(1, 6, 6, 4)
    b.operator("SPLIT", [b.tensor((), "int32", data=3), x], [left, right], {"NumSplits": 2}, "SplitOptions")
    turned, curved, difference = tensor(1, 6, 6, 4), tensor(1, 6, 6, 4), tensor(1, 6, 6, 4)
    b.operator("TRANSPOSE", [left, integers(0, 2, 1, 3)], [turned])
    b.operator("LOGISTIC", [right], [curved])
    b.operator("SUB", [turned, curved], [difference], {}, "SubOptions")
    rows = [tensor(1, 6, 4) for _ in range(6)]
    b.operator("UNPACK", [difference], rows, {"Axis": 1, "Num": 6}, "UnpackOptions")
    packed, flat, part = tensor(1, 6, 3, 4), tensor(1, 18, 4), tensor(1, 9, 4)
    b.operator("PACK", [rows[4], rows[0], rows[3]], [packed], {"Axis": 2, "ValuesCount": 3}, "PackOptions")
    b.operator("RESHAPE", [packed, integers(1, 18, 4)], [flat], {}, "ReshapeOptions")
    slices = [integers(0, 17, 0), integers(1, 0, 4), integers(1, -2, 1)]
    b.operator("STRIDED_SLICE", [flat, *slices], [part], {"EndMask": 2}, "StridedSliceOptions")
    return b.finish([x], [part, rows[5]])


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_the_generated_c_equals_the_reference(kernels: str, tmp_path: Path) -> None:
    model = _network()
    engine, reference = host_build.HostEngine(model, tmp_path, kernels=kernels), Reference(model)
    rng = np.random.default_rng(0)
    distinct = set()
    for _ in range(20):
        x = rng.integers(-128, 128, (1, 6, 6, 8)).astype(np.int8)
        for ours, theirs in zip(engine.run(x), reference.run(x), strict=True):
            np.testing.assert_array_equal(ours.reshape(-1), theirs.reshape(-1))
            distinct.add(ours.tobytes())
    assert len(distinct) > 20


@pytest.mark.parametrize("position", [1, 2, 5])
def test_outputs_of_one_operator_that_lie_over_each_other_are_found(position: int) -> None:
    graph = parse(_network(), "network")
    lowered = lower(graph)
    layout = plan(graph, lowered)
    steps = [s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(lowered)]
    check(graph, steps, layout)
    outputs = next(step for step in steps if step.name == "UNPACK").outputs
    first, moved = (layout.tensors[outputs[i]] for i in (0, position))
    tensors = layout.tensors | {outputs[position]: replace(moved, offset=first.offset + 16)}
    with pytest.raises(CompileError, match="wrong bytes in its output|overwritten|before reading it"):
        check(graph, steps, replace(layout, tensors=tensors))
