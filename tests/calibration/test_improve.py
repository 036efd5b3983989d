"""Ranges, equalization and bias correction: what each changes, and that int8 gains where channels were spread."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy import provoke
from calibration.improve import bias, equalize, ranges, statistics
from calibration.improve.choose import choose
from calibration.improve.costs import costs
from calibration.improve.score import score
from models.folded import run
from models.folded.graph import Floats, Folded, Node, Weights

SHAPE = (8, 8, 3)


def network(seed: int = 0, activation: str = "relu6") -> Folded:
    """Return a convolution, a depthwise one, a projection with a residual, and a classifier, with random weights."""
    rng = np.random.default_rng(seed)
    nodes = (
        Node("input", "input", (), SHAPE),
        Node("conv", "conv", ("input",), (8, 8, 16), activation, (3, 3)),
        Node("deep", "depthwise", ("conv",), (8, 8, 16), activation, (3, 3)),
        Node("first", "conv", ("deep",), (8, 8, 8)),
        Node("wide", "conv", ("first",), (8, 8, 16), activation),
        Node("second", "conv", ("wide",), (8, 8, 8)),
        Node("add", "add", ("first", "second"), (8, 8, 8)),
        Node("pool", "pool", ("add",), (1, 1, 8)),
        Node("flat", "reshape", ("pool",), (8,)),
        Node("classes", "dense", ("flat",), (4,)),
        Node("softmax", "softmax", ("classes",), (4,)),
    )
    shapes = {
        "conv": (3, 3, 3, 16), "deep": (3, 3, 16, 1), "first": (1, 1, 16, 8), "wide": (1, 1, 8, 16),
        "second": (1, 1, 16, 8), "classes": (8, 4),
    }  # fmt: skip
    weights = {}
    for name, shape in shapes.items():
        outputs = shape[2] if name == "deep" else shape[-1]
        fan_in = np.prod(shape) / outputs
        kernel = rng.normal(0, (4 if name == "classes" else 1) / np.sqrt(fan_in), shape)
        weights[name] = Weights(kernel.astype(np.float32), rng.normal(0, 0.2, outputs).astype(np.float32))
    return Folded("small", nodes, weights, "softmax")


def pictures(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-1, 1, (count, *SHAPE)).astype(np.float32)


def provoked(graph: Folded) -> Folded:
    """Return the same float network with a random half of its channels scaled down by up to 100."""
    return provoke(graph, pictures(20), 100, seed=0)


def test_groups_are_what_can_be_scaled_and_leave_the_float_network_as_it_is() -> None:
    graph = network()
    groups = {group.makers: group for group in equalize.groups(graph)}
    assert set(groups) == {("conv",), ("deep",), ("wide",), ("first", "second")}
    assert groups["first", "second"].users == ("wide", "classes")
    assert set(groups["first", "second"].points) == {"first", "second", "add", "pool"}
    assert [groups[name].is_clipped for name in (("conv",), ("first", "second"))] == [True, False]
    x = pictures(20)
    np.testing.assert_allclose(run.outputs(provoked(graph), x), run.outputs(graph, x), atol=1e-5)


@pytest.mark.parametrize("activation", ["hard_swish", "hard_sigmoid"])
def test_what_is_not_linear_is_not_scaled(activation: str) -> None:
    groups = equalize.groups(network(activation=activation))
    assert [group.makers for group in groups] == [("first", "second")]


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_int8_comes_back_where_channels_were_spread(activation: str) -> None:
    graph = provoked(network(activation=activation))
    chosen = choose(graph, pictures(40), pictures(60, seed=1), (-1.0, 1.0))
    first, last = chosen.steps[0].score, min(step.score.distance for step in chosen.steps)
    assert [step.name for step in chosen.steps][:2] == ["ranges of input and h-swish", "equalization"]
    assert chosen.steps[1].is_kept
    assert last < first.distance / 5
    test = pictures(60, seed=2)
    exact = run.outputs(graph, test).numpy()
    np.testing.assert_allclose(run.outputs(chosen.graph, test), exact, atol=0.15)  # biases were corrected
    coarse = run.outputs(run.with_int8_kernels(chosen.graph), test, run.quantizing(chosen.ranges)).numpy()
    assert score(exact, coarse).distance < first.distance / 5


def test_equalizing_moves_no_bit_of_the_float_outputs() -> None:
    graph = provoked(network(activation="relu"))
    values, before = statistics.collect(graph, pictures(20))
    other, _, spreads = equalize.equalize(graph, values)
    assert spreads
    assert any((graph.weights[name].kernel != other.weights[name].kernel).any() for name in graph.weights)
    np.testing.assert_array_equal(run.outputs(other, pictures(20)), before)


def test_the_values_of_the_equalized_network_are_known_without_running_it() -> None:
    graph = provoked(network(activation="relu"))
    values, _ = statistics.collect(graph, pictures(20))
    other, its_values, spreads = equalize.equalize(graph, values)
    expected, _ = statistics.collect(other, pictures(20))
    assert set(spreads) >= {"conv", "deep", "wide"}
    assert its_values.keys() == expected.keys()
    for name, one in expected.items():
        for part in ("low", "high", "means", "counts"):
            np.testing.assert_allclose(getattr(its_values[name], part), getattr(one, part), rtol=1e-5, atol=1e-6)


def test_a_dead_channel_grows_until_its_weights_are_as_those_of_others() -> None:
    """Else its large weights decide the scale of the users' kernels, and the small ones of live channels round to 0."""
    graph = provoked(network(activation="relu"))
    known = graph.weights
    kernel, bias = known["deep"].kernel.copy(), known["deep"].bias.copy()
    kernel[:, :, 5] = 0
    bias[5] = -0.001
    user = known["first"].kernel.copy()
    user[:, :, 5] = 100 * np.abs(user).max()
    graph = graph.with_weights({"deep": Weights(kernel, bias), "first": Weights(user, known["first"].bias)})
    values, before = statistics.collect(graph, pictures(20))
    assert values["deep"].high[5] == 0
    other, _, spreads = equalize.equalize(graph, values)
    assert "deep" in spreads
    weights = np.abs(other.weights["first"].kernel[0, 0])
    assert weights[5].max() <= 2 * np.delete(weights, 5, 0).max()
    np.testing.assert_array_equal(run.outputs(other, pictures(20)), before)


