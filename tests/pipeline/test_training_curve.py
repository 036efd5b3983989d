"""The epochs of a training that the page of a report shows: from the float checkpoint, and nothing of a damaged one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from artifact import sha256_of
from datasets import Identity
from models import checkpoint, weights
from pipeline import training_curve

DATA = Identity("fashion_mnist", "fashion_mnist")
LABELS = tuple("abcdefghij")


def test_it_is_that_of_the_checkpoint_with_which_the_network_is_built() -> None:
    source = weights.resolve("v1_025", None, DATA, LABELS, 3)
    curve = training_curve.read(source, DATA)
    assert curve is not None
    assert curve.checkpoint == "v1_025.fashion_mnist.npz"
    assert [row.epoch for row in curve.epochs] == list(range(1, 10))
    assert [row.side for row in curve.epochs] == [64] * 3 + [128] * 6
    assert curve.epochs[-1].accuracy > curve.epochs[0].accuracy
    assert curve.epochs[-1].held_out_loss is None


def test_that_of_a_network_trained_for_int8_is_of_its_float_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "TRAINED_DIR", tmp_path)
    shipped = checkpoint.shipped_path("v1_025", DATA.name)
    facts = json.loads(shipped.with_suffix(".json").read_text())
    del facts["history"]
    path = tmp_path / "v1_025.fashion_mnist.quantized.npz"
    shutil.copy(shipped, path)
    path.with_suffix(".json").write_text(json.dumps({**facts, "quantized_from": sha256_of(shipped)}))
    source = weights.resolve("v1_025", None, DATA, LABELS, 3)
    assert source.path == path
    curve = training_curve.read(source, DATA)
    assert curve is not None
    assert curve.checkpoint == shipped.name


def test_random_weights_and_a_damaged_log_have_none(tmp_path: Path) -> None:
    assert training_curve.read(None, DATA) is None
    assert training_curve.read(weights.resolve("v1_025", "random", DATA, LABELS, 3), DATA) is None
    shipped, path = checkpoint.shipped_path("v1_025", DATA.name), tmp_path / "own.npz"
    shutil.copy(shipped, path)
    facts = json.loads(shipped.with_suffix(".json").read_text())
    for history in (None, [], [7], [{"epoch": 1}], [{**facts["history"][0], "loss": "low"}], "none"):
        path.with_suffix(".json").write_text(json.dumps({**facts, "history": history}))
        source = weights.resolve("v1_025", str(path), DATA, LABELS, 3)
        assert training_curve.read(source, DATA) is None, history
