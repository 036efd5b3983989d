"""Blocks that run row by row: random chains of layers, cut and fused in each way, equal LiteRT's bytes.

The chains are run by kernels called one by one in the order of the block's program, between guards, and as generated C.
"""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from compilers.aot import compile_graph
from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.planner import plan
from compilers.aot.rows import block
from compilers.aot.segment import cuts
from compilers.aot.stages import flows_into, stages
from compilers.aot.steps import Step
from errors import CompileError
from graph.builder import Builder
from graph.reader import parse
from graph.types import Graph
from tests.compilers.chains import NOT_SHRUNK, SCALE, chains
from tests.compilers.equality import pictures as pictures_of
from tests.compilers.host_build import HostEngine, StreamedEngine
from tests.compilers.kernel_runner import Runner
from tests.compilers.networks import tflite_of
from tests.compilers.reference import Reference
from tests.kernels import core_runner
from tests.kernels.cases import Case
from tests.kernels.core_runner import CoreRunner, kernels_of


def some_cut(graph: Graph, steps: tuple[Step, ...], data: st.DataObject) -> tuple[Step, ...]:
    """Draw blocks: any run of operators that can be one."""
    readers = {t: sum(t in s.inputs for s in steps) for s in steps for t in s.inputs}
    found: list[Step] = []
    i = 0
    while i < len(steps):
        j = i + 1
        while j < len(steps) and flows_into(graph, steps[j - 1], steps[j], readers):
            j += 1
        end = data.draw(st.integers(i + 1, j))
        while end > i + 1 and stages(graph, steps[i:end]) is None:
            end -= 1
        found.append(steps[i] if end == i + 1 else block(graph, steps[i:end]))
        i = end
    return tuple(found)


