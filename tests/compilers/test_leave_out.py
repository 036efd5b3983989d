"""Networks with channels that have no effect: they are left out, and the outputs stay LiteRT's, byte for byte."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest

from compilers.aot import compile_graph
from compilers.aot.bounds import bounds_of
from compilers.aot.leave_out import MULTIPLE
from compilers.aot.lower import KERNEL_SETS, lower, reduced
from compilers.aot.planner import plan
from graph import tensors
from graph.builder import Builder
from graph.reader import parse, read
from tests.compilers.chains import NOT_SHRUNK, SCALE
from tests.compilers.equality import count_equal
from tests.compilers.kernel_runner import Runner
from tests.compilers.networks import shared_data
from tests.compilers.reference import Reference
from tests.compilers.silent_networks import silenced, silent_networks
from tests.kernels.cases import Case


@pytest.mark.parametrize("kernels", KERNEL_SETS)
@hypothesis.settings(max_examples=60, suppress_health_check=NOT_SHRUNK)
@hypothesis.given(case=silent_networks())
def test_without_silent_channels_outputs_equal_the_reference(kernels: str, case: Case) -> None:
    whole = parse(case.model, "case")
    smaller, kept = reduced(whole)
    hypothesis.event("channels left out" if kept else "all channels kept")
    for tensor, channels in kept.items():
        assert len(channels) == smaller.tensors[tensor].shape[-1] < whole.tensors[tensor].shape[-1]
    steps = lower(smaller, kernels)
    runner, reference = Runner(smaller, steps, plan(smaller, steps), kernels), Reference(case.model)
    for inputs in case.runs:
        for ours, theirs in zip(runner.run(*inputs), reference.run(*inputs), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@hypothesis.settings(max_examples=60, suppress_health_check=NOT_SHRUNK)
@hypothesis.given(case=silent_networks())
def test_no_tensor_of_the_reference_leaves_its_bounds(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    graph = parse(case.model, "case")
    path = tmp_path_factory.mktemp("bounds") / "case.tflite"
    path.write_bytes(case.model)
    known = bounds_of(graph, lower(graph))
    for (picture,) in case.runs:
        for tensor, values in tensors.reference(path, graph, picture.tobytes()).items():
            if tensor in known:
                assert (known[tensor].low <= values.astype(np.int64)).all()
                assert (known[tensor].high >= values.astype(np.int64)).all()


def test_silent_channels_are_left_out_as_far_as_a_multiple_allows() -> None:
    graph = parse(silenced(), "silenced")
    smaller, kept = reduced(graph)
    # Of 16 channels 11 are needed.
    first, second = (operator.outputs[0] for operator in graph.operators[:2])
    assert kept == {t: (0, *range(5, 16)) for t in (first, second)}
    assert all(len(channels) % MULTIPLE == 0 for channels in kept.values())
    assert [smaller.tensors[o.inputs[1]].shape for o in smaller.operators] == [
        (12, 1, 1, 8), (1, 3, 3, 12), (6, 1, 1, 12),
    ]  # fmt: skip
    result, _ = compile_graph(graph)
    assert result.macs + result.macs_left_out == graph.all_macs() == 36 * (16 * 8 + 16 * 9 + 6 * 16)
    assert result.macs == 36 * (12 * 8 + 12 * 9 + 6 * 12)


def test_a_network_without_silent_channels_stays_as_it_is() -> None:
    b = Builder()
    x, y = b.tensor((1, 4, 4, 8), scale=SCALE), b.tensor((1, 4, 4, 8), scale=SCALE)
    kernel = b.tensor((8, 1, 1, 8), scale=0.01, data=np.full((8, 1, 1, 8), 9))
    b.operator("CONV_2D", [x, kernel, -1], [y], {"StrideH": 1, "StrideW": 1}, "Conv2DOptions")
    graph = parse(b.finish([x], [y]), "case")
    assert reduced(graph) == (graph, {})


def test_half_of_visual_wake_words_has_no_effect() -> None:
    path = shared_data("mlperf_vww_96_int8.tflite")
    if not path.is_file():
        pytest.skip("needs ../shared/data")
    graph = read(path)
    result, _ = compile_graph(graph, "dsp")
    assert result.macs_left_out > 0.49 * graph.all_macs()
    assert result.weights_bytes < 50_000
    count = count_equal(path, images=30, kernels="portable")
    assert (count.equal, count.total) == (30, 30)
    assert len(count.distinct) > 5
