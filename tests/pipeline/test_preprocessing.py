"""`./inv check` from a file to a verdict."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tasks  # noqa: F401  # makes the commands
from artifact import Artifact
from calibration.convert import Int8Facts
from pipeline.command_line import COMMANDS, main
from tests.pipeline.small import CLASSES, SHARED_DATA, options
from tests.schemas import checked

VWW = SHARED_DATA / "mlperf_vww_96_int8.tflite"


def test_check_comes_after_calibrate() -> None:
    names = list(COMMANDS)
    assert names.index("check") == names.index("calibrate") + 1


def test_an_untrained_network_is_said_to_be_at_chance(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check", *options(npz)[:6], "--images", "20"]
    assert main(arguments) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "preparations of 20 pictures of npz:four.npz" in out
    assert re.search(r"-1\.\.1 RGB as it is bilinear [\w ]+ \d+\.\d % (best, )?now", out)
    assert "now: as the options are" in out
    assert "no preparation is better than chance" in out or "the file wants" in out or "the options are right" in out


def test_json_has_each_trial(
    int8: Artifact[Int8Facts], npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.tflite"
    mine.write_bytes(int8.path.read_bytes())
    assert main(["check", "--model", str(mine), "--data", f"npz:{npz}", "--images", "8", "--json"]) == 0
    out = capsys.readouterr().out
    result = checked("check", out)
    assert result["pictures"] == 8
    assert result["options"]["values"] == "-1..1"
    assert all(0 <= trial["top1"] <= 1 for trial in result["trials"])
    assert {trial["channels"] for trial in result["trials"]} == {"RGB", "BGR"}
    assert {trial["classes"] for trial in result["trials"]} >= {"as given", "reversed"}


def test_a_network_of_fewer_classes_is_refused(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not VWW.exists():
        pytest.skip(f"{VWW} is not there")
    assert main(["check", "--model", str(VWW), "--data", f"npz:{npz}"]) == 1
    assert f"it has {len(CLASSES)} classes, the network 2; give its own --data" in capsys.readouterr().err


def test_arrays_are_refused(tmp_path: Path, int8: Artifact[Int8Facts], capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "x.npz", x_test=np.zeros((4, 49, 10), np.float32), y_test=np.zeros(4, np.int64))
    mine = tmp_path / "mine.tflite"
    mine.write_bytes(int8.path.read_bytes())
    assert main(["check", "--model", str(mine), "--data", f"npz:{tmp_path / 'x.npz'}"]) == 1
    assert "--data npz:x.npz: it has arrays, not pictures" in capsys.readouterr().err
