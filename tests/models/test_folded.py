"""The folded graph says what the Keras model says, and names the layer that it does not know."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from models.folded import run
from models.folded.graph import UnknownLayer, snap
from models.folded.read import from_keras
from models.folded.to_keras import ranges_of, to_keras, weights_of


def _normalized(x: keras.KerasTensor, rng: np.random.Generator) -> keras.KerasTensor:
    layer = layers.BatchNormalization(epsilon=1e-3)
    y = layer(x)
    size = x.shape[-1]
    layer.set_weights(
        [
            rng.uniform(0.5, 2, size), rng.normal(size=size), rng.normal(size=size),
            rng.uniform(0.2, 3, size),
        ]
    )  # fmt: skip
    return y


def small_network(batch: int | None = None) -> keras.Model:
    """Return a network of 8x8 pictures that has each kind of layer of the presets, and those of a user."""
    rng = np.random.default_rng(0)
    source = keras.Input((8, 8, 3), batch_size=batch)
    x = layers.Rescaling(2.0, -0.5)(source)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.ReLU(6.0)(_normalized(layers.Conv2D(8, 3, 2, use_bias=False)(x), rng))
    x = layers.Activation("hard_swish")(_normalized(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x), rng))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(4, 1, activation="relu")(gate)
    gate = layers.Activation("hard_sigmoid")(layers.Conv2D(8, 1)(gate))
    x = layers.Multiply()([x, gate])
    gate = layers.Conv2D(8, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = x * (layers.ReLU(6.0)(gate + 3.0) * (1 / 6))
    x = layers.Add()([x, _normalized(layers.Conv2D(8, 1)(x), rng)])
    x = layers.ReLU()(x)
    inner = keras.Sequential([keras.Input((4, 4, 8)), layers.MaxPooling2D(2), layers.Dropout(0.5), layers.Flatten()])
    x = layers.Dense(5, activation="softmax")(inner(x))
    return keras.Model(source, x, name="small")


def test_the_folded_graph_and_its_keras_twin_say_what_the_model_says() -> None:
    model = small_network()
    pictures = np.random.default_rng(1).normal(size=(6, 8, 8, 3)).astype(np.float32)
    expected = np.asarray(model(pictures))
    graph = from_keras(model)
    kinds = {(node.op, node.activation) for node in graph.nodes}
    assert {("conv", "hard_sigmoid"), ("depthwise", "hard_swish"), ("add", "relu"), ("conv", "relu6")} <= kinds
    assert not any(node.op == "identity" for node in graph.nodes), "an activation was left alone"
    assert sum(node.activation == "hard_sigmoid" for node in graph.nodes) == 2, "one is written as relu6(x + 3) / 6"
    np.testing.assert_allclose(run.outputs(graph, pictures, batch=4).numpy(), expected, atol=1e-6)
    twin = to_keras(graph)
    np.testing.assert_allclose(np.asarray(twin(pictures)), expected, atol=1e-6)
    for name, weights in weights_of(twin, graph).items():
        np.testing.assert_array_equal(weights.kernel, graph.weights[name].kernel)
        np.testing.assert_array_equal(weights.bias, graph.weights[name].bias)


def test_a_keras_model_with_fake_quant_equals_the_graph_with_the_same_ranges() -> None:
    graph = from_keras(small_network())
    pictures = np.random.default_rng(2).normal(size=(3, 8, 8, 3)).astype(np.float32)
    ranges = {point: (-1.5, 2.5) for point, _ in graph.points()}
    model = to_keras(graph, ranges, int8_kernels=True)
    expected = run.outputs(run.with_int8_kernels(graph), pictures, run.quantizing(ranges)).numpy()
    np.testing.assert_allclose(np.asarray(model(pictures)), expected, atol=2e-3)
    assert ranges_of(model, graph) == ranges
    fixed = to_keras(run.with_int8_kernels(graph), ranges, are_ranges_fixed=True)
    np.testing.assert_allclose(np.asarray(fixed(pictures)), expected, atol=2e-3)
    assert len(fixed.weights) == 2 * len(graph.weights)
    assert np.abs(expected - run.outputs(graph, pictures).numpy()).max() > 5e-3, "the ranges change nothing"


def test_each_tap_is_seen_once_in_order_and_what_it_returns_goes_on() -> None:
    graph = from_keras(small_network())
    seen: list[str] = []

    def tap(name: str, value: object) -> object:
        seen.append(name)
        return value

    run.run(graph, np.zeros((1, 8, 8, 3), np.float32), tap)
    assert [name for name in seen if not name.endswith(":linear")] == [point for point, _ in graph.points()]
    zero = run.run(graph, np.ones((1, 8, 8, 3), np.float32), lambda name, value: value * (name != "input"))
    np.testing.assert_allclose(zero, run.run(graph, np.zeros((1, 8, 8, 3), np.float32)), atol=1e-6)


def test_a_kernel_is_rounded_with_one_scale_an_output_channel() -> None:
    kernel = np.zeros((1, 1, 2, 3), np.float32)
    kernel[..., 0] = [[[127, 1.4]]]
    kernel[..., 1] = [[[0.0127, 0.00014]]]
    rounded = snap(kernel, "conv")
    np.testing.assert_allclose(rounded[0, 0, :, 0], [127, 1])
    np.testing.assert_allclose(rounded[0, 0, :, 1], [0.0127, 0.0001], rtol=1e-5)
    np.testing.assert_array_equal(rounded[0, 0, :, 2], 0)


def _on(*more: Callable[..., object]) -> keras.Model:
    x = source = keras.Input((8, 8, 4))
    for layer in more:
        x = layer(x)
    return keras.Model(source, x)


UNKNOWN = {
    "LayerNormalization": lambda: _on(layers.LayerNormalization(name="odd")),
    "batch normalization that does not follow": lambda: _on(layers.BatchNormalization(name="odd")),
    "with 2 groups": lambda: _on(layers.Conv2D(4, 1, groups=2, name="odd")),
    "depth multiplier of 2": lambda: _on(layers.DepthwiseConv2D(3, depth_multiplier=2, name="odd")),
    "activation tanh": lambda: _on(layers.Conv2D(4, 1, activation="tanh", name="odd")),
    "limits other than 0 and 6": lambda: _on(layers.ReLU(4.0, name="odd")),
    "more than one row": lambda: _on(layers.Dense(3, name="odd")),
    "not finite": lambda: _on(layers.Conv2D(4, 1, bias_initializer=keras.initializers.Constant(np.nan), name="odd")),
}


@pytest.mark.parametrize("reason", UNKNOWN)
def test_an_unknown_layer_is_named(reason: str) -> None:
    with pytest.raises(UnknownLayer, match=f"layer 'odd' .*{reason}"):
        from_keras(UNKNOWN[reason]())


def test_a_layer_used_twice_is_named() -> None:
    shared = layers.Conv2D(4, 1, name="odd")
    with pytest.raises(UnknownLayer, match="layer 'odd' is used more than once"):
        from_keras(_on(shared, shared))


def test_a_tensor_read_twice_keeps_its_activation_apart() -> None:
    source = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 1, name="conv")(source)
    model = keras.Model(source, layers.Add()([x, layers.ReLU(name="after")(x)]))
    graph = from_keras(model)
    assert graph["conv"].activation == ""
    assert graph["after"].op == "identity"
    pictures = np.random.default_rng(3).normal(size=(2, 8, 8, 4)).astype(np.float32)
    np.testing.assert_allclose(run.outputs(graph, pictures), np.asarray(model(pictures)), atol=1e-6)
    np.testing.assert_allclose(np.asarray(to_keras(graph)(pictures)), run.outputs(graph, pictures), atol=1e-6)
