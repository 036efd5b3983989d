"""What `inv train` does with options, data and known weights before TensorFlow is imported, and what it says after."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import datasets
from artifact import write_atomic
from datasets import Dataset, Split
from datasets.npz import of_pictures
from errors import ConfigError
from models import checkpoint, presets, training, weights
from models.training import beginning, data_checks, held_out, notes, summary
from models.training.recipe import Recipe, Wishes, batch_for, parse_stages, recipe_for

PRESET = presets.parse("v1_025_32", 4)
FACTS = checkpoint.CheckpointFacts("v1_050_32", 4, 3, ("a", "b", "c", "d"), (-1.0, 1.0), "npz:x.npz")


def test_sides_of_epochs() -> None:
    recipe = Recipe(((32, 1), (64, 2)))
    assert [recipe.side_of(epoch) for epoch in range(3)] == [32, 64, 64]
    with pytest.raises(ValueError, match="3 epochs"):
        recipe.side_of(3)


@pytest.mark.parametrize(
    ("text", "stages"), [(None, ((32, 3), (32, 6))), ("64:1", ((64, 1),)), ("48:3,32:2", ((48, 3), (32, 2)))]
)
def test_stages(text: str | None, stages: Any) -> None:
    assert parse_stages(text, PRESET, 100) == stages


def test_few_pictures_are_seen_more_often() -> None:
    assert parse_stages(None, PRESET, 2) == ((32, 69), (32, 138))


@pytest.mark.parametrize("text", ["", "64", "64:", "64:1,", "a:b", "64:0", "16:1", "999:1", "64:1:1", "-64:1"])
def test_bad_stages(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--stages {text}: "):
        parse_stages(text, PRESET, 100)


def _data(labels: Any, tests: int = 4, names: Any = ("a", "b"), equal: bool = False) -> Dataset:
    truth = np.asarray(labels, np.int64)
    pixels = np.zeros((len(truth), 8, 8, 3), np.uint8)
    if not equal:
        pixels[:, 0, 0, 0] = np.arange(len(truth))
    test = of_pictures(np.zeros((tests, 8, 8, 3), np.uint8), np.arange(tests) % len(names))
    return Dataset("mine", tuple(names), of_pictures(pixels, truth), test, "mine")


def _ask(data: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **changed: Any) -> Any:
    """Call `run` with a data set, in a process that can't import TensorFlow."""
    asked = {"model": "v1_025_32", "weights": "random", "out": str(tmp_path / "x.npz")} | changed
    wishes = Wishes(**{name: asked.pop(name) for name in ("batch", "learning_rate", "stages") if name in asked})
    monkeypatch.setattr(datasets, "load", lambda spec: data)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    return training.run(data="mine", channels=3, wishes=wishes, command="", **asked)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"out": "x.h5"}, "--out x.h5: expected a name that ends in .npz"),
        ({"batch": 0}, "--batch 0"),
        ({"learning_rate": 2.0}, "--learning-rate 2.0"),
        ({"weights": "nowhere.npz"}, "nowhere.npz"),
        ({"model": "v9_100"}, "--model v9_100"),
        ({"stages": "7"}, "--stages 7"),
    ],
)
def test_bad_options_are_said_before_anything_is_trained(
    changed: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        _ask(_data([0, 1] * 8), monkeypatch, tmp_path, **changed)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_data([]), "expected pictures to train and to test with, has 0 and 4; give at least 2"),
        (_data([0, 1], tests=0), "expected pictures to train and to test with, has 2 and 0"),
        (_data([0] * 9, names=("a",)), "has one class \\(a\\), expected two or more"),
        (_data([1] * 9), "all training .* of one class \\(b\\), those of a \\(its 2 are for testing\\) are missing"),
        (_data([1] * 9, tests=1), "those of a \\(its one picture is for testing\\) are missing; add pictures"),
        (_data([0, 1, 1], names="abcdefg"), "has 3 training pictures of 7 classes"),
        (_data([0, 1] * 9, equal=True), "all 18 training pictures are equal"),
    ],
)
def test_data_that_nothing_can_be_learned_from(
    data: Dataset, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"^--data mine: .*{said}[^\n]*$"):
        _ask(data, monkeypatch, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_differ_are_read_no_further_than_the_second() -> None:
    data = _data([0, 1] * 30)
    read: list[int] = []

    def watch(index: int) -> Image.Image:
        read.append(index)
        return data.train.read(index)

    watched = Split(data.train.labels, watch)
    data_checks.check(replace(data, train=watched))
    assert read == [0, 1]


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "x.npz", {"conv1/kernel": np.array([1, np.inf], np.float32)}, FACTS)
    with pytest.raises(ConfigError, match="--weights x.npz: conv1/kernel has values that are not finite"):
        beginning.choose(str(tmp_path / "x.npz"), PRESET, is_small=False)


