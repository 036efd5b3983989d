"""Notes that a user sees where a result depends on what was assumed, or where a figure is missing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from artifact import Artifact
from errors import ConfigError
from models.build import KerasFacts
from pipeline.request import Request
from pipeline.resolve import read_labels, resolve
from pipeline.steps import Steps
from tests.pipeline.small import CLASSES


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, network: Artifact[KerasFacts]) -> Path:
    """Return a copy of the network as a user's Keras file, which says neither its range nor its labels."""
    path = tmp_path_factory.mktemp("mine") / "mine.keras"
    path.write_bytes(network.path.read_bytes())
    return path


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_an_assumed_range_is_said_and_how_to_try_others(
    mine: Path, npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Steps(resolve(Request(str(mine), data=f"npz:{npz}"))).build_network()
    out = _plain(capsys.readouterr().out)
    assert "assumed that pixels 0..255 stand for -1..1; `./inv check" in out
    assert f"--data npz:{npz}` tries others, --input-range sets it" in out
    Steps(resolve(Request(str(mine), data=f"npz:{npz}", input_range=(0.0, 255.0)))).build_network()
    out = _plain(capsys.readouterr().out)
    assert "pixels 0..255 stand for 0..255 as --input-range says" in out
    assert "assumed" not in out


def test_labels_without_a_partner_are_named(
    mine: Path, npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = Request(str(mine), data=f"npz:{npz}")
    numbered, other = tmp_path / "labels.txt", tmp_path / "other.txt"
    numbered.write_text("".join(f"{i} {name.upper()}\n" for i, name in enumerate(CLASSES)))
    other.write_text("dark\nleft\nup\ndown\n")
    for path, count, words in ((numbered, 15, ""), (other, 14, "no accuracy: 2 of 4 classes of npz:four.npz")):
        steps = Steps(resolve(dataclasses.replace(base, labels=str(path), calibration_images=count)))
        check = steps.quantize().facts.check
        assert check is not None
        assert (check.int8_top1 is None) == bool(words)
        out = _plain(capsys.readouterr().out)
        assert ("no accuracy" in out) == bool(words)
        assert words in out
        if words:
            assert "(right, light; the model has dark, left, up, down)" in out


def test_a_file_may_have_a_name_twice_and_a_list_may_not(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("crane\nbus\ncrane\n")
    assert read_labels(str(path)) == ("crane", "bus", "crane")
    with pytest.raises(ConfigError, match="all different"):
        read_labels("crane,bus,crane")
    path.write_text("crane\ncrane\n")
    with pytest.raises(ConfigError, match="at least two names, one on each line, got 2"):
        read_labels(str(path))