def compare(case: Case, steps: tuple[Step, ...], graph: Graph, kernels: str) -> None:
    runner, reference = Runner(graph, steps, plan(graph, steps), kernels), Reference(case.model)
    for inputs in case.runs:
        for ours, theirs in zip(runner.run(*inputs), reference.run(*inputs), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kernels", KERNEL_SETS)
@hypothesis.settings(max_examples=80, suppress_health_check=NOT_SHRUNK)
@hypothesis.given(case=chains(), data=st.data())
def test_any_blocks_equal_the_reference(kernels: str, case: Case, data: st.DataObject) -> None:
    graph = parse(case.model, "case")
    steps = lower(graph, kernels)
    chosen = some_cut(graph, steps, data)
    hypothesis.event("blocks" if any(s.parts for s in chosen) else "no blocks")
    compare(case, chosen, graph, kernels)


@pytest.mark.parametrize("kernels", KERNEL_SETS)
@hypothesis.settings(max_examples=40, suppress_health_check=NOT_SHRUNK)
@hypothesis.given(case=chains())
def test_cuts_that_are_found_equal_the_reference(kernels: str, case: Case) -> None:
    graph = parse(case.model, "case")
    for chosen in cuts(graph, lower(graph, kernels)):
        compare(case, chosen, graph, kernels)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", KERNEL_SETS)
@hypothesis.settings(max_examples=60, suppress_health_check=NOT_SHRUNK)
@hypothesis.given(case=chains())
def test_an_input_taken_row_by_row_equals_the_reference(kernels: str, case: Case) -> None:
    """The test itself puts the rows where the program expects them."""
    graph = parse(case.model, "case")
    try:
        found = cuts(graph, lower(graph, kernels), streamed=True)
    except CompileError as e:
        hypothesis.assume("can't be taken row by row" not in str(e))
        raise
    for chosen in found:
        layout = plan(graph, chosen)
        assert graph.inputs[0] not in layout.tensors
        compare(case, chosen, graph, kernels)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", KERNEL_SETS)
@pytest.mark.parametrize("preset", ["v1_025", "v2_035", "v3sm_075", "v3s_075"])
def test_streamed_networks_equal_the_reference(preset: str, kernels: str, tmp_path: Path) -> None:
    """The generated C, its input in pieces of all lengths, two pictures, the first begun twice."""
    model = tflite_of(preset)
    engine = StreamedEngine(model, tmp_path, kernels)
    assert engine.plan.arena_bytes < 30_000
    reference, draw = Reference(model), np.random.default_rng(5)
    for n, (picture, _) in enumerate(pictures_of(2, engine.plan.inputs[0].shape)):
        data = picture.tobytes()
        if n == 0:
            engine.begin()
            engine.take(data[:5000])
        engine.begin()
        at = 0
        while at < len(data):
            count = int(draw.integers(1, 1500))
            engine.take(data[at : at + count])
            at += count
        np.testing.assert_array_equal(engine.finish(), reference.run(picture)[0].reshape(-1))


@pytest.mark.skipif(core_runner.missing() is not None, reason=f"install {core_runner.missing()}")
@pytest.mark.parametrize("core", core_runner.CORES)
def test_blocks_equal_the_reference_on_the_set_s_core(core: str) -> None:
    batch = []

    @hypothesis.settings(max_examples=25, suppress_health_check=NOT_SHRUNK, database=None)
    @hypothesis.given(case=chains(), data=st.data())
    def collect(case: Case, data: st.DataObject) -> None:
        graph = parse(case.model, "case")
        chosen = some_cut(graph, lower(graph, kernels_of(core)), data)
        runner = CoreRunner(graph, chosen, plan(graph, chosen), core)
        batch.append((runner, *runner.request(*case.runs[0]), Reference(case.model).run(*case.runs[0])))

    collect()
    received = core_runner.core(core).run([(memory, calls) for _, memory, calls, _ in batch])
    for (runner, memory, _, expected), reply in zip(batch, received, strict=True):
        for ours, theirs in zip(runner.outputs(memory, reply), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_generated_loops_equal_the_reference(kernels: str, tmp_path: Path) -> None:
    """The C has loops where the tests above have their calls one by one."""
    cases: list[Case] = []

    # Most small chains have their peak elsewhere: a few of those, and all that become blocks.
    @hypothesis.settings(max_examples=80, suppress_health_check=NOT_SHRUNK, database=None, derandomize=True)
    @hypothesis.given(case=chains())
    def collect(case: Case) -> None:
        plan_of_case, _ = compile_graph(parse(case.model, "case"), kernels)
        if len(cases) < 3 or (len(cases) < 10 and any(o.block is not None for o in plan_of_case.operators)):
            cases.append(case)

    collect()
    looped = 0
    for i, case in enumerate(cases):
        engine = HostEngine(case.model, tmp_path / str(i), kernels=kernels)
        looped += any(o.block is not None for o in engine.plan.operators)
        reference = Reference(case.model)
        for inputs in case.runs:
            for ours, theirs in zip(engine.run(*inputs), reference.run(*inputs), strict=True):
                np.testing.assert_array_equal(ours, theirs)
    assert looped


def plain_network() -> bytes:
    """Return convolutions and pooling as first tutorials have them: no depthwise layer, no SAME."""
    b, rng = Builder(), np.random.default_rng(7)

    def conv(source: int, side: int, stride: int, channels: int) -> int:
        _, height, width, depth = b.tensors[source].shape
        shape = (channels, side, side, depth)
        kernel = b.tensor(shape, scale=0.003, data=rng.integers(-127, 128, shape))
        bias = b.tensor((channels,), "int32", scale=0.0005, data=rng.integers(-2000, 2000, channels))
        h, w = (height - side) // stride + 1, (width - side) // stride + 1
        y = b.tensor((1, h, w, channels), scale=SCALE, zero_point=-128)
        options = {"Padding": 1, "StrideH": stride, "StrideW": stride, "FusedActivationFunction": 1}
        b.operator("CONV_2D", [source, kernel, bias], [y], options, "Conv2DOptions")
        return y

    def pool(source: int, side: int, stride: int) -> int:
        _, height, width, channels = b.tensors[source].shape
        h, w = (height - side) // stride + 1, (width - side) // stride + 1
        y = b.tensor((1, h, w, channels), scale=SCALE, zero_point=-128)
        options = {"Padding": 1, "StrideH": stride, "StrideW": stride, "FilterHeight": side, "FilterWidth": side}
        b.operator("MAX_POOL_2D", [source], [y], options, "Pool2DOptions")
        return y

    x = b.tensor((1, 45, 37, 3), scale=SCALE, zero_point=-3)
    y = pool(conv(pool(conv(x, 3, 1, 16), 2, 2), 3, 1, 8), 3, 2)
    return b.finish([x], [conv(y, 2, 3, 4)])


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_windows_in_a_block_equal_the_reference(kernels: str, tmp_path: Path) -> None:
    """Generated C: the first layer's output alone is of 24,080 bytes, the picture of 4,995."""
    model = plain_network()
    engine, reference = HostEngine(model, tmp_path, kernels=kernels), Reference(model)
    assert engine.plan.arena_bytes <= 7_440
    path = tmp_path / "plain.tflite"
    path.write_bytes(model)
    streamed = StreamedEngine(path, tmp_path / "streamed", kernels)
    assert streamed.plan.arena_bytes <= 4_568
    rng, distinct = np.random.default_rng(3), set()
    for _ in range(10):
        picture = rng.integers(-128, 128, (1, 45, 37, 3)).astype(np.int8)
        expected = reference.run(picture)[0]
        np.testing.assert_array_equal(engine.run(picture)[0], expected)
        streamed.begin()
        for at in range(0, picture.size, 77):
            streamed.take(picture.tobytes()[at : at + 77])
        np.testing.assert_array_equal(streamed.finish(), expected.reshape(-1))
        distinct.add(expected.tobytes())
    assert len(distinct) == 10
