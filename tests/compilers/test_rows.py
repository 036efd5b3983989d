"""Blocks that run row by row: random chains of layers, cut and fused in each way, equal LiteRT's bytes.

The chains are run by kernels called one by one in the order of the block's program, between guards, and as generated C.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from compilers.aot import compile_graph
from compilers.aot.checker import check
from compilers.aot.kernel import WindowRow
from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.operands import At, Linear, Row, Scratch
from compilers.aot.planner import Layout, plan
from compilers.aot.rows import block
from compilers.aot.segment import cuts
from compilers.aot.sets import portable
from compilers.aot.stages import flows_into, stages
from compilers.aot.steps import Call, Item, Loop, Step, Switch
from errors import CompileError
from graph.builder import Builder
from graph.reader import parse, read
from graph.types import Graph
from tests.compilers.equality import pictures as pictures_of
from tests.compilers.host_build import HostEngine, StreamedEngine
from tests.compilers.kernel_runner import Runner
from tests.compilers.networks import tflite_of
from tests.compilers.reference import Reference
from tests.kernels import core_runner
from tests.kernels.cases import Case, pictures, seeds, weights, zero_points
from tests.kernels.core_runner import CoreRunner, kernels_of

SCALE = 0.05
NOT_SHRUNK = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]


@dataclass
class _Chain:
    """A network under construction: the tensor that comes next reads `tensor`, of `shape` (height, width, channels)."""

    builder: Builder
    draw: st.DrawFn
    seed: int
    tensor: int
    shape: tuple[int, int, int]

    def output(self, shape: tuple[int, int, int]) -> int:
        self.shape = shape
        self.tensor = self.builder.tensor((1, *shape), scale=SCALE, zero_point=self.draw(zero_points))
        return self.tensor

    def filter(self, shape: tuple[int, ...], channels: int, axis: int) -> tuple[int, int]:
        self.seed += 1
        data = weights(self.seed, shape, "random")
        scale = [2.0 ** -self.draw(st.integers(5, 9)) for _ in range(channels)]
        kernel = self.builder.tensor(shape, scale=scale, axis=axis, data=data)
        values = np.random.default_rng(self.seed).integers(-2000, 2000, channels)
        return kernel, self.builder.tensor((channels,), "int32", scale=1.0, data=values)

    def pad(self, side: int) -> None:
        """Put padding around the tensor, mostly so little that a window does it itself."""
        height, width, channels = self.shape
        amounts = [self.draw(st.integers(0, side)) for _ in range(4)]
        before, source = self.builder.tensors[self.tensor], self.tensor
        self.shape = (height + amounts[0] + amounts[1], width + amounts[2] + amounts[3], channels)
        self.tensor = self.builder.tensor((1, *self.shape), scale=SCALE, zero_point=before.quant.zero_point)
        pairs = [0, 0, *amounts, 0, 0]
        self.builder.operator("PAD", [source, self.builder.tensor((4, 2), "int32", data=pairs)], [self.tensor])

    def window(self, side: int, stride: int) -> tuple[int, list[int]]:
        """Draw the padding, and return it with the output's height and width."""
        if side > 1 and self.draw(st.booleans()):
            self.pad(side - 1)
        same = any(s < side for s in self.shape[:2]) or self.draw(st.booleans())
        return int(not same), [-(-s // stride) if same else (s - side + stride) // stride for s in self.shape[:2]]

    def conv(self, side: int, stride: int) -> None:
        channels = self.draw(st.sampled_from([1, 3, 4, 8, 9]))
        kernel, bias = self.filter((channels, side, side, self.shape[2]), channels, 0)
        dilation = self.draw(st.sampled_from([1, 1, 2])) if stride == 1 else 1
        padding, (h, w) = self.window((side - 1) * dilation + 1, stride)
        options = {"Padding": padding, "StrideH": stride, "StrideW": stride, "FusedActivationFunction": 0}
        options |= {"DilationHFactor": dilation, "DilationWFactor": dilation}
        x = self.tensor
        self.builder.operator("CONV_2D", [x, kernel, bias], [self.output((h, w, channels))], options, "Conv2DOptions")

    def depthwise(self) -> None:
        side, stride = self.draw(st.sampled_from([3, 3, 5, 2])), self.draw(st.sampled_from([1, 1, 2, 2, 3]))
        channels = self.shape[2]
        kernel, bias = self.filter((1, side, side, channels), channels, 3)
        padding, (h, w) = self.window(side, stride)
        options = {"Padding": padding, "StrideH": stride, "StrideW": stride, "FusedActivationFunction": 3}
        options["DepthMultiplier"] = 1
        x = self.tensor
        y = self.output((h, w, channels))
        self.builder.operator("DEPTHWISE_CONV_2D", [x, kernel, bias], [y], options, "DepthwiseConv2DOptions")

    def pool(self) -> None:
        name, side = self.draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), self.draw(st.integers(2, 3))
        stride = self.draw(st.integers(1, 3))
        padding, (h, w) = self.window(side, stride)
        options = {"Padding": padding, "StrideH": stride, "StrideW": stride, "FilterHeight": side, "FilterWidth": side}
        source, shape = self.tensor, (h, w, self.shape[2])
        self.shape, zero_point = shape, self.builder.tensors[source].quant.zero_point
        self.tensor = self.builder.tensor((1, *shape), scale=SCALE, zero_point=zero_point)
        self.builder.operator(name, [source], [self.tensor], options, "Pool2DOptions")

    def table(self) -> None:
        x = self.tensor
        self.builder.operator("HARD_SWISH", [x], [self.output(self.shape)])

    def add(self, other: int) -> None:
        pair = [self.tensor, other] if self.draw(st.booleans()) else [other, self.tensor]
        y = self.output(self.shape)
        self.builder.operator("ADD", pair, [y], {"FusedActivationFunction": 0}, "AddOptions")


@st.composite
def chains(draw: st.DrawFn) -> Case:
    """Draw layers one after the other, some of which are added to an earlier tensor of their shape."""
    builder, seed = Builder(), draw(seeds)
    shape = draw(st.integers(1, 11)), draw(st.integers(1, 9)), draw(st.sampled_from([1, 3, 4, 8]))
    x = builder.tensor((1, *shape), scale=SCALE, zero_point=draw(zero_points))
    chain = _Chain(builder, draw, seed, x, shape)
    if draw(st.booleans()):
        chain.conv(draw(st.sampled_from([2, 3])), draw(st.sampled_from([1, 2])))
    earlier = {chain.shape: chain.tensor}
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["conv", "conv", "depthwise", "depthwise", "window", "pool", "table", "add"]))
        if kind == "add" and earlier.get(chain.shape, chain.tensor) != chain.tensor:
            chain.add(earlier[chain.shape])
        elif kind == "depthwise":
            chain.depthwise()
        elif kind == "window":
            chain.conv(draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 1, 2, 3])))
        elif kind == "pool":
            chain.pool()
        elif kind == "table":
            chain.table()
        else:
            chain.conv(1, 1)
        if draw(st.booleans()):
            earlier[chain.shape] = chain.tensor
    return Case(builder.finish([x], [chain.tensor]), pictures(seed, (1, *shape))[:3])


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
    check(graph, steps, layout)
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


def _blocks_of_v2() -> tuple[Graph, list[Step], Layout]:
    graph = read(tflite_of("v2_035"))
    chosen = cuts(graph, lower(graph))[1]
    layout = plan(graph, chosen)
    return graph, [s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(chosen)], layout
