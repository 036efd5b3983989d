"""Notes that a user sees where a result depends on what was assumed, or where a figure is missing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from calibration.comparison import Comparison
from errors import ConfigError
from models import presets
from models.weights import Source
from pipeline.command_line import main
from pipeline.request import Request
from pipeline.resolve import read_labels, resolve
from pipeline.step_texts import far_rho_text, near_chance_text
from pipeline.steps import Steps
from tests.pipeline.small import CLASSES


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


@pytest.mark.usefixtures("conversions")
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


def test_weights_of_a_far_size_are_said_to_cost_accuracy() -> None:
    preset = presets.parse("v1_025_32", 10)
    source = Source("checkpoint", preset.name, preset, None, trained_rho=128)
    assert far_rho_text(source) == (
        "the weights were trained at ρ 128, 4 times off: accuracy will suffer; `./inv train --model v1_025_32` trains "
        "at ρ 32"
    )


@pytest.mark.parametrize(
    ("top1", "count", "is_near"),
    [(0.10, 1000, True), (0.13, 1000, True), (0.15, 1000, False), (0.9, 1000, False), (0.4, 5, True), (None, 9, False)],
)
def test_a_float_network_near_chance(top1: float | None, count: int, is_near: bool) -> None:
    check = Comparison(count, "npz:x", 1.0, top1, top1)
    request = Request("mine.keras", data="npz:x")
    text = near_chance_text(check, 10, request)
    assert bool(text) == is_near
    if text:
        assert "is near chance (10.0 %)" in text
        assert "`./inv check --model mine.keras --data npz:x` tries" in text
    assert near_chance_text(check, 10, dataclasses.replace(request, weights="random")) == ""
    assert near_chance_text(None, 10, request) == ""
    for right, is_chance in ((1.0, False), (0.5, True)):
        few = Comparison(16, "npz:x", 1.0, right, right)
        assert bool(near_chance_text(few, 2, request)) == is_chance, "of 16 pictures of two classes"


def test_an_open_size_takes_rho_from_the_options(tmp_path: Path, npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    path = tmp_path / "open.keras"
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([*layers, keras.layers.Dense(4)]).save(path)
    arguments = ["build", str(path), "--data", f"npz:{npz}"]
    assert main(arguments) == 1
    assert "has no fixed size; give the side with --rho" in capsys.readouterr().err
    shapes = [
        Steps(resolve(Request(str(path), data=f"npz:{npz}", rho=rho))).build_network().facts.input_shape
        for rho in (24, 40)
    ]
    assert shapes == [(1, 24, 24, 3), (1, 40, 40, 3)]
    assert main(["build", "v1_025", "--rho", "24"]) == 1
    assert "a preset has its size in its name, such as v1_025_96; leave --rho out" in capsys.readouterr().err
