"""The weights that a training begins with: a checkpoint's, ImageNet's, or random ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from errors import ConfigError
from models import checkpoint, imagenet, keras_model, presets
from models.training import beginning as beginnings
from models.training.beginning import Beginning
from models.training.train import train
from tests.models.training_setup import TINY, tiny_data

FACTS = checkpoint.CheckpointFacts("v1_050_32", 4, 3, ("a", "b", "c", "d"), (-1.0, 1.0), "npz:x.npz")


def test_weights_to_begin_with_of_another_network(tiny: presets.Preset, tmp_path: Path) -> None:
    other = Beginning("other.npz", {"conv/kernel": np.ones((3, 3, 3, 5), np.float32)})
    with pytest.raises(ConfigError, match="not of v1_025_32: conv/kernel has shape"):
        train(tiny, tiny_data(16), TINY, tmp_path / "x.npz", "test", other)


def test_a_classifier_of_other_classes_starts_from_scratch(tiny: presets.Preset, tmp_path: Path) -> None:
    ten = keras_model.build(replace(tiny, classes=10).network())
    checkpoint.save(tmp_path / "ten.npz", {w.path: np.asarray(w) for w in ten.weights}, FACTS, np.float32)
    found = beginnings.choose(str(tmp_path / "ten.npz"), tiny, is_small=False)
    assert found.weights is not None
    assert not found.has_classifier
    assert {w.path for w in ten.weights} - found.weights.keys() == {"classes/kernel", "classes/bias"}
    assert beginnings.choose(str(tmp_path / "ten.npz"), replace(tiny, classes=10), is_small=False).has_classifier


@pytest.mark.parametrize(
    ("name", "published"),
    [("v1_025_96", "v1_025"), ("v1_050_320", "v1_050_224"), ("v2_035_96", "v2_035_96"), ("v3s_075_96", "v3s_075_96"),
     ("v3sm_075", None), ("v1s_025", None), ("v2_040", None)],
)  # fmt: skip
def test_the_nearest_weights_that_keras_publishes(name: str, published: str | None) -> None:
    found = imagenet.nearest_published(presets.parse(name, 3))
    assert (found.name if found else None) == published
    assert found is None or found.classes == 1000
    assert imagenet.nearest_published(presets.parse(name, 3, channels=1)) is None


def test_weights_of_imagenet_where_no_checkpoint_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset, asked = presets.parse("v1_050_96", 2), []

    def load(published: presets.Preset) -> checkpoint.Weights:
        asked.append(published.name)
        print("Downloading data")
        return {"conv1/kernel": np.ones((1, 2), np.float32), "conv_preds/kernel": np.ones((1, 1000), np.float32)}

    monkeypatch.setattr(imagenet, "load", load)
    found = beginnings.choose(None, preset, is_small=True)
    assert (found.name, set(found.weights or ())) == ("imagenet", {"conv1/kernel"})
    assert asked == ["v1_050"]
    assert capsys.readouterr().out == ""

    def fail(published: presets.Preset) -> checkpoint.Weights:
        raise ConfigError("--weights imagenet: Keras could not download them (no network)")

    monkeypatch.setattr(imagenet, "load", fail)
    assert beginnings.choose(None, preset, is_small=True) == Beginning()
    assert "begins with random weights: --weights imagenet: Keras could not" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="could not download"):
        beginnings.choose("imagenet", preset, is_small=True)