def test_channels_that_are_not_spread_and_dead_ones_stay() -> None:
    graph = network()
    dead = Weights(graph.weights["conv"].kernel * ([1.0] * 15 + [0.0]), graph.weights["conv"].bias * ([1.0] * 15 + [0]))
    graph = graph.with_weights({"conv": Weights(dead.kernel.astype(np.float32), dead.bias.astype(np.float32))})
    values, _ = statistics.collect(graph, pictures(20))
    assert values["conv"].high[15] == 0
    assert "conv" not in equalize.equalize(graph, values)[2]
    graph = provoked(graph)
    values, _ = statistics.collect(graph, pictures(20))
    other, _, spreads = equalize.equalize(graph, values)
    assert "conv" in spreads
    assert not other.weights["conv"].kernel[..., 15].any()
    assert all(np.isfinite(one.kernel).all() and np.isfinite(one.bias).all() for one in other.weights.values())


def test_a_channel_behind_relu6_grows_to_its_limit_at_most() -> None:
    graph = provoked(network())
    values, _ = statistics.collect(graph, pictures(20))
    other, _, _ = equalize.equalize(graph, values)
    after, _ = statistics.collect(other, pictures(20))
    for name in ("conv", "deep", "wide"):
        assert (after[name].high >= values[name].high - 1e-6).all()
        assert after[name].high[values[name].high < equalize.RELU6_LIMIT].max() <= equalize.RELU6_LIMIT


def test_no_step_of_a_range_is_spent_below_minus_3_before_hard_swish() -> None:
    graph = network(activation="hard_swish")
    graph = graph.with_weights({"conv": Weights(graph.weights["conv"].kernel * 9, graph.weights["conv"].bias)})
    values, _ = statistics.collect(graph, pictures(20))
    assert values["conv:pre"].low.min() < -4
    limits = ranges.min_max(graph, values, (-1.0, 1.0))
    assert limits["conv:pre"] == (-3.0, float(values["conv:pre"].high.max()))
    assert ranges.min_max(graph, values, None)["input"][1] < 1
    exact = {(-1.0, 1.0): (-1.0, 128 / 127), (0.0, 255.0): (0.0, 255.0), (0.0, 1.0): (0.0, 1.0)}
    for given, expected in exact.items():
        assert ranges.min_max(graph, values, given)["input"] == pytest.approx(expected, abs=1e-9)
        rounded = run.fake_quant(np.array(given, np.float32), expected).numpy()
        assert rounded[0] == given[0], "pixel 0 is exact"
        assert rounded[1] == pytest.approx(given[1], abs=1e-6 * given[1])


