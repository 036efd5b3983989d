"""Runs that are killed end with the same report: a few kills, of a network of one layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import kills
from device_tests import tiny_model


def test_killed_runs_leave_the_same_report_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_model.dense(tmp_path / "tiny.tflite", classes=4)
    command = kills.command_for("host-fw", kills.save_pictures(tmp_path / "pictures.npz", 40), str(model))
    assert kills.kill(kills.Plan(command, kills=2), tmp_path) == []
    shown = capsys.readouterr().out
    assert "kill 2 of 2: after " in shown
    assert "the same report, nothing left" in shown
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("round")]


def test_what_a_run_leaves_is_named(tmp_path: Path) -> None:
    one = kills.Round(tmp_path / "round", ["true"])
    (one.home / "reports" / "host" / "net").mkdir(parents=True)
    for name in ("report.json", "report.partial.json", ".report.json.x"):
        (one.home / "reports" / "host" / "net" / name).write_text("{}")
    (one.home / "build" / "int8" / ".making-x").mkdir(parents=True)
    (one.temporary / "tf-x").write_text("")
    left = ["home/build/int8/.making-x", "home/reports/host/net/.report.json.x"]
    more = ["home/reports/host/net/.report.json.x", "home/reports/host/net/report.partial.json", "tmp/tf-x"]
    assert one.debris() == sorted(left + more)
