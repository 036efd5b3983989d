"""`inv train`: the checkpoint that `inv build` then finds, and what is printed, also for a program that reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from models import checkpoint, presets
from pipeline.command_line import main
from tests.pipeline.small import CLASSES, PRESET, tiny_network


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
    assert lines[-1] == f"{trained}: {100 * (facts.float_top1 or 0):.2f} % top-1 in float over the whole test split"

    assert main(["build", "--model", PRESET, "--data", f"npz:{npz}"]) == 0
    assert f"weights: {trained.name} (trained on npz:{npz.name})" in capsys.readouterr().out
    trained.unlink()


def test_json_is_all_of_standard_output(npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.npz"
    options = ["--stages", "32:1", "--batch", "32", "--patience", "0", "--weights", "random", "--out", str(out)]
    assert main(["train", "--model", PRESET, "--data", f"npz:{npz}", "--json", *options]) == 0
    printed = capsys.readouterr()
    table = json.loads(printed.out)
    beside = json.loads(out.with_suffix(".json").read_text())
    assert table.pop("path") == str(out)
    assert {name: value for name, value in table.items() if value is not None} == beside
    assert [sum(row) for row in table["confusion"]] == [15, 15, 15, 15]
    assert table["kept_epoch"] == 1
    assert "epoch 1/1" in printed.err
