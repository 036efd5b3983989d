"""Quantization-aware training: what it learns, what stays fixed, and how its checkpoint is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import tensorflow as tf

import datasets
from calibration.aware import fine_tuning, run, steady
from calibration.aware.unfold import unfold
from datasets import Dataset, Identity, Split
from datasets.npz import of_pictures
from errors import ConfigError, TrainingError
from models import checkpoint, keras_model, presets, weights
from models.folded import read
from models.folded import run as folded_run
from models.folded.graph import Folded, Ranges, Weights
from models.network import Network

PRESET = presets.parse("v1_025_32", 2)
FACTS = checkpoint.CheckpointFacts("v1_025_32", 2, 3, ("dark", "light"), (-1.0, 1.0), "tiny", pictures="1")
SETTINGS = fine_tuning.Settings(steps=6, batch=8, learning_rate=1e-2, range_rate=1e-2)
STEADY = steady.Settings(steps=20, batch=16, learning_rate=1e-2, divergence=1000)
RANGES: Ranges = {
    "input": (-1.0, 1.0), "conv:pre": (-3.0, 2.0), "conv": (-0.375, 2.0), "deep": (0.0, 6.0), "point": (-2.0, 2.0),
    "pool": (-2.0, 2.0), "classes": (-0.25, 0.25),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def network(preset: presets.Preset) -> Network:
        net = Network(8, 8, 3)
        net.conv("conv", 4, kernel=3, stride=2, activation="hard_swish")
        net.depthwise("deep", kernel=3, stride=1, activation="relu6")
        net.conv("point", 3)
        net.pool("pool")
        net.dense("classes", preset.classes)
        net.softmax("softmax")
        return net

    monkeypatch.setattr(presets.Preset, "network", network)


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(0)

    def pictures(count: int) -> Any:
        labels = np.arange(count) % 2
        x = rng.integers(0, 90, (count, 8, 8, 3)) + 120 * labels[:, None, None, None]
        return of_pictures(x.astype(np.uint8), labels)

    return Dataset("tiny", ("dark", "light"), pictures(32), pictures(12), "tiny", digest="1")


def _network() -> Any:
    model = keras_model.build(PRESET.network(), batch=1)
    rng = np.random.default_rng(3)
    for variable in model.weights:
        center = 1.0 if variable.path.endswith(("gamma", "moving_variance")) else 0.0
        variable.assign(np.abs(center + 0.4 * rng.standard_normal(variable.shape)) if center else
                        0.4 * rng.standard_normal(variable.shape))  # fmt: skip
    return model


@pytest.fixture
def graph() -> Folded:
    return read.from_keras(_network())


def _inputs(split: Split) -> Any:
    return np.stack([np.asarray(split.read(i), np.float32) for i in range(len(split))]) / 127.5 - 1


def _answers(graph: Folded, data: Dataset) -> Any:
    x = _inputs(data.test)
    return folded_run.outputs(graph, tf.constant(x)).numpy().reshape(len(x), -1)


def test_unfolded_weights_compute_what_the_folded_graph_does(graph: Folded, data: Dataset) -> None:
    model = keras_model.build(PRESET.network(), batch=1)
    keras_model.set_weights(model, unfold(graph, PRESET))
    again = read.from_keras(model)
    np.testing.assert_allclose(_answers(again, data), _answers(graph, data), atol=1e-6)
    for name, known in graph.weights.items():
        np.testing.assert_allclose(again.weights[name].kernel, known.kernel, rtol=1e-6)
        np.testing.assert_allclose(again.weights[name].bias, known.bias, rtol=1e-6, atol=1e-7)


def test_kernels_and_ends_are_learned_but_those_that_have_to_stay(graph: Folded, data: Dataset) -> None:
    assert {point for point, _ in graph.points()} == set(RANGES)
    seen: list[int] = []
    trained, learned = fine_tuning.fine_tune(graph, RANGES, data.train, SETTINGS, seen.append)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert all((trained.weights[name].kernel != graph.weights[name].kernel).any() for name in graph.weights)
    assert all((trained.weights[name].bias != graph.weights[name].bias).any() for name in graph.weights)
    assert learned["input"] == (-1.0, 1.0)
    assert learned["conv:pre"][0] == -3.0
    assert learned["deep"][0] == 0.0
    moved = {name for name, limits in learned.items() if limits != RANGES[name]}
    assert {"conv", "classes"} <= moved
    assert all(low <= 0 <= high for low, high in learned.values())


def test_the_control_sees_the_same_pictures_and_no_ranges(
    graph: Folded, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    batches = fine_tuning._batches

    def watched(*arguments: Any) -> Any:
        for x, y in batches(*arguments):
            seen.append((x, y))
            yield x, y

    monkeypatch.setattr(fine_tuning, "_batches", watched)
    trained, learned = fine_tuning.fine_tune(graph, None, data.train, SETTINGS, lambda done: None)
    assert learned == {}
    assert (trained.weights["conv"].kernel != graph.weights["conv"].kernel).any()
    again, _ = fine_tuning.fine_tune(graph, None, data.train, SETTINGS, lambda done: None)
    assert all((x == z).all() and (y == w).all() for (x, y), (z, w) in zip(seen[:6], seen[6:], strict=True))
    assert all((trained.weights[n].kernel == again.weights[n].kernel).all() for n in trained.weights)


def test_channels_of_another_scale_learn_the_same(graph: Folded, data: Dataset) -> None:
    """`point` has no activation: its channels can be scaled and the dense layer's input by the inverse."""
    factors = np.array([1.0, 1 / 64, 1 / 8], np.float32)
    point, dense = graph.weights["point"], graph.weights["classes"]
    spread = graph.with_weights({
        "point": Weights(point.kernel * factors, point.bias * factors),
        "classes": Weights(dense.kernel / factors[:, None], dense.bias),
    })  # fmt: skip
    np.testing.assert_allclose(_answers(spread, data), _answers(graph, data), atol=1e-6)
    one = replace(SETTINGS, steps=1)
    trained = [fine_tuning.fine_tune(it, None, data.train, one, lambda done: None)[0] for it in (graph, spread)]
    kernels = [it.weights["point"].kernel for it in trained]
    assert np.abs(kernels[0] - point.kernel).max() > 1e-3
    np.testing.assert_allclose(kernels[1] / factors, kernels[0], atol=1e-5)


