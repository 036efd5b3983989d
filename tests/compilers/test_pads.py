"""A PAD before windows becomes their padding where it can, and stays a step where it can't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from compilers.aot.lower import KERNEL_SETS, lower
from compilers.aot.pads import fold, folded_padding
from compilers.aot.planner import plan
from graph.builder import Builder
from graph.reader import parse
from graph.types import Graph
from tests.compilers.kernel_runner import Runner
from tests.compilers.reference import Reference

CHANNELS = 4
Amounts = Sequence[int]


class _Network:
    """A network under construction on (1, 9, 9, 4)."""

    def __init__(self, zero_point: int = 7) -> None:
        self.builder, self.zero_point = Builder(), zero_point
        self.input = self.tensor(9)

    def tensor(self, height: int, width: int | None = None) -> int:
        return self.quantized((1, height, width or height, CHANNELS))

    def quantized(self, shape: Sequence[int], data: Sequence[int] | None = None) -> int:
        return self.builder.tensor(shape, scale=0.1, zero_point=self.zero_point, data=data)

    def pad(self, x: int, amounts: Amounts, value: int | None = None) -> int:
        """Top, bottom, left, right."""
        _, height, width, _ = self.builder.tensors[x].shape
        y = self.tensor(height + amounts[0] + amounts[1], width + amounts[2] + amounts[3])
        inputs = [x, self.builder.tensor((4, 2), "int32", data=[0, 0, *amounts, 0, 0])]
        if value is not None:
            inputs.append(self.quantized((), [value]))
        self.builder.operator("PAD" if value is None else "PADV2", inputs, [y])
        return y

    def window(self, x: int, name: str = "CONV_2D", side: int = 3, dilation: int = 1, same: bool = False) -> int:
        _, height, width, _ = self.builder.tensors[x].shape
        lost = 0 if same else (side - 1) * dilation
        y = self.tensor(height - lost, width - lost)
        options: Mapping[str, int] = {"Padding": 0 if same else 1, "StrideH": 1, "StrideW": 1}
        if "POOL" in name:
            options = {**options, "FilterHeight": side, "FilterWidth": side}
            self.builder.operator(name, [x], [y], options, "Pool2DOptions")
            return y
        options = {**options, "DilationHFactor": dilation, "DilationWFactor": dilation}
        depthwise = name == "DEPTHWISE_CONV_2D"
        shape = (1, side, side, CHANNELS) if depthwise else (CHANNELS, side, side, CHANNELS)
        data = np.random.default_rng(1).integers(-127, 128, shape)
        kernel = self.builder.tensor(shape, scale=0.01, data=data, axis=3 if depthwise else 0)
        bias = self.builder.tensor((CHANNELS,), "int32", scale=0.001, data=np.arange(CHANNELS) * 100)
        table = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
        if depthwise:
            options = {**options, "DepthMultiplier": 1}
        self.builder.operator(name, [x, kernel, bias], [y], options, table)
        return y

    def finish(self, *outputs: int) -> Graph:
        """Return the graph, after comparing it with LiteRT on each kernel set."""
        model = self.builder.finish([self.input], outputs)
        graph, picture = parse(model, "case"), np.random.default_rng(2).integers(-128, 128, (1, 9, 9, CHANNELS))
        expected = Reference(model).run(picture.astype(np.int8))
        for kernels in KERNEL_SETS:
            steps = lower(graph, kernels)
            runner = Runner(graph, steps, plan(graph, steps), kernels)
            for ours, theirs in zip(runner.run(picture.astype(np.int8)), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)
        return graph


def names(graph: Graph) -> list[str]:
    return [step.name for step in lower(graph)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("amounts", [(1, 1, 1, 1), (0, 1, 0, 1), (2, 0, 0, 2), (2, 2, 2, 2)])
def test_padding_less_than_the_window_is_folded(name: str, amounts: Amounts) -> None:
    network = _Network()
    graph = network.finish(network.window(network.pad(network.input, amounts), name))
    assert names(graph) == [name]
    assert folded_padding(fold(graph)[0]) == amounts


@pytest.mark.parametrize("amounts", [(3, 0, 0, 0), (0, 3, 0, 0), (0, 0, 3, 0), (0, 0, 0, 3)])
def test_padding_of_the_window_s_size_is_a_step(amounts: Amounts) -> None:
    network = _Network()
    assert names(network.finish(network.window(network.pad(network.input, amounts)))) == ["PAD", "CONV_2D"]


def test_padding_up_to_a_dilated_window_is_folded() -> None:
    network = _Network()
    padded = network.pad(network.input, (4, 4, 3, 4))
    assert names(network.finish(network.window(padded, dilation=2))) == ["CONV_2D"]


def test_a_window_of_one_pixel_keeps_its_pad() -> None:
    network = _Network()
    padded = network.pad(network.input, (0, 1, 0, 0))
    assert names(network.finish(network.window(padded, side=1))) == ["PAD", "CONV_2D"]


def test_two_pads_in_a_row_are_folded_together() -> None:
    network = _Network()
    padded = network.pad(network.pad(network.input, (1, 0, 0, 1)), (1, 1, 1, 1))
    graph = network.finish(network.window(padded))
    assert names(graph) == ["CONV_2D"]
    assert folded_padding(fold(graph)[0]) == (2, 1, 1, 2)


def test_of_two_pads_that_are_too_much_the_second_is_folded() -> None:
    network = _Network()
    padded = network.pad(network.pad(network.input, (2, 0, 0, 0)), (2, 0, 0, 0))
    assert names(network.finish(network.window(padded))) == ["PAD", "CONV_2D"]


def test_same_keeps_its_pad() -> None:
    network = _Network()
    padded = network.pad(network.input, (1, 1, 1, 1))
    assert names(network.finish(network.window(padded, same=True))) == ["PAD", "CONV_2D"]


def test_a_pad_that_several_windows_read_is_folded_into_each() -> None:
    network = _Network()
    padded = network.pad(network.input, (1, 1, 1, 1))
    graph = network.finish(network.window(padded), network.window(padded, "DEPTHWISE_CONV_2D"))
    assert names(graph) == ["CONV_2D", "DEPTHWISE_CONV_2D"]


def test_a_pad_that_others_read_too_is_a_step() -> None:
    network = _Network()
    padded = network.pad(network.input, (1, 1, 1, 1))
    network.builder.operator("RELU", [padded], [relu := network.tensor(11)])
    assert names(network.finish(network.window(padded), relu)) == ["PAD", "RELU", "CONV_2D"]


def test_a_pad_that_is_an_output_is_a_step() -> None:
    network = _Network()
    padded = network.pad(network.input, (1, 1, 1, 1))
    assert names(network.finish(network.window(padded), padded)) == ["PAD", "CONV_2D"]


@pytest.mark.parametrize(("value", "steps"), [(7, ["CONV_2D"]), (8, ["PADV2", "CONV_2D"])])
def test_another_value_than_the_zero_point_is_a_step(value: int, steps: list[str]) -> None:
    network = _Network()
    assert names(network.finish(network.window(network.pad(network.input, (1, 1, 1, 1), value)))) == steps


@pytest.mark.parametrize(("zero_point", "steps"), [(-128, ["MAX_POOL_2D"]), (7, ["PAD", "MAX_POOL_2D"])])
def test_a_maximum_takes_only_the_least_value_as_padding(zero_point: int, steps: list[str]) -> None:
    network = _Network(zero_point)
    padded = network.pad(network.input, (1, 1, 1, 1))
    assert names(network.finish(network.window(padded, "MAX_POOL_2D"))) == steps


def test_an_average_keeps_its_pad() -> None:
    network = _Network(-128)
    padded = network.pad(network.input, (1, 1, 1, 1))
    assert names(network.finish(network.window(padded, "AVERAGE_POOL_2D"))) == ["PAD", "AVERAGE_POOL_2D"]


def test_padding_of_channels_is_a_step() -> None:
    network = _Network()
    b = network.builder
    wide = network.quantized((1, 9, 9, 2 * CHANNELS))
    b.operator("PAD", [network.input, b.tensor((4, 2), "int32", data=[0, 0, 0, 0, 0, 0, 0, CHANNELS])], [wide])
    kernel = b.tensor((1, 3, 3, 2 * CHANNELS), scale=0.01, data=np.ones((1, 3, 3, 2 * CHANNELS)), axis=3)
    bias = b.tensor((2 * CHANNELS,), "int32", scale=0.001, data=np.zeros(2 * CHANNELS))
    y = network.quantized((1, 7, 7, 2 * CHANNELS))
    options = {"Padding": 1, "StrideH": 1, "StrideW": 1, "DepthMultiplier": 1}
    b.operator("DEPTHWISE_CONV_2D", [wide, kernel, bias], [y], options, "DepthwiseConv2DOptions")
    assert names(network.finish(y)) == ["PAD", "DEPTHWISE_CONV_2D"]
