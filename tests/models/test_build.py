"""The Keras file: the same bytes each time, from each kind of weights, and what is said of the wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import Artifact, NoFacts, produce
from datasets import Dataset, Identity
from errors import ConfigError
from models import build, presets, weights
from models.build import KerasFacts, PresetFacts
from tests.pipeline.small import CLASSES, PRESET, SHARED_DATA, at_home, tiny_network

VWW = SHARED_DATA / "mlperf_vww_96.h5"


FOUR = Identity("npz:four.npz", "four.npz-0")


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each preset be a network of three layers, which is built in a tenth of the time."""
    monkeypatch.setattr(presets.Preset, "network", tiny_network)


def _resolve(given: str | None, model: str = PRESET, labels: tuple[str, ...] = CLASSES) -> weights.Source:
    return weights.resolve(model, given, FOUR, labels, 3)


def _network(classes: int = 4) -> Any:
    from models import keras_model, scaled_random

    model = keras_model.build(presets.parse(PRESET, classes).network(), batch=1, name=PRESET)
    scaled_random.initialize(model)
    return model


def _same_weights(path: Path, model: Any) -> bool:
    import keras

    found = keras.models.load_model(path, compile=False)
    return all(np.array_equal(a, b) for a, b in zip(found.get_weights(), model.get_weights(), strict=True))


def test_facts(network: Artifact[KerasFacts]) -> None:
    preset = presets.parse(PRESET, 4)
    facts = network.facts
    assert facts.parameters == preset.network().parameters
    assert facts.preset == PresetFacts(PRESET, "v1", 0.25, 32, preset.network().macs)
    assert (facts.labels, facts.input_range) == (CLASSES, (-1.0, 1.0))
    assert (facts.input_shape, facts.classes) == ((1, 32, 32, 3), 4)
    assert not [p.name for p in network.path.parent.iterdir() if "raw" in p.name]


def test_two_builds_give_the_same_bytes(network: Artifact[KerasFacts], tmp_path: Path) -> None:
    """In one process, where Keras numbers its objects on, and with another day in the clock."""
    with at_home(tmp_path):
        again = build.build(_resolve("random"), CLASSES)
    assert not again.reused
    assert again.path != network.path
    assert again.sha256 == network.sha256


def test_a_second_build_is_reused(network: Artifact[KerasFacts]) -> None:
    again = build.build(_resolve("random"), CLASSES)
    assert again.reused
    assert again.path == network.path


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".h5"])
def test_weights_from_each_kind_of_file(suffix: str, tmp_path: Path) -> None:
    model, path = _network(), tmp_path / f"mine{suffix}"
    if suffix == ".weights.h5":
        model.save_weights(path)
    else:
        model.save(path)
    made = build.build(_resolve(str(path)), CLASSES)
    assert _same_weights(made.path, model)


@pytest.mark.usefixtures("_tiny")
def test_a_model_file_gets_a_fixed_batch(tmp_path: Path) -> None:
    import keras

    from models import keras_model

    model = keras_model.build(presets.parse(PRESET, 4).network(), name="mine")
    model.save(tmp_path / "mine.keras")
    made = build.build(_resolve(None, model=str(tmp_path / "mine.keras")), CLASSES)
    assert made.name == "mine"
    assert made.facts.input_shape == (1, 8, 8, 3)
    assert keras.models.load_model(made.path, compile=False).input_shape == (1, 8, 8, 3)
    assert _same_weights(made.path, model)
    with at_home(tmp_path / "home"):
        again = build.build(_resolve(None, model=str(tmp_path / "mine.keras")), CLASSES)
    assert again.sha256 == made.sha256


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_of_another_network(suffix: str, tmp_path: Path, home: Path) -> None:
    path = tmp_path / f"other{suffix}"
    other = _network(classes=5)
    other.save_weights(path) if suffix == ".weights.h5" else other.save(path)
    with pytest.raises(ConfigError) as caught:
        build.build(_resolve(str(path)), CLASSES)
    assert str(caught.value).startswith(f"--weights {path}: not the weights of {PRESET} (")
    assert "\n" not in str(caught.value)
    assert not list(home.rglob(".making-*"))