def test_a_loss_that_is_not_finite_is_said(graph: Folded, data: Dataset) -> None:
    dense = graph.weights["classes"]
    broken = graph.with_weights({"classes": Weights(dense.kernel * np.float32(np.nan), dense.bias)})
    with pytest.raises(TrainingError, match=r"diverged in step 1: .* --learning-rate 0.01, try 0.001"):
        fine_tuning.fine_tune(broken, None, data.train, SETTINGS, lambda done: None)


@pytest.fixture
def before(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the float checkpoint of the preset and the data, where `inv train` leaves it."""
    monkeypatch.setattr(weights, "TRAINED_DIR", tmp_path)
    monkeypatch.setattr(datasets, "load", lambda spec: data)
    path = weights.trained_path(PRESET, data.identity)
    checkpoint.save(path, {w.path: np.asarray(w) for w in _network().weights}, FACTS, np.float32)
    return path


def test_the_checkpoint_is_found_until_the_one_in_float_changes(before: Path, data: Dataset) -> None:
    wishes = run.Wishes(steps=2, batch=8)
    path, facts, outcome = run.run("v1_025_32", "tiny", None, 3, wishes, None, "typed")
    assert path == before.with_suffix(".quantized.npz")
    assert checkpoint.load_facts(path) == facts
    assert facts.ranges is not None
    assert set(facts.ranges) == set(RANGES)
    assert outcome.pictures == 12
    assert facts.quantized is not None
    assert facts.quantized["control_float"] == pytest.approx(outcome.control_float, abs=1e-4)
    assert run.rows(outcome)[2][0] == "quantization-aware"

    found = weights.resolve("v1_025_32", None, data.identity, data.class_names, 3)
    assert (found.path, found.ranges) == (path, facts.ranges)
    assert weights.float_checkpoint(found, data.identity) == before
    assert weights.resolve("v1_025_32", str(before), data.identity, data.class_names, 3).ranges is None
    # At another rho the float one serves: ranges are of a side.
    assert weights.resolve("v1_025_64", None, data.identity, data.class_names, 3).path == before
    assert weights.resolve("v1_025_64", str(path), data.identity, data.class_names, 3).ranges is None

    checkpoint.save(before, checkpoint.load(before), replace(FACTS, command="again"), np.float16)
    assert weights.resolve("v1_025_32", None, data.identity, data.class_names, 3).path == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"given": "random"}, "--quantize: begins with a checkpoint of `inv train`, got random"),
        ({"model": "v1_025_64"}, "was trained at ρ 32, not 64; `inv train --model v1_025_64` first"),
        ({"out": "x.h5"}, "--out x.h5: expected a name that ends in .npz"),
    ],
)
def test_what_it_can_t_begin_with(before: Path, changed: dict[str, Any], said: str) -> None:
    asked = {"model": "v1_025_32", "given": None, "out": None} | changed
    with pytest.raises(ConfigError, match=said):
        run.run(asked["model"], "tiny", asked["given"], 3, run.Wishes(), asked["out"], "")


@pytest.mark.parametrize("limits", [[0.5, 1.0], [-1.0, -0.5], [0, 0], [-1.0], "x", [-1.0, float("inf")]])
def test_damaged_ranges_are_refused(tmp_path: Path, limits: Any) -> None:
    facts = replace(FACTS, ranges={"conv": limits})
    checkpoint.save(tmp_path / "x.npz", {"a": np.ones(2, np.float32)}, facts)
    with pytest.raises(ConfigError, match="x.json: key ranges.conv: expected two numbers"):
        checkpoint.load_facts(tmp_path / "x.npz")


def test_data_of_other_classes_is_refused(before: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(data, class_names=("a", "b"))
    monkeypatch.setattr(datasets, "load", lambda spec: other)
    with pytest.raises(ConfigError, match="its classes are not those of"):
        run.run("v1_025_32", "tiny", str(before), 3, run.Wishes(), None, "")
    assert Identity("tiny", "tiny", "1") == data.identity


def test_steady_training_brings_int8_nearer_to_float(graph: Folded, data: Dataset) -> None:
    curve: list[steady.Row] = []
    seen: dict[str, Any] = {}
    folded_run.run(graph, tf.constant(_inputs(data.train)), seen.setdefault)
    kernel = 30 * graph.weights["classes"].kernel
    graph = graph.with_weights({"classes": Weights(kernel, -seen["pool"].numpy().mean((0, 1, 2)) @ kernel)})
    training = steady.Steady(graph, STEADY)
    training.train(data.train, curve.append, lambda done: None)
    assert [row.step for row in curve] == list(range(2, 21, 2))
    assert curve[-1].divergence < curve[0].divergence / 2, curve
    trained = training.result()
    assert all((trained.weights[name].kernel != graph.weights[name].kernel).any() for name in graph.weights)


def test_a_steady_checkpoint_has_the_statistics_of_its_pictures(graph: Folded, data: Dataset) -> None:
    x, model = _inputs(data.train), keras_model.build(PRESET.network(), training=True, momentum=0.9)
    keras_model.set_weights(model, steady.as_checkpoint(graph, PRESET, x))
    expected = folded_run.outputs(graph, tf.constant(x)).numpy().reshape(len(x), -1)
    for training in (False, True):
        np.testing.assert_allclose(np.asarray(model(x, training=training)), expected, atol=1e-4)


def test_a_steady_checkpoint_says_how_both_of_its_trainings_went(before: Path, data: Dataset) -> None:
    row = {"epoch": 1.0, "side": 32.0, "accuracy": 0.5, "loss": 1.0}
    recipe = {"stages": [[32, 1]]}
    facts = replace(FACTS, command="one", history=(row,), recipe=recipe, kept_epoch=1, confusion=((9, 0), (3, 0)))
    checkpoint.save(before, checkpoint.load(before), replace(facts, held_out_pictures=5))
    out = before.with_name("steady.npz")
    known = steady.improved(before, data, replace(STEADY, steps=2), out, "two")
    facts = checkpoint.load_facts(out)
    confusion = np.asarray(facts.confusion)
    assert confusion.sum(axis=1).tolist() == [6, 6]
    assert confusion.trace() == round(12 * (facts.float_top1 or 0))
    assert (facts.held_out_pictures, facts.kept_epoch) == (None, None)
    assert facts == known
    assert facts.command == "one && two"
    assert facts.history is not None
    assert facts.history[0] == row
    assert facts.history[-1]["epoch"] == pytest.approx(1 + 2 * 16 / 29, abs=1e-3)
    assert set(facts.history[-1]) == {*row, "divergence"}
    assert facts.recipe is not None
    assert cast(dict[str, Any], facts.recipe["steady"])["steps"] == 2
    assert 0 <= (facts.float_top1 or 0) <= 1
    train, held_out = steady.divide(data.train)
    assert (len(train), len(held_out)) == (29, 3)


def test_steady_training_of_a_quantized_checkpoint_is_refused(before: Path, data: Dataset) -> None:
    facts = replace(FACTS, ranges=RANGES, begins_with="float.npz")
    checkpoint.save(before, checkpoint.load(before), facts)
    with pytest.raises(ConfigError, match=r"is of `inv train --quantize`, expected a float .*, float.npz$"):
        steady.improved(before, data, STEADY, before.with_name("steady.npz"), "")


def test_a_mixed_checkpoint_is_between_the_weights_before_and_after(
    before: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run.folded(PRESET, before)
    trained = {name: Weights(3 * own.kernel, own.bias + 2) for name, own in first.weights.items()}
    monkeypatch.setattr(steady.Steady, "train", lambda *_: None)
    monkeypatch.setattr(steady.Steady, "result", lambda self: self.graph.with_weights(trained))
    for share in (1.0, 0.25):
        out = before.with_name(f"mixed-{share}.npz")
        facts = steady.improved(before, data, replace(STEADY, mix=share), out, "mix")
        assert cast(dict[str, Any], (facts.recipe or {})["steady"])["mix"] == share
        written = run.folded(PRESET, out)
        for name, own in first.weights.items():
            np.testing.assert_allclose(written.weights[name].kernel, (1 + 2 * share) * own.kernel, rtol=2e-3, atol=1e-4)
            np.testing.assert_allclose(written.weights[name].bias, own.bias + 2 * share, atol=0.02)


@pytest.mark.parametrize("share", ["0", "-0.5", "1.01", "nan", "half"])
def test_a_share_that_is_none_is_refused(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        steady.main(["--weights", "a.npz", "--out", "b.npz", f"--mix={share}"])
    assert f"argument --mix: expected above 0 to 1, got {share}" in capsys.readouterr().err


def test_a_steady_training_that_diverges_is_said(graph: Folded, data: Dataset) -> None:
    dense = graph.weights["classes"]
    broken = graph.with_weights({"classes": Weights(dense.kernel * np.float32(np.nan), dense.bias)})
    with pytest.raises(TrainingError, match="diverged in step 1"):
        steady.Steady(broken, STEADY).train(data.train, lambda row: None, lambda done: None)
