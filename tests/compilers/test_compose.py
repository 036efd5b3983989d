"""Functions of one value that are written as several operators become one table, with LiteRT's bytes."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from compilers.aot import compile_graph
from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.planner import plan
from graph.builder import Builder
from graph.reader import parse
from tests.compilers.kernel_runner import Runner
from tests.compilers.reference import Reference
from tests.kernels.cases import EACH_VALUE

UNARY = ("LOGISTIC", "RELU", "RELU6", "HARD_SWISH", "TANH")
BINARY = {
    "MUL": "MulOptions", "ADD": "AddOptions", "SUB": "SubOptions", "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
}  # fmt: skip
SCALE = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}


def function(b: Builder, x: int, operator: str, scale: float, zero_point: int) -> int:
    """Append a function of one value and return its output."""
    scale, zero_point = SCALE.get(operator, (scale, zero_point))
    y = b.tensor(b.tensors[x].shape, scale=scale, zero_point=zero_point)
    b.operator(operator, [x], [y])
    return y


def binary(b: Builder, x: int, y: int, operator: str, scale: float, zero_point: int) -> int:
    """Append an operator of two tensors and return its output."""
    out = b.tensor(b.tensors[x].shape, scale=scale, zero_point=zero_point)
    b.operator(operator, [x, y], [out], {}, BINARY[operator])
    return out


def swish(b: Builder, x: int, scale: float = 0.05) -> int:
    """Append x * sigmoid(x)."""
    return binary(b, x, function(b, x, "LOGISTIC", scale, 0), "MUL", scale, -100)


def assert_equal(model: bytes, kernels: str, names: list[str]) -> None:
    graph = parse(model, "case")
    steps = lower(graph, kernels)
    assert [step.name for step in steps] == names
    ours = Runner(graph, steps, plan(graph, steps), kernels).run(*EACH_VALUE[0])
    for one, other in zip(ours, Reference(model).run(*EACH_VALUE[0]), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_swish_is_one_table(kernels: str) -> None:
    b = Builder()
    x = b.tensor((1, 256), scale=0.06, zero_point=-3)
    assert_equal(b.finish([x], [swish(b, x)]), kernels, ["MUL"])


def test_hard_swish_of_four_operators_is_one_table() -> None:
    b = Builder()
    x = b.tensor((1, 256), scale=0.06, zero_point=-3)
    three = b.tensor((1,), scale=0.03, data=[100])
    moved = binary(b, x, three, "ADD", 0.06, -20)
    limited = function(b, moved, "RELU6", 6 / 255, -128)
    sixth = b.tensor((1,), scale=1 / 600, data=[100])
    gate = binary(b, limited, sixth, "MUL", 1 / 256, -128)
    assert_equal(b.finish([x], [binary(b, x, gate, "MUL", 0.05, -100)]), "portable", ["MUL"])


def test_a_part_that_is_read_elsewhere_stays() -> None:
    b = Builder()
    x = b.tensor((1, 256), scale=0.06, zero_point=-3)
    gate = function(b, x, "LOGISTIC", 0, 0)
    assert_equal(b.finish([x], [binary(b, x, gate, "MUL", 0.05, -100), gate]), "portable", ["LOGISTIC", "MUL"])


def test_functions_of_two_tensors_stay_apart() -> None:
    b = Builder()
    x, y = (b.tensor((1, 256), scale=0.06, zero_point=z) for z in (-3, 5))
    out = binary(b, y, function(b, x, "LOGISTIC", 0, 0), "MUL", 0.05, -100)
    assert [step.name for step in lower(parse(b.finish([x, y], [out]), "case"))] == ["LOGISTIC", "MUL"]


def test_a_tensor_with_itself_stays_as_it_is() -> None:
    b = Builder()
    x = b.tensor((1, 256), scale=0.06, zero_point=-3)
    (step,) = lower(parse(b.finish([x], [binary(b, x, x, "ADD", 0.2, -6)]), "case"))
    assert step.calls[0].kernel.symbol == "alpharho_add"


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(st.data())
def test_random_functions_of_one_value_have_the_bytes_of_their_parts(data: st.DataObject) -> None:
    b = Builder()
    scales, zero_points = st.floats(1 / 64, 1 / 8, width=32), st.integers(-128, 127)
    made = [b.tensor((1, 256), scale=0.05, zero_point=data.draw(zero_points))]
    for _ in range(data.draw(st.integers(1, 5))):
        one, other = (data.draw(st.sampled_from(made)) for _ in range(2))
        scale, zero_point = data.draw(scales), data.draw(zero_points)
        if data.draw(st.booleans()):
            made.append(function(b, one, data.draw(st.sampled_from(UNARY)), scale, zero_point))
            continue
        operator = data.draw(st.sampled_from(["MUL", "ADD", "SUB"]))
        made.append(binary(b, one, other, operator, scale, zero_point))
    model = b.finish([made[0]], [made[-1]])
    graph = parse(model, "case")
    steps = lower(graph)
    ours = Runner(graph, steps, plan(graph, steps)).run(*EACH_VALUE[0])[0]
    np.testing.assert_array_equal(ours, Reference(model).run(*EACH_VALUE[0])[0])


def test_swish_flows_through_a_block_row_by_row() -> None:
    """An inverted bottleneck: expanded to 48 channels of 32x32 pixels, which are never whole."""
    rng = np.random.default_rng(2)
    b = Builder()
    x = b.tensor((1, 32, 32, 8), scale=0.05)

    def conv(source: int, channels: int, name: str = "CONV_2D", size: int = 1) -> int:
        depth = b.tensors[source].shape[3]
        shape = (1, size, size, channels) if name != "CONV_2D" else (channels, size, size, depth)
        weights = b.tensor(shape, scale=0.01, data=rng.integers(-127, 128, shape))
        y = b.tensor((1, 32, 32, channels), scale=0.05)
        options = {"StrideH": 1, "StrideW": 1, "Padding": 0} | ({"DepthMultiplier": 1} if size > 1 else {})
        table = "DepthwiseConv2DOptions" if size > 1 else "Conv2DOptions"
        bias = b.tensor((channels,), "int32", data=np.zeros(channels))
        b.operator(name, [source, weights, bias], [y], options, table)
        return y

    expanded = swish(b, conv(x, 48))
    filtered = swish(b, conv(expanded, 48, "DEPTHWISE_CONV_2D", 3))
    model = b.finish([x], [conv(filtered, 8)])
    result, _ = compile_graph(parse(model, "case"))
    assert result.arena_bytes <= 14_816 < 32 * 32 * 48
