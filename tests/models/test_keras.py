"""The networks that are built against those of keras.applications, layer by layer the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ConfigError
from models import presets

RHO, CLASSES, PICTURES = 64, 10, 8

# Each family with two alphas where Keras has them.
NAMES = [f"{n}_{RHO}" for n in (
    "v1_025", "v1_050", "v2_035", "v2_140", "v3s_075", "v3s_100", "v3l_075", "v3l_100", "v3sm_075", "v3sm_100",
    "v3lm_075", "v3lm_100",
)]  # fmt: skip


def _randomise(reference: Any, rng: np.random.Generator) -> None:
    """Give a network weights under which its outputs differ between pictures."""
    for variable in reference.weights:
        shape, name = tuple(variable.shape), variable.path.rpartition("/")[2]
        if name == "kernel":
            depthwise = "depthwise" in variable.path or "conv_dw" in variable.path
            fan_in = np.prod(shape[:2] if depthwise else shape[:-1])
            value = rng.normal(0, np.sqrt(2 / fan_in), shape)
        else:
            low, high = {"gamma": (0.7, 1.3), "moving_variance": (0.5, 1.5)}.get(name, (-0.2, 0.2))
            value = rng.uniform(low, high, shape)
        variable.assign(value)


def _pictures(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    coarse = rng.uniform(-1, 1, (PICTURES, RHO // 8, RHO // 8, 3))
    return coarse.repeat(8, 1).repeat(8, 2).astype(np.float32)


def _with_logits(model: Any) -> Any:
    """Return the network with the input of its softmax as its first output."""
    import keras

    return keras.Model(model.input, [model.layers[-2].output, model.output])


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_those_of_keras_applications(name: str) -> None:
    from models import imagenet, keras_model

    preset, rng = presets.parse(name, CLASSES), np.random.default_rng(7)
    reference = imagenet.reference_model(preset)
    ours = keras_model.build(preset.network())
    assert ours.count_params() == reference.count_params() == preset.network().parameters
    _randomise(reference, rng)
    keras_model.set_weights(ours, imagenet.from_reference(preset, reference))

    x = _pictures(rng)
    both = _with_logits(ours)
    kernel, bias = (v for v in reference.weights if v.shape[-1] == CLASSES)
    logits = np.asarray(both(x)[0])
    scale = 2 / logits.std(axis=0).mean()
    kernel.assign(np.asarray(kernel) * scale)
    bias.assign((np.asarray(bias) - logits.mean(axis=0)) * scale)
    keras_model.set_weights(ours, imagenet.from_reference(preset, reference))

    expected, (logits, got) = np.asarray(reference(x)), map(np.asarray, both(x))
    # Flat or equal outputs would pass any comparison.
    assert logits.std(axis=0).mean() > 1
    assert expected.std(axis=0).max() > 0.1
    assert len(set(expected.argmax(axis=1))) > 1
    # In float32 the order of a sum, which is the machine's, moves a probability by up to 2e-5.
    np.testing.assert_allclose(got, expected, atol=5e-5, rtol=0)


def test_a_weight_set_wrong_is_seen() -> None:
    """The comparison above has teeth: one channel of one batch normalization moved by a tenth fails it."""
    from models import imagenet, keras_model

    preset, rng = presets.parse(f"v1_025_{RHO}", CLASSES), np.random.default_rng(7)
    reference = imagenet.reference_model(preset)
    _randomise(reference, rng)
    ours, copied = keras_model.build(preset.network()), imagenet.from_reference(preset, reference)
    copied["conv_pw_6_bn/moving_mean"] = copied["conv_pw_6_bn/moving_mean"] + np.eye(1, 128, dtype=np.float32)[0] / 10
    keras_model.set_weights(ours, copied)
    x = _pictures(rng)
    assert np.abs(np.asarray(reference(x)) - np.asarray(ours(x))).max() > 1e-5


def test_scaled_random_weights_are_not_flat() -> None:
    from models import keras_model, scaled_random

    preset = presets.parse(f"v1_025_{RHO}", CLASSES)
    model = keras_model.build(preset.network(), batch=None)
    scaled_random.initialize(model)
    out = np.asarray(model(_pictures(np.random.default_rng(3))))
    assert out.std(axis=0).max() > 0.05
    assert len(set(out.argmax(axis=1))) > 1


def test_weights_of_another_network_are_named() -> None:
    from models import keras_model

    model = keras_model.build(presets.parse("v1_025_32", CLASSES).network(), name="v1_025_32")
    right = {w.path: np.asarray(w) for w in model.weights}
    for wrong, said in (
        ({k: v for k, v in right.items() if k != "conv1/kernel"}, "conv1/kernel is missing"),
        (right | {"conv1/kernel": np.zeros((3, 3, 3, 9), np.float32)}, r"conv1/kernel has shape \(3, 3, 3, 9\)"),
        (right | {"conv9/kernel": right["conv1/kernel"]}, "it has no conv9/kernel"),
    ):
        with pytest.raises(ConfigError, match=f"not of v1_025_32: .*{said}"):
            keras_model.set_weights(model, wrong)


def test_the_training_form_has_the_same_weights_and_inference() -> None:
    from models import keras_model, scaled_random

    net = presets.parse(f"v1_025_{RHO}", CLASSES).network()
    plain, training = keras_model.build(net, batch=None), keras_model.build(net, training=True)
    assert [w.path for w in plain.weights] == [w.path for w in training.weights]
    scaled_random.initialize(plain)
    training.set_weights(plain.get_weights())
    x = _pictures(np.random.default_rng(3))
    np.testing.assert_allclose(np.asarray(training(x)), np.asarray(plain(x)), atol=1e-6)


def test_the_fused_batch_normalization_trains_like_keras() -> None:
    import keras

    from models.batch_norm import FusedBatchNormalization

    x = np.random.default_rng(0).normal(2, 3, (8, 5, 5, 4)).astype(np.float32)
    plain, fused = keras.layers.BatchNormalization(epsilon=1e-3), FusedBatchNormalization(epsilon=1e-3)
    np.testing.assert_allclose(np.asarray(fused(x, training=True)), np.asarray(plain(x, training=True)), atol=1e-4)
    np.testing.assert_allclose(np.asarray(fused.moving_mean), np.asarray(plain.moving_mean), atol=1e-5)
    # Keras keeps the variance of the batch, the fused operator the unbiased one: n / (n - 1) of it
    n = x.size // x.shape[-1]
    kept = np.asarray(plain.moving_variance) - 0.99
    np.testing.assert_allclose(np.asarray(fused.moving_variance) - 0.99, kept * n / (n - 1), rtol=1e-3)
