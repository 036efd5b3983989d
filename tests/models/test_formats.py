"""Files of other frameworks get the way to an int8 .tflite, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from models.formats import SUFFIXES, way_to_tflite
from pipeline.command_line import main


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("net.onnx", "onnx2tf"),
        ("NET.ONNX", "onnx2tf"),
        ("net.pt", "litert-torch"),
        ("net.pth", "litert-torch"),
        ("net.pb", "tf.lite.TFLiteConverter.from_saved_model with a representative data set"),
        ("net.mlmodel", "Core ML"),
        ("net.hdf5", "rename it to .h5"),
    ],
)
@pytest.mark.parametrize("option", [[], ["--model"]], ids=["positional", "option"])
def test_the_way_to_a_tflite(
    name: str, way: str, option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert main(["build", *option, str(tmp_path / name)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: --model {tmp_path / name}: ")
    assert way in err
    assert err.count("\n") == 1
    assert "v1_025" not in err
    assert main(["deploy", "qemu-m4", *option, str(tmp_path / name)]) == 1
    assert way in capsys.readouterr().err


def test_a_saved_model_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flowers").mkdir()
    (tmp_path / "flowers" / "saved_model.pb").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    for model in ("flowers", str(tmp_path / "flowers")):
        assert main(["build", "--model", model]) == 1
        assert "SavedModel folder: convert it by tf.lite.TFLiteConverter" in capsys.readouterr().err


def test_names_of_presets_and_own_files_are_not_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v1_025").mkdir()
    for name in ("v1_025", "host", "net.keras", "net.h5", "net.tflite", "v1_999"):
        assert way_to_tflite(name) is None
    assert all("\n" not in way and len(way) < 250 for way in SUFFIXES.values())
