"""Each operator against LiteRT's reference kernels, byte for byte, with the sanitizer for undefined behavior on."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from compilers.aot.lower import KERNEL_SETS, OPTIMIZE, lower
from compilers.aot.operators import SUPPORTED
from compilers.aot.planner import Layout, _Search, plan
from compilers.aot.sets import folders
from compilers.aot.sets.mve import elementwise
from errors import CompileError
from graph.reader import parse
from graph.types import Array
from tests.compilers.kernel_runner import Runner, forms, library
from tests.compilers.reference import MicroReference, Reference
from tests.kernels import core_runner, linux_runner
from tests.kernels.cases import Case
from tests.kernels.core_runner import CoreRunner, kernels_of
from tests.kernels.operator_models import OPERATORS, PADDED, TYPICAL, TYPICAL_PADDED
from tests.kernels.window_models import corners, few_channels, word_rows

# Scales that LiteRT refuses or aborts on; all else must be compiled.
REFUSED = (
    "its scale",
    "its output scale",
    "not supported in too many",
    "leave nothing",
    "is not that of",
    "out of int32",
    "no integer multiplier",
)


# For each run on a core: who reads the reply, memory, calls, the expected outputs.
Batch = list[tuple[CoreRunner, bytes, Sequence[Sequence[int]], Sequence[Array]]]


def compare(case: Case, core: str = "portable", batch: Batch | None = None, optimize: str = "size") -> None:
    """Run a case in the planned layout, with all apart, and with each output over its input where it may overlap."""
    graph = parse(case.model, "case")
    try:
        steps = lower(graph, kernels_of(core), optimize)
    except CompileError as e:
        hypothesis.assume(not any(reason in str(e) for reason in REFUSED))
        raise
    search = _Search(graph, steps)
    layouts = [plan(graph, steps), search.layout({i for i, s in enumerate(steps) if not s.calls})]
    layouts.append(search.layout(range(len(steps))))
    placed: list[Layout] = []
    for layout in layouts:
        assert layout is not None
        if layout not in placed:  # the planner's own is one of the two where it is the smaller one
            placed.append(layout)
    runners = [Runner(graph, steps, layout, kernels_of(core)) for layout in placed]  # which checks the layouts
    on_core = placed if batch is not None else []
    core_runners = [CoreRunner(graph, steps, layout, core, is_checked=True) for layout in on_core]
    reference = MicroReference(case.model) if case.oracle == "tflm" else Reference(case.model, case.oracle)
    for inputs in case.runs:
        expected = reference.run(*inputs)
        for form in forms(kernels_of(core)):
            for runner in runners:
                for ours, theirs in zip(runner.run(*inputs), expected, strict=True):
                    np.testing.assert_array_equal(ours, theirs, err_msg=f"form {form}")
        for core_runner_ in core_runners:
            assert batch is not None
            batch.append((core_runner_, *core_runner_.request(*inputs), expected))


def run_batch(batch: Batch, core: str) -> None:
    """Run on the core what cases have collected."""
    received = core_runner.core(core).run([(memory, calls) for _, memory, calls, _ in batch])
    for (runner, memory, _, expected), reply in zip(batch, received, strict=True):
        for ours, theirs in zip(runner.outputs(memory, reply), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=str(runner.steps))


def test_all_operators_are_tried() -> None:
    assert set(OPERATORS) == set(SUPPORTED)


@pytest.mark.parametrize("name", OPERATORS)
@hypothesis.settings(max_examples=150, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(data=st.data())
def test_equals_the_reference(name: str, data: st.DataObject) -> None:
    compare(data.draw(OPERATORS[name], label=name))


@pytest.mark.parametrize("name", PADDED)
@hypothesis.settings(max_examples=100, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(data=st.data())
def test_window_behind_a_pad_equals_the_reference(name: str, data: st.DataObject) -> None:
    compare(data.draw(PADDED[name], label=name))


OWN = {
    "rv32": ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD"),
    "m7": ("CONV_2D", "DEPTHWISE_CONV_2D"),
    "simd": ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "MEAN"),
}
"""Operators that a set has kernels for, where it is not all of the typical ones."""
PORTABLE_CORES = [core for core in core_runner.CORES if kernels_of(core) == "portable"]
SETS = [name for name in KERNEL_SETS if name != "portable"]
needs_core = pytest.mark.skipif(core_runner.missing() is not None, reason=f"install {core_runner.missing()}")


OF_SETS = [(kernels, name) for kernels in SETS for name in OWN.get(kernels, tuple(TYPICAL))]


def on_core(strategy: st.SearchStrategy[Case], core: str, cases: int, examples: Sequence[Case] = ()) -> None:
    """Compare cases here and, where the set has one of its own, on its core."""
    batch: Batch | None = [] if core_runner.is_emulated(core) else None

    @hypothesis.settings(max_examples=cases, suppress_health_check=list(hypothesis.HealthCheck), database=None)
    @hypothesis.given(case=strategy, optimize=st.sampled_from(OPTIMIZE))
    def collect(case: Case, optimize: str) -> None:
        compare(case, core, batch, optimize)

    collect()
    for case in examples:
        compare(case, core, batch)
    if batch is not None:
        run_batch(batch, core)


@needs_core
@pytest.mark.parametrize(("kernels", "name"), OF_SETS)
def test_set_s_own_kernels_equal_the_reference(kernels: str, name: str) -> None:
    on_core(TYPICAL[name], kernels, cases=80)


@needs_core
@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("name", TYPICAL_PADDED)
def test_set_s_windows_behind_a_pad_equal_the_reference(kernels: str, name: str) -> None:
    on_core(TYPICAL_PADDED[name], kernels, cases=80)


@needs_core
@pytest.mark.parametrize("core", [*SETS, *PORTABLE_CORES])
def test_pointwise_layers_of_few_channels_equal_the_reference(core: str) -> None:
    """Their pixels are not whole words, and the last ones are near the input's end."""
    on_core(few_channels(), core, cases=60)