@pytest.mark.parametrize(
    ("pictures", "batch", "stages"), [(60_000, 64, ((48, 3), (96, 6))), (72, 9, ((48, 18), (96, 36)))]
)
def test_a_small_data_set_has_small_batches_and_more_epochs(pictures: int, batch: int, stages: Any) -> None:
    assert batch_for(pictures) == batch
    assert parse_stages(None, presets.parse("v1_025_96", 3), -(-pictures // batch)) == stages


def test_the_recipe_of_a_large_data_set_has_nothing_of_that_of_a_small_one() -> None:
    """The shipped checkpoints were trained with it."""
    recipe = recipe_for(Wishes(), presets.parse("v2_035", 10), 60_000, begins_trained=False, new_classifier=True)
    assert recipe == Recipe(((64, 3), (128, 6)))
    assert (recipe.frozen_epochs, recipe.patience, recipe.color, recipe.mixup) == (0, 0, 0, 0)
    assert recipe.momentum(60_000) == 0.99
    assert recipe.settles(60_000)


def test_the_recipe_of_a_small_data_set() -> None:
    preset = presets.parse("v1_025_96", 3)
    recipe = recipe_for(Wishes(), preset, 72, begins_trained=True, new_classifier=True)
    assert (recipe.frozen_epochs, recipe.patience, recipe.color, recipe.learning_rate) == (6, 11, 0.2, 1e-3)
    assert (recipe.epochs, recipe.last_stage) == (60, 24)
    assert [recipe.side_of(epoch) for epoch in (0, 5, 6, 23, 24, 59)] == [48, 48, 48, 48, 96, 96]
    assert recipe.momentum(72) == pytest.approx(1 - 5 / 288)
    assert Recipe(((32, 2),)).momentum(64) == 0.8
    assert not recipe.settles(72)
    same = recipe_for(Wishes(patience=0), preset, 72, begins_trained=True, new_classifier=False)
    assert (same.frozen_epochs, same.patience) == (0, 0)
    with pytest.raises(ConfigError, match="--frozen-epochs 2: "):
        recipe_for(Wishes(frozen_epochs=2), preset, 72, begins_trained=False, new_classifier=True)


def test_a_small_data_set_begins_with_the_nearest_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "TRAINED_DIR", tmp_path)
    found = beginning.choose(None, presets.parse("v1_025_96", 3), is_small=True)
    assert (found.name, found.has_classifier) == ("v1_025.fashion_mnist.npz", False)
    assert list(beginning.texts(found, None)) == [
        "begins with the weights of v1_025.fashion_mnist.npz; --weights random begins with none"
    ]
    assert beginning.choose("random", presets.parse("v1_025_96", 3), is_small=True) == beginning.Beginning()
    assert beginning.choose(None, presets.parse("v1_025_96", 3), is_small=False) == beginning.Beginning()
    assert beginning.choose(None, presets.parse("v1s_050_96", 3), is_small=True) == beginning.Beginning()


def test_held_out_pictures_are_a_sixth_of_each_class() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 2])
    split = Split(labels, lambda i: i)  # type: ignore[arg-type,return-value]
    train, held = held_out.divide(split, seed=1)
    assert held is not None
    assert np.bincount(held.labels).tolist() == [10, 5]  # none of a class of two
    indices = [part.read(i) for part in (train, held) for i in range(len(part))]
    assert sorted(indices) == list(range(92))  # type: ignore[type-var]
    assert all(labels[part.read(i)] == part.labels[i] for part in (train, held) for i in range(len(part)))  # type: ignore[call-overload]
    assert held_out.divide(split, seed=1)[1].labels.tolist() == held.labels.tolist()  # type: ignore[union-attr]


def test_of_too_few_pictures_none_are_held_out() -> None:
    split = Split(np.arange(30) % 10, lambda i: i)  # type: ignore[arg-type,return-value]
    assert len(held_out.divide(split, seed=1)[0]) == 20
    few = Split(np.arange(20) % 10, lambda i: i)  # type: ignore[arg-type,return-value]
    assert held_out.divide(few, seed=1) == (few, None)


