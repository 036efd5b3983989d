"""`inv train`: the checkpoint that `inv build` then finds, and what is printed, also for a program that reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import datasets
import tasks  # noqa: F401  # makes the commands
from calibration.aware.pictures import Pictures
from graph import reader
from models import checkpoint, keras_model, presets, weights
from models.folded.graph import Folded
from pipeline.command_line import main
from tests.pipeline.small import CLASSES, PRESET, tiny_network
from tests.schemas import checked

LEARNED = {
    "input": (-1.0, 1.0), "conv": (0.0, 5.5), "deep": (0.0, 4.25), "pool": (0.0, 3.75), "classes": (-7.5, 9.25),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets.Preset, "network", tiny_network)


def test_train_then_build_from_it(home: Path, npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stages = ["--stages", "32:1", "--batch", "32"]
    assert main(["train", "--model", PRESET, "--data", f"npz:{npz}", "--weights", "random", *stages]) == 0
    (trained,) = (home / "trained").glob(f"{PRESET}.{npz.name}-*.npz")
    facts = checkpoint.load_facts(trained)
    assert facts.labels == CLASSES
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert printed.err == ""
    assert not any(character in printed.out for character in "\r\x1b")
    assert next(line for line in lines if line.startswith("epoch ")).startswith("epoch 1/1 at 32x32: loss ")
    assert any(line.startswith("held-out loss ") for line in lines)
    assert [line.split()[:2] for line in lines if line.startswith(CLASSES)] == [[name, "15"] for name in CLASSES]
    top1 = f"{100 * (facts.float_top1 or 0):.2f} % top-1 in float over the whole test split"
    assert lines[-2:] == [top1, str(trained)]

    assert main(["build", "--model", PRESET, "--data", f"npz:{npz}"]) == 0
    assert f"weights: {trained.name} (trained on npz:{npz.name})" in capsys.readouterr().out
    trained.unlink()


def test_json_is_all_of_standard_output(npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.npz"
    options = ["--stages", "32:1", "--batch", "32", "--patience", "0", "--weights", "random", "--out", str(out)]
    assert main(["train", "--model", PRESET, "--data", f"npz:{npz}", "--json", *options]) == 0
    printed = capsys.readouterr()
    table = checked("train", printed.out)
    beside = json.loads(out.with_suffix(".json").read_text())
    assert table.pop("path") == str(out)
    assert {name: value for name, value in table.items() if value is not None} == beside
    assert [sum(row) for row in table["confusion"]] == [15, 15, 15, 15]
    assert table["kept_epoch"] == 1
    assert "epoch 1/1" in printed.err


def test_learned_ranges_reach_the_int8_network(
    home: Path, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from calibration.aware import run

    def train(exact: Folded, pictures: Pictures, wishes: run.Wishes) -> Any:
        """Stand for the training: ranges as no pictures would give them."""
        assert (wishes.steps, wishes.flip) == (7, False)
        assert [point for point, _ in exact.points()] == list(LEARNED)
        return exact, LEARNED, run.Outcome(60, 0.9, 0.91, 0.89, 0.99, 0.92, 0.915, 0.985)

    monkeypatch.setattr(run, "_train", train)
    monkeypatch.setattr(weights, "TRAINED_DIR", tmp_path)
    known = keras_model.build(presets.parse(PRESET, len(CLASSES)).network())
    data = datasets.load(f"npz:{npz}")
    facts = checkpoint.CheckpointFacts(PRESET, 4, 3, CLASSES, (-1.0, 1.0), data.name, pictures=data.digest)
    before = weights.trained_path(presets.parse(PRESET, 4), data.identity)
    checkpoint.save(before, {w.path: np.asarray(w) for w in known.weights}, facts)
    asked = ["--model", PRESET, "--data", f"npz:{npz}"]
    assert main(["train", *asked, "--quantize", "--steps", "7", "--no-flip"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"note       begins with the weights of {before.name}"
    assert "quantization-aware" in lines[-3]
    assert lines[-3].split()[-6:] == ["92.00", "%", "91.50", "%", "98.50", "%"]
    assert lines[-1] == str(before.with_suffix(".quantized.npz"))

    assert main(["calibrate", *asked, "--calibration-images", "16"]) == 0
    printed = capsys.readouterr().out
    assert f"weights: {before.stem}.quantized.npz (trained for int8 on npz:{npz.name})" in printed
    model = next(Path(line) for line in reversed(printed.splitlines()) if line.endswith(".tflite"))
    known_scales = [tensor.quantization for tensor in reader.read(model).tensors if tensor.dtype == "int8"]
    scales = [float(one.scales[0]) for one in known_scales if one is not None]
    for low, high in LEARNED.values():
        assert any(abs(scale - (high - low) / 255) < 1e-6 for scale in scales), (low, high)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--steps", "3"], "--steps 3: it is for --quantize"),
        (["--quantize", "--stages", "32:1"], "--stages: not with --quantize, which takes --steps"),
        (["--quantize", "--mixup", "0.2"], "--mixup: not with --quantize"),
        (["--quantize", "--weights", "random"], "--quantize: begins with a checkpoint of `inv train`, got random"),
    ],
)
def test_options_that_do_not_go_together(
    npz: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--model", PRESET, "--data", f"npz:{npz}", *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
