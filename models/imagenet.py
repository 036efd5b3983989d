"""Weights from `keras.applications`: the same networks, under their names. Imports TensorFlow."""

from __future__ import annotations

import math
import socket
from dataclasses import replace

import keras
import numpy as np

from errors import ConfigError
from models import checkpoint
from models.presets import Preset

# What Keras publishes. V3's weights are for 224, and fit any rho; its minimalistic ones are for alpha = 1 alone.
PUBLISHED_RHO = {"v1": (128, 160, 192, 224), "v2": (96, 128, 160, 192, 224)}
PUBLISHED_ALPHA = {
    "v1": (0.25, 0.5, 0.75, 1.0),
    "v2": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
    "v3l": (0.75, 1.0),
    "v3s": (0.75, 1.0),
    "v3lm": (1.0,),
    "v3sm": (1.0,),
}


DOWNLOAD_PAUSE_S = 30.0
"""Longest silence of a server before a download is given up."""


def nearest_published(preset: Preset) -> Preset | None:
    """Return the preset of 1000 classes whose weights Keras publishes at the nearest rho, None if there is none."""
    rhos = PUBLISHED_RHO.get(preset.family, (preset.rho,))
    if preset.alpha not in PUBLISHED_ALPHA.get(preset.family, ()) or preset.channels != 3:
        return None
    rho = min(rhos, key=lambda side: (abs(math.log(side / preset.rho)), -side))
    return replace(preset, rho=rho, classes=1000)


def check_published(preset: Preset) -> None:
    """Raise ConfigError if Keras has no ImageNet weights for the preset."""
    alphas = PUBLISHED_ALPHA.get(preset.family, ())
    rhos = PUBLISHED_RHO.get(preset.family, (preset.rho,))
    if preset.alpha not in alphas or preset.rho not in rhos:
        takes = f"alpha {', '.join(map(str, alphas))}" if alphas else "no alpha"
        takes += f" and rho {', '.join(map(str, rhos))}" if preset.family in PUBLISHED_RHO else ""
        raise ConfigError(
            f"--weights imagenet: Keras publishes {preset.family} with {takes}, not alpha {preset.alpha} at rho "
            f"{preset.rho}; choose one of these or `inv train`"
        )
    if preset.channels != 3:
        raise ConfigError(f"--weights imagenet: they take 3 channels, got {preset.channels}")


def reference_model(preset: Preset, weights: str | None = None) -> keras.Model:
    """Return the network of `keras.applications` that a preset equals. `weights` is None or "imagenet"."""
    shape = (preset.rho, preset.rho, preset.channels)
    common: dict[str, object] = {
        "input_shape": shape,
        "alpha": preset.alpha,
        "weights": weights,
        "classes": preset.classes,
    }
    match preset.family:
        case "v1":
            return keras.applications.MobileNet(**common)
        case "v2":
            return keras.applications.MobileNetV2(**common)
        case "v3l" | "v3s" | "v3lm" | "v3sm":
            large, minimalistic = preset.family[2] == "l", preset.family.endswith("m")
            make = keras.applications.MobileNetV3Large if large else keras.applications.MobileNetV3Small
            return make(**common, minimalistic=minimalistic, include_preprocessing=False)
    raise ConfigError(f"keras.applications has no {preset.family}")


def load(preset: Preset) -> checkpoint.Weights:
    """Return Keras's ImageNet weights by our names; Keras downloads the file once into ~/.keras/models.

    Raises ConfigError if there are none for the preset or they can't be downloaded.
    """
    check_published(preset)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_PAUSE_S)
    try:
        reference = reference_model(preset, weights="imagenet")
    except Exception as e:  # Keras raises a bare Exception when the download fails
        reason = (str(e).splitlines() or [type(e).__name__])[0]
        raise ConfigError(
            f"--weights imagenet: Keras could not download them ({reason}); try again with a network"
        ) from e
    finally:
        socket.setdefaulttimeout(before)
    return from_reference(preset, reference)


def from_reference(preset: Preset, reference: keras.Model) -> checkpoint.Weights:
    """Return the weights of a `keras.applications` network by the names of ours."""
    weights: checkpoint.Weights = {}
    for layer in preset.network().layers:
        if not layer.has_weights:
            continue
        theirs = reference.get_layer(_their_name(preset.family, layer.name))
        for variable in theirs.weights:
            value = np.asarray(variable)
            if layer.op == "dense" and value.ndim == 4:  # V1 and V3 end in a 1x1 convolution
                value = value[0, 0]
            weights[f"{layer.name}/{variable.name}"] = value
        if layer.batch_norm:
            for variable in reference.get_layer(_their_batch_norm(preset.family, layer.name)).weights:
                weights[f"{layer.name}_bn/{variable.name}"] = np.asarray(variable)
    return weights


def _their_name(family: str, name: str) -> str:
    if not family.startswith("v3"):
        return name
    return name.replace("_se_reduce", "_squeeze_excite_conv").replace("_se_expand", "_squeeze_excite_conv_1")


def _their_batch_norm(family: str, name: str) -> str:
    if family == "v2":
        return {"Conv1": "bn_Conv1", "Conv_1": "Conv_1_bn"}.get(name, f"{name}_BN")
    return f"{name}_bn"