@needs_core
@pytest.mark.parametrize("core", SETS)
def test_windows_whose_rows_are_a_word_equal_the_reference(core: str) -> None:
    """Such as those of 10x4 with which keyword spotting begins, at all borders."""
    on_core(word_rows(), core, cases=60)


# Zero points and activations. With RELU the lower limit is the zero point, wherever that is.
ENDS = ((0, "NONE"), (-128, "RELU6"), (127, "NONE"), (-3, "RELU_N1_TO_1"), (5, "RELU"))


SHIFT_MOST = {"rv32": 21}
"""Right shifts that a set's kernels have room for, where it is not all."""


@needs_core
@pytest.mark.parametrize("kernels", SETS)
def test_halves_limits_and_saturation_equal_the_reference(kernels: str) -> None:
    layers = [("pointwise", depth) for depth in (8, 16, 24, 32, 40, 80)] + [("3x3", 0), ("5x5", 0)]
    batch: Batch | None = [] if kernels in core_runner.CORES else None
    for layer, depth in layers:
        for zero_point, activation in ENDS:
            case = corners(layer, depth, zero_point, activation, SHIFT_MOST.get(kernels, 31))
            (step,) = lower(parse(case.model, "case"), kernels)
            assert step.calls[0].kernel.kernel_set in folders(kernels)[1:]
            compare(case, kernels, batch)
    if batch is not None:
        run_batch(batch, kernels)


def test_all_forms_are_taken_again_after_a_comparison_that_ended_early() -> None:
    first = forms("simd")
    assert next(first) == 0
    assert list(forms("simd")) == [0, 1, 2]
    first.close()
    assert ctypes.c_int32.in_dll(library("simd"), "alpharho_simd_most").value == 2


@pytest.mark.parametrize("cpu", linux_runner.CPUS)
def test_forms_for_boards_equal_the_reference(cpu: str) -> None:
    if package := linux_runner.missing(cpu):
        pytest.skip(f"install {package}")
    layers = (("pointwise", 8), ("pointwise", 40), ("3x3", 0), ("5x5", 0))
    ends = [corners(layer, depth, *end) for layer, depth in layers for end in ENDS[:3]]
    kinds = [TYPICAL[name] for name in OWN["simd"]] + list(TYPICAL_PADDED.values())
    on_core(st.one_of(*kinds), cpu, cases=80, examples=ends)