@pytest.mark.parametrize("name", ["x.keras", "x.h5", "x.weights.h5"])
@pytest.mark.parametrize("as_model", [False, True])
def test_files_that_are_no_networks(name: str, as_model: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04 and then nothing of use")
    source = _resolve(None, model=str(path)) if as_model else _resolve(str(path))
    with pytest.raises(ConfigError) as caught:
        build.build(source, CLASSES)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    (tmp_path / "trained.keras").touch()
    with pytest.raises(ConfigError, match=r"no such file; did you mean trained.keras\?"):
        _resolve(None, model=str(tmp_path / "traned.keras"))
    with pytest.raises(ConfigError, match=r"no such file; did you mean trained.keras\?; give a .keras, .h5"):
        _resolve(str(tmp_path / "trainde.keras"))
    with pytest.raises(ConfigError, match="there is no folder"):
        _resolve(None, model=str(tmp_path / "nowhere" / "x.keras"))
    (tmp_path / "x.txt").touch()
    with pytest.raises(ConfigError, match=r"expected .keras, .h5, .weights.h5 or .npz, got .txt"):
        _resolve(str(tmp_path / "x.txt"))
    with pytest.raises(ConfigError, match="has weights of its own"):
        _resolve("random", model=str(tmp_path / "trained.keras"))


def _of_shape(shape: tuple[int | None, ...], path: Path) -> Path:
    import keras

    x = keras.Input(shape)
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 1)(x)) if len(shape) == 3 else x
    keras.Model(x, keras.layers.Dense(4, activation="softmax")(y)).save(path)
    return path


def test_a_network_of_open_size_is_refused(tmp_path: Path) -> None:
    path = _of_shape((None, None, 3), tmp_path / "odd.keras")
    with pytest.raises(ConfigError, match="no fixed size"):
        build.build(_resolve(None, model=str(path)), CLASSES)


@pytest.mark.parametrize("shape", [(32, 32, 2), (9,)])
def test_networks_of_arrays_are_built(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = _of_shape(shape, tmp_path / "array.keras")
    assert build.build(_resolve(None, model=str(path)), CLASSES).facts.classes == 4


@pytest.mark.usefixtures("_tiny")
def test_a_network_of_other_classes(tmp_path: Path) -> None:
    _network().save(tmp_path / "four.keras")
    with pytest.raises(ConfigError, match="it has 4 classes, the labels are 2; give its own --data"):
        build.build(_resolve(None, model=str(tmp_path / "four.keras")), ("a", "b"))


def test_an_input_range_that_contradicts_the_checkpoint() -> None:
    with pytest.raises(ConfigError, match=r"--input-range: v1_025_32 takes \[-1.0, 1.0\], got \[0.0, 1.0\]"):
        build.build(_resolve("random"), CLASSES, (0.0, 1.0))


@pytest.mark.skipif(not VWW.is_file(), reason="needs ../shared/data/mlperf_vww_96.h5")
def test_an_old_file_with_groups_in_its_depthwise_convolutions_loads() -> None:
    made = build.build(_resolve(None, model=str(VWW)), ("no", "person"), (0.0, 1.0))
    assert made.facts.input_shape == (1, 96, 96, 3)
    assert made.facts.input_range == (0.0, 1.0)
    assert made.facts.parameters > 200_000


def test_imagenet_weights_that_are_not_published() -> None:
    from models import imagenet

    for name, said in (
        ("v1_030", "publishes v1 with alpha 0.25, 0.5, 0.75, 1.0 and rho 128, 160, 192, 224, not alpha 0.3"),
        ("v1_025_64", "not alpha 0.25 at rho 64"),
        ("v3sm_075", "publishes v3sm with alpha 1.0, not alpha 0.75"),
        ("v1s_025", "publishes v1s with no alpha"),
    ):
        with pytest.raises(ConfigError, match=said):
            imagenet.check_published(presets.parse(name))
    with pytest.raises(ConfigError, match="they take 3 channels, got 1"):
        imagenet.check_published(presets.parse("v1_025", channels=1))


def test_imagenet_weights_without_a_network_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def fail(*_: Any, **__: Any) -> None:
        raise Exception("")

    monkeypatch.setattr(keras.applications, "MobileNet", fail)
    with pytest.raises(ConfigError, match="Keras could not download them .*; try again with a network"):
        build.build(weights.resolve("v1_025", "imagenet", FOUR, CLASSES, 3), CLASSES)


@pytest.mark.usefixtures("_tiny")
def test_a_full_disk_leaves_nothing(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import zipfile

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with at_home(tmp_path), pytest.raises(ConfigError, match="can't be written .*free disk space"):
        build.build(_resolve("random"), CLASSES)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_the_digest_holds_all_that_goes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def make(folder: Path) -> NoFacts:
        (folder / "x").write_text("")
        return NoFacts()

    def remember(*a: Any, **inputs: Any) -> Artifact[NoFacts]:
        seen.append(inputs | {"name": a[1]})
        return produce("x", "x", "x", NoFacts, make, build_dir=tmp_path)

    monkeypatch.setattr(build, "produce", remember)
    for source, labels in (
        (_resolve("random"), CLASSES),
        (_resolve("random", model="v1_025_64"), CLASSES),
        (_resolve("random", labels=("a", "b")), ("a", "b")),
        (weights.resolve(PRESET, "random", FOUR, CLASSES, 1), CLASSES),
    ):
        build.build(source, labels)
    assert len({repr(inputs) for inputs in seen}) == len(seen)
    assert all(set(inputs["tools"]) == {"tensorflow", "keras"} for inputs in seen)
