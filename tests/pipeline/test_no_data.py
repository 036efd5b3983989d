"""A .tflite is compiled, sized and timed without a data set and without labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from datasets import Dataset
from device_tests import tiny_model
from errors import ConfigError
from pipeline import measuring, resolve
from pipeline.command_line import main
from pipeline.request import Request
from pipeline.steps import Steps
from tests.compilers import several_inputs
from tests.compilers.silent_networks import silenced
from tests.pipeline.small import call_inv
from tests.schemas import checked


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a user's .tflite: four classes, which no data set here has by default."""
    return tiny_model.dense(tmp_path / "mine.tflite", classes=4)


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it fail to load any data set, as where none is installed and there is no network."""

    def load(spec: str) -> Dataset:
        raise ConfigError(f"--data {spec}: could not be loaded")

    monkeypatch.setattr(resolve, "load", load)


@pytest.mark.parametrize(
    "arguments",
    [
        ["calibrate"],
        ["compile", "--target", "host"],
        ["compile", "--target", "qemu-m4"],
        ["compile", "--target", "qemu-m4", "--engine", "tflm"],
        ["fit", "--target", "qemu-m4"],
        ["fit"],
    ],
    ids=" ".join,
)
def test_no_data_set_is_loaded(arguments: list[str], mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--model", str(mine)]) == 0, capsys.readouterr().err
    assert "no accuracy" not in capsys.readouterr().out


def test_random_inputs_are_timed(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--model", str(mine), "--target", "host", "--json"]) == 0
    out, steps = capsys.readouterr()
    report = checked("bench", out)
    assert report["latency"]["median"] > 0
    assert report.get("accuracy") is None
    assert "random inputs" in steps


IN_RANGE = ("--input-range", "-1,1")


def test_pictures_of_the_default_data_have_no_accuracy(
    mine: Path, data: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four classes here and there: nothing says that they are the same ones."""
    monkeypatch.setattr(resolve, "load", lambda spec: data)
    assert main(["accuracy", "--model", str(mine), "--target", "host", "--images", "4", "--json", *IN_RANGE]) == 0
    out, steps = capsys.readouterr()
    report = checked("accuracy", out)
    assert report.get("accuracy") is None
    assert report["no_accuracy"] == f"{data.name} is not the model's own data"
    assert report["exactness"]["equal"] == 4
    assert f"there is no --data: pictures of {data.name} are the inputs, without accuracy" in steps


@pytest.mark.parametrize("arguments", [["compile", "--data", "npz:mine.npz"], ["deploy"], ["check"], ["accuracy"]])
def test_a_data_set_is_loaded_where_it_is_named_or_used(
    arguments: list[str],
    mine: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.npz").write_bytes(b"x")
    assert main([*arguments, "--model", str(mine)]) == 1
    assert ": could not be loaded" in capsys.readouterr().err


def test_labels_that_are_typed_must_fit(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--model", str(mine), "--labels", "a,b"]) == 1
    assert "it has 4 classes" in capsys.readouterr().err
    assert main(["calibrate", "--model", str(mine), "--labels", "a,b,c,d"]) == 0


def test_several_inputs_take_no_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = several_inputs.sum_of_two(tmp_path / "sum.tflite")
    assert main(["bench", "--model", str(path), "--target", "host"]) == 0, capsys.readouterr().err
    steps = Steps(replace(resolve.resolve(Request(str(path)), needs_data=False), is_default_data=False))
    with pytest.raises(ConfigError, match=r"--data fashion_mnist: sum has 2 inputs, .* leave --data out") as caught:
        measuring.set_up(steps)
    assert "\n" not in str(caught.value)


def test_a_report_says_how_many_macs_were_left_out(tmp_path: Path) -> None:
    path = tmp_path / "silenced.tflite"
    path.write_bytes(silenced())
    measured = call_inv(tmp_path, "bench", "--model", path, "--target", "host-fw", "--json")
    assert measured.returncode == 0, measured.stderr
    # Four of 16 channels in each of three layers of 36 pixels.
    left_out = 36 * 4 * (8 + 9 + 6)
    assert checked("bench", measured.stdout)["engine"]["macs_left_out"] == left_out
    shown = call_inv(tmp_path, "report", "silenced", "host-fw")
    assert f"{left_out:,} MACs of the network, which have no effect" in shown.stdout