def test_what_to_know_of_a_result_is_said() -> None:
    facts = replace(FACTS, float_top1=0.27, history=({"accuracy": 0.9},))
    assert "near chance (25.0 %)" in next(notes.after(facts))
    assert "by heart" in next(notes.after(replace(facts, float_top1=0.6)))
    assert list(notes.after(replace(facts, float_top1=0.8))) == []
    always_a = ((9, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    assert "near chance (90.0 %)" in next(notes.after(replace(facts, float_top1=0.9, confusion=always_a)))
    kept = replace(facts, float_top1=0.6, history=({"epoch": 1, "accuracy": 0.6}, {"epoch": 2, "accuracy": 0.9}))
    assert list(notes.after(replace(kept, kept_epoch=1))) == []


def test_classes_of_few_pictures_or_none_are_named() -> None:
    data = _data([0] * 19 + [1] * 20 + [2], names="abcd")
    assert list(notes.before(data)) == [
        "classes without a training picture, which are never recognized: d (its one picture is for testing)",
        "classes of fewer than 20 training pictures: a 19, c 1",
    ]
    many = _data(np.arange(60) % 15, names=[f"c{i}" for i in range(15)])
    assert next(notes.before(many)).endswith("c0 4, c1 4, c2 4, c3 4, c4 4 and 10 more")


COUNTS = ((8, 2, 0, 0), (0, 10, 0, 0), (1, 2, 7, 0), (0, 0, 0, 0))


def test_the_summary_of_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    history = tuple({"epoch": i, "loss": 1 / i, "accuracy": i / 100} for i in range(1, 100))
    facts = replace(FACTS, confusion=COUNTS, history=history)
    assert summary.class_rows(facts) == [
        ["a", "10", "80.0 %", "b (2)"],
        ["b", "10", "100.0 %", ""],
        ["c", "10", "70.0 %", "b (2)"],
        ["d", "0", "-", ""],
    ]
    assert summary.matrix_rows(facts)[2] == ["2 c", "1", "2", "7", "."]
    (loss, accuracy) = summary.curve_rows(facts)
    assert (loss[0], loss[1], loss[3]) == ("loss", "1.000", "0.010")
    assert (accuracy[0], accuracy[1], accuracy[3]) == ("accuracy", "1.0 %", "99.0 %")
    assert (loss[2][0], loss[2][-1], accuracy[2][0], accuracy[2][-1]) == ("\u2588", "\u2581", "\u2581", "\u2588")
    assert len(loss[2]) == 40
    summary.print_summary(facts)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "2 c" in out


def test_curves_of_one_value_and_of_equal_values() -> None:
    assert summary.sparkline([0.5]) == "\u2581"
    assert summary.sparkline([2.0, 2.0]) == "\u2581\u2581"


def test_of_many_classes_the_worst_are_shown() -> None:
    counts = np.full((30, 30), 0)
    np.fill_diagonal(counts, np.arange(1, 31))
    counts[:, 0] += 1
    names = tuple(f"c{i}" for i in range(30))
    rows = summary.class_rows(replace(FACTS, classes=30, labels=names, confusion=tuple(map(tuple, counts.tolist()))))
    assert [row[0] for row in rows[:3]] == ["c1", "c2", "c3"]
    assert len(rows) == summary.SHOWN


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, weights = tmp_path / "x.npz", {"a": np.ones(4, np.float32)}
    checkpoint.save(path, weights, FACTS)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    fdopen, opened = __import__("os").fdopen, []

    def full_at_the_second(handle: int, mode: str) -> Any:
        opened.append(handle)
        return fdopen(handle, mode) if len(opened) == 1 else full.open("wb", buffering=1 << 20)

    monkeypatch.setattr("artifact.os.fdopen", full_at_the_second)
    with pytest.raises(ConfigError, match="can't be written \\(No space left on device\\)"):
        checkpoint.save(path, {"a": np.zeros(4, np.float32)}, replace(FACTS, data="other"))
    assert len(opened) == 2
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_bytes_of_one_file_do_not_depend_on_others(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "x.npz", {"a": np.ones(4, np.float32)}, replace(FACTS, confusion=COUNTS))
    assert json.loads((tmp_path / "x.json").read_text())["confusion"] == [list(row) for row in COUNTS]
    assert checkpoint.load_facts(tmp_path / "x.npz").confusion == COUNTS
    write_atomic(tmp_path / "y.npz", checkpoint.pack({"a": np.ones(4, np.float32)}, np.float16))
    assert (tmp_path / "y.npz").read_bytes() == (tmp_path / "x.npz").read_bytes()