def test_a_range_of_least_squares_gives_up_a_lone_value() -> None:
    sample = np.append(np.random.default_rng(0).normal(size=50_000), 40.0).astype(np.float32)[:, None]
    means, counts = statistics._histogram(sample[:, 0])
    counts[:-1] *= 1000
    values = statistics.Values(
        sample.min(0), sample.max(0), means, counts, sample[:, 0], np.zeros(len(sample), np.intp)
    )
    limits = {"t": (float(sample.min()), float(sample.max()))}
    low, high = ranges.least_squares(limits, {"t": values}, ())["t"]
    assert high < 30
    assert low > -6
    assert ranges.least_squares(limits, {"t": values}, ("t",)) == limits


def test_the_histogram_has_equal_values_exactly() -> None:
    means, counts = statistics._histogram(np.array([0.3] * 90 + [1.7] * 10 + [-1.0], np.float32))
    np.testing.assert_allclose(means, np.array([-1.0, 0.3, 1.7], np.float32), rtol=1e-7)
    assert counts.tolist() == [1, 90, 10]


def test_correcting_biases_takes_the_mean_error_away() -> None:
    graph, x = network(), pictures(60)
    limits = {name: (-0.9, 1.1) if name == "first" else (-4.0, 4.0) for name, _ in graph.points()}
    exact: dict[str, Floats] = {}

    def means(one: Folded, tap: run.Tap) -> Floats:
        seen: dict[str, Floats] = {}

        def remember(name: str, value: Floats) -> Floats:
            if name == "classes:linear":
                seen[name] = np.asarray(value).mean(0)
            return tap(name, value)

        run.run(one, x, remember)
        return seen["classes:linear"]

    exact["float"] = means(graph, lambda name, value: value)
    corrected = bias.corrected(graph, limits, x)
    before = np.abs(means(run.with_int8_kernels(graph), run.quantizing(limits)) - exact["float"]).max()
    after = np.abs(means(run.with_int8_kernels(corrected), run.quantizing(limits)) - exact["float"]).max()
    assert before > 0.005
    assert after < before / 100


def test_the_cost_of_a_tensor_is_what_rounding_it_alone_costs() -> None:
    graph, x = network(), pictures(24)
    values, exact = statistics.collect(graph, x)
    limits = ranges.min_max(graph, values, (-1.0, 1.0)) | {"first": (-40.0, 40.0)}
    estimated = costs(graph, limits, x)
    assert max(estimated, key=lambda name: estimated[name]) == "first"
    alone = run.quantizing({"first": limits["first"]})
    true = score(exact, run.outputs(graph, x, alone).numpy()).distance
    assert estimated["first"] == pytest.approx(true, rel=0.7)


@pytest.mark.parametrize(
    "inputs", [pictures(1), np.full((5, *SHAPE), 0.25, np.float32), np.zeros((3, *SHAPE), np.float32)]
)
def test_one_picture_and_equal_pictures_give_usable_ranges(inputs: Floats) -> None:
    inputs = inputs.astype(np.float32)
    chosen = choose(network(), inputs, inputs, (-1.0, 1.0))
    assert all(np.isfinite(limits).all() and limits[0] < limits[1] for limits in chosen.ranges.values())
    assert all(low <= 0 <= high for low, high in chosen.ranges.values())
    assert all(np.isfinite(step.score.distance) for step in chosen.steps)


def test_the_same_inputs_give_the_same_choice() -> None:
    graph = provoked(network())
    one, two = (choose(graph, pictures(20), pictures(20, seed=1), (-1.0, 1.0)) for _ in range(2))
    assert one.ranges == two.ranges
    for name, weights in one.graph.weights.items():
        np.testing.assert_array_equal(weights.kernel, two.graph.weights[name].kernel)
        np.testing.assert_array_equal(weights.bias, two.graph.weights[name].bias)


def test_scores_of_outputs_that_are_no_probabilities() -> None:
    exact = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert score(exact, exact).distance == 0
    assert score(exact, exact + 1).distance == pytest.approx(1, rel=0.3)
    assert score(exact[:, :1], exact[:, :1]).agreement is None