@needs_core
@pytest.mark.parametrize(("kernels", "channels_each", "own"), [
    ("dsp", 2, "alpharho_dsp_pointwise"), ("dsp", 4, "alpharho_dsp_pointwise_quad"), ("m7", 4, "alpharho_m7_pointwise"),
])  # fmt: skip
def test_channels_computed_at_once_round_halves_as_the_reference(kernels: str, channels_each: int, own: str) -> None:
    """The zero point and half a step are added as one constant, which is too large for int32 with right shifts over 23.

    One word holds the sums of two channels, and those of the second one must be below 2^23: with right shifts over 21,
    the sums of these cases are not. Where outputs below the zero point saturate, the second channel's constant is
    multiplied by 2^7, and is too large with right shifts over 16. Such layers are computed channel by channel.
    """
    batch: Batch = []
    for zero_point, activation in ((0, "NONE"), (-128, "RELU6"), (127, "NONE"), (-3, "RELU_N1_TO_1"), (-128, "NONE")):
        for most in (14 if zero_point == -128 else 20, 24):
            case = corners("pointwise", 20, zero_point, activation, most, channels_each)
            (step,) = lower(parse(case.model, "case"), kernels)
            symbol = step.calls[0].kernel.symbol
            assert symbol == (own if most < 24 else "alpharho_dsp_pointwise_single")
            compare(case, kernels, batch)
    run_batch(batch, kernels)


PLAIN = (
    ("pointwise", 20, "alpharho_conv"),
    ("pointwise", 7, "alpharho_pointwise_few"),
    ("3x3", 0, "alpharho_depthwise_3x3"),
)
"""Layers, the depth of pointwise ones, and the kernel that they take with right shifts of 1 to 23."""


@needs_core
@pytest.mark.parametrize("core", PORTABLE_CORES)
def test_plain_operators_round_halves_as_the_reference(core: str) -> None:
    """`is_plain` of requant.h: right shifts of 1 to 23, small biases, and, on Armv6-M, the limits of int8."""
    batch: Batch = []
    for layer, depth, kernel in PLAIN:
        for zero_point, activation in ((0, "NONE"), (-128, "NONE"), (127, "NONE"), (-3, "RELU_N1_TO_1")):
            case = corners(layer, depth, zero_point, activation, 23)
            (step,) = lower(parse(case.model, "case"))
            assert step.calls[0].kernel.symbol == kernel
            compare(case, core, batch)
    run_batch(batch, core)


def test_right_shifts_that_no_plain_kernel_has_room_for_take_another() -> None:
    for layer, depth, _ in PLAIN:
        (step,) = lower(parse(corners(layer, depth, 0, "NONE", 24).model, "case"))
        assert step.calls[0].kernel.symbol == ("alpharho_conv" if depth else "alpharho_depthwise")


@needs_core
def test_add_without_exact_factors_equals_the_reference_on_mve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few scales have no factors, so none are looked for."""
    monkeypatch.setattr(elementwise, "_add_factors", lambda fields: None)
    on_core(TYPICAL["ADD"], "mve", cases=20)


@needs_core
@pytest.mark.parametrize("core", core_runner.CORES)
def test_each_operator_equals_the_reference_on_the_set_s_core(core: str) -> None:
    on_core(st.sampled_from(sorted(OPERATORS)).flatmap(OPERATORS.__getitem__), core, cases=60)


@needs_core
@pytest.mark.parametrize("core", PORTABLE_CORES)
def test_convolutions_equal_the_reference_on_the_cores_of_the_portable_set(core: str) -> None:
    """Their inner loops are assembly, of which two pixels and two channels see all."""
    on_core(TYPICAL["CONV_2D"] | TYPICAL["DEPTHWISE_CONV_2D"], core, cases=60)
    on_core(OPERATORS["CONV_2D"], core, cases=60)  # which have shifts to the left


@pytest.mark.slow
@pytest.mark.parametrize(("kernels", "name"), OF_SETS)
def test_typical_cases_take_the_set_s_own_kernels(kernels: str, name: str) -> None:
    def own(case: Case) -> bool:
        (step,) = lower(parse(case.model, "case"), kernels)
        return step.calls[0].kernel.kernel_set == kernels

    # Any such case will do: the smallest one would take most of the time.
    any_case = hypothesis.settings(database=None, phases=[hypothesis.Phase.generate], max_examples=5000)
    hypothesis.find(TYPICAL[name], own, settings=any_case)
