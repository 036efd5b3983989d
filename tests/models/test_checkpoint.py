"""Checkpoints: the same bytes each time, and what is said of a file that is none."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from artifact import sha256_of
from datasets import Identity
from datasets.pictures import key_of
from errors import ConfigError
from models import checkpoint, presets, weights

FACTS = checkpoint.CheckpointFacts("v1_025_32", 4, 3, ("a", "b", "c", "d"), (-1.0, 1.0), "npz:x.npz")
TABLE = {name: value for name, value in asdict(FACTS).items() if value is not None}
WEIGHTS = {"conv1/kernel": np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2), "b": np.ones(2, np.float32)}
SHIPPED = sorted(checkpoint.SHIPPED_DIR.glob("*.npz"))
RESULTS = ("float_top1", "test_pictures", "stored_as", "command", "recipe", "history")


def _data(name: str) -> Identity:
    return Identity(name, name.replace(":", "-"))


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        checkpoint.save(tmp_path / name / "x.npz", WEIGHTS, FACTS)
    for file in ("x.npz", "x.json"):
        assert sha256_of(tmp_path / "a" / file) == sha256_of(tmp_path / "b" / file)
    with zipfile.ZipFile(tmp_path / "a" / "x.npz") as archive:  # an hour later too
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    read = checkpoint.load(tmp_path / "a" / "x.npz")
    assert list(read) == list(WEIGHTS)
    assert all(read[name].dtype == np.float32 and (read[name] == WEIGHTS[name]).all() for name in WEIGHTS)
    assert checkpoint.load_facts(tmp_path / "a" / "x.npz") == FACTS


@pytest.mark.parametrize("keep", [0, 1, 10, 100, -1, -30])
def test_a_cut_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "x.npz"
    checkpoint.save(path, WEIGHTS, FACTS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ConfigError, match="not a checkpoint of `inv train`"):
        checkpoint.load(path)


def test_a_flipped_byte(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    checkpoint.save(path, WEIGHTS, FACTS)
    raw = bytearray(path.read_bytes())
    raw[80] ^= 0xFF
    path.write_bytes(bytes(raw))
    with pytest.raises(ConfigError, match="not a checkpoint"):
        checkpoint.load(path)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    with (tmp_path / "lone.npz").open("wb") as lone:
        np.save(lone, np.ones(3))
    with zipfile.ZipFile(tmp_path / "keras.npz", "w") as archive:  # what a .keras is
        archive.writestr("config.json", "{}")
    for name in ("text", "lone", "keras", "absent"):
        with pytest.raises(ConfigError, match=f"{name}.npz: not a checkpoint"):
            checkpoint.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "expected the facts"),
        ("[]", "key preset: expected str"),
        (json.dumps(TABLE | {"labels": "a,b"}), "key labels: expected list"),
        (json.dumps({k: v for k, v in TABLE.items() if k != "input_range"}), "key input_range: expected list"),
    ],
)
def test_damaged_facts(tmp_path: Path, table: str, said: str) -> None:
    checkpoint.save(tmp_path / "x.npz", WEIGHTS, FACTS)
    (tmp_path / "x.json").write_text(table)
    with pytest.raises(ConfigError, match=said):
        checkpoint.load_facts(tmp_path / "x.npz")


def test_a_checkpoint_of_another_network_is_refused_before_it_is_read(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "x.npz", WEIGHTS, FACTS)
    given = str(tmp_path / "x.npz")
    with pytest.raises(ConfigError, match=r"weights are of v1_025_32, not of v2_035; give --model v1_025_32"):
        weights.resolve("v2_035", given, _data("npz:x.npz"), ("a", "b"), 3)
    assert weights.resolve("v1_025_64", given, _data("other"), ("a", "b"), 3).preset == presets.parse("v1_025_64", 4)


def test_channels_that_the_checkpoint_has_not(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "x.npz", WEIGHTS, FACTS)
    with pytest.raises(ConfigError, match="--channels 1: x.npz takes 3"):
        weights.resolve("v1_025_32", str(tmp_path / "x.npz"), _data("npz:x.npz"), ("a", "b", "c", "d"), 1)


def test_one_s_own_training_goes_before_what_is_shipped(home: Path) -> None:
    preset = presets.parse("v1_025_32", 4)
    path = weights.trained_path(preset, _data("npz:own.npz"))
    with pytest.raises(ConfigError, match="no checkpoint for npz:own.npz .*`inv train --model v1_025_32"):
        weights.resolve("v1_025_32", None, _data("npz:own.npz"), ("a",) * 4, 3)
    checkpoint.save(path, WEIGHTS, FACTS)
    assert weights.resolve("v1_025_32", None, _data("npz:own.npz"), ("a",) * 4, 3).path == path


def test_weights_of_another_rho_serve_until_there_are_own_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "TRAINED_DIR", tmp_path)
    found = weights.resolve("v1_025_96", None, _data("fashion_mnist"), ("a",) * 10, 3)
    assert found.preset == presets.parse("v1_025_96", 10)
    assert found.path == checkpoint.shipped_path("v1_025", "fashion_mnist")
    assert "at ρ 128; `inv train --model v1_025_96` makes its own" in found.describe()
    mine = replace(FACTS, preset="v1_025_64", data="fashion_mnist")
    for name, expected in (("v1_025_64", "v1_025_64"), ("v1_025_96", "v1_025_96")):
        path = weights.trained_path(presets.parse(name, 4), _data("fashion_mnist"))
        checkpoint.save(path, WEIGHTS, replace(mine, preset=name))
        found = weights.resolve("v1_025_96", None, _data("fashion_mnist"), ("a",) * 4, 3)
        assert found.path is not None
        assert found.path.name == f"{expected}.fashion_mnist.npz"
    assert found.describe() == "v1_025_96.fashion_mnist.npz (trained on fashion_mnist)"


@pytest.mark.parametrize(("rho", "ratio"), [(32, 4.0), (64, 2.0), (96, 4 / 3), (128, 1.0), (256, 2.0)])
def test_how_far_the_size_is_from_that_of_training(rho: int, ratio: float) -> None:
    name = f"v1_025_{rho}" if rho != 128 else "v1_025"
    source = weights.resolve(name, None, _data("fashion_mnist"), ("a",) * 10, 3)
    assert source.trained_rho == 128
    assert source.rho_ratio == pytest.approx(ratio)
    assert weights.resolve(name, "random", _data("fashion_mnist"), ("a",) * 10, 3).rho_ratio == 1.0


def test_weights_of_another_rho_need_the_same_channels_alpha_and_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "TRAINED_DIR", tmp_path)
    for name, channels in (("v1_025_96", 1), ("v1_050_96", 3), ("v1s_025_96", 3)):
        with pytest.raises(ConfigError, match="no checkpoint for fashion_mnist"):
            weights.resolve(name, None, _data("fashion_mnist"), ("a",) * 10, channels)


def test_two_folders_of_one_name_have_checkpoints_of_their_own(tmp_path: Path) -> None:
    keys = {key_of(tmp_path / where / "pets", classes) for where in "ab" for classes in (("cat",), ("cat", "dog"))}
    assert len(keys) == 4
    assert all(key.startswith("pets-") for key in keys)


def test_a_checkpoint_says_that_its_pictures_changed(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "x.npz", WEIGHTS, replace(FACTS, pictures="1234"))
    path = str(tmp_path / "x.npz")
    for digest, expected in (("1234", False), ("5678", True)):
        data = Identity("npz:x.npz", "x.npz-0", digest)
        found = weights.resolve("v1_025_32", path, data, ("a",) * 4, 3)
        assert found.pictures_changed is expected
        assert ("whose pictures changed since" in found.describe()) is expected


# What we ship


def test_there_are_checkpoints_of_the_four_networks() -> None:
    assert {"v1_025", "v2_035", "v3sm_075", "v3s_075"} <= {p.name.partition(".")[0] for p in SHIPPED}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_file_is_small_and_says_how_it_was_made(path: Path) -> None:
    assert path.stat().st_size < 3_000_000
    facts = checkpoint.load_facts(path)
    recipe, history = cast(dict[str, Any], facts.recipe), facts.history
    assert history is not None
    assert facts.float_top1 is not None
    assert path == checkpoint.shipped_path(facts.preset, facts.data)
    assert all(getattr(facts, name) is not None for name in RESULTS)
    assert facts.test_pictures == 10_000
    assert (facts.command or "").startswith(f"./inv train --model {facts.preset} ")
    steady = [row for row in history if "divergence" in row]
    assert bool(steady) == ("steady" in recipe) == (" -m calibration.aware.steady " in (facts.command or ""))
    assert len(history) - len(steady) == sum(epochs for _, epochs in recipe["stages"])
    assert recipe["stages"][-1][0] == presets.parse(facts.preset).rho
    for row in history:
        assert {"epoch", "side", "loss", "accuracy"} <= row.keys()
    if facts.preset in ("v1_025", "v2_035"):
        assert facts.float_top1 >= 0.9
