"""`--json` of tasks that end with a build product or with what was done: JSON alone, of their schemas."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import artifact
import tasks  # noqa: F401  # makes the commands
from artifact import Artifact
from calibration.comparison import Improvement, StepScore, TensorCost
from calibration.convert import Int8Facts
from calibration.layer_noise import LayerNoise
from device_tests import run as suite
from errors import DeviceError
from measure import report_file
from pipeline import cleaning, product_forms
from pipeline.command_line import COMMANDS, main
from pipeline.task_options import CleanOptions
from tests.compilers.test_compile import small_network
from tests.pipeline.small import call_inv, options
from tests.schemas import checked, validator

JUNIT = """<testsuites><testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase>
<testcase name="c"><failure/></testcase></testsuite></testsuites>"""


def test_every_task_has_it() -> None:
    assert [name for name, command in COMMANDS.items() if "json" not in command.fields] == []


def test_a_network_and_its_int8_form(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    built = checked("build", call_inv(home, "build", *options(npz)[:6], "--json").stdout)
    assert built["parameters"] > 0
    assert built["reused"]
    done = call_inv(home, "calibrate", *options(npz), "--json")
    made = checked("calibrate", done.stdout)
    assert made["sha256"] == int8.sha256
    assert made["check"]["n"] == 60
    assert done.stderr.startswith("build")


def test_what_int8_costs_is_of_the_schema(int8: Artifact[Int8Facts]) -> None:
    check = int8.facts.check
    steps = (StepScore("plain conversion", 0.9, None), StepScore("equal ranges", 0.1, 0.99, is_kept=False))
    improvement = Improvement("", 200, steps, (TensorCost("conv1", 1e-3),), check)
    improved = replace(int8, facts=replace(int8.facts, improvement=improvement))
    noise = [LayerNoise("a", "CONV_2D", 30.5), LayerNoise("b", "RESHAPE", float("inf"))]
    form = product_forms.of_int8(improved, noise)
    validator("calibrate").validate(json.loads(json.dumps(form, allow_nan=False)))
    assert form["layers"] == [
        {"tensor": "a", "operator": "CONV_2D", "snr_db": 30.5},
        {"tensor": "b", "operator": "RESHAPE"},
    ]


def test_what_runs_on_a_target_and_what_other_projects_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(small_network())
    for target, names in (("host", {"model_file"}), ("nano33ble", {"arena", "stack", "weights"})):
        assert main(["compile", str(model), target, "--json"]) == 0
        made = checked("compile", capsys.readouterr().out)
        assert set(made["memory"]) == names
        assert all(Path(path).exists() for path in made["files"])
        assert "ram_bytes" not in made, "its SDK links, or there is no limit"
    assert main(["export", str(model), "--for", "arduino", "--out", str(tmp_path / "out"), "--json"]) == 0
    exported = checked("export", capsys.readouterr().out)
    assert (exported["folder"], exported["identifier"]) == (str(tmp_path / "out"), "net")


def test_an_emulated_machine_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path)
    assert main(["emulator", "--stop", "--json"]) == 0
    said = checked("emulator", capsys.readouterr().out)
    assert not said["runs"]
    assert said["actions"] == [{"action": "stop", "text": "qemu-rpi4 does not run"}]


def test_what_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "int8").mkdir()
    (tmp_path / "int8" / "file").write_bytes(bytes(5000))
    monkeypatch.setattr(cleaning, "BUILD_DIR", tmp_path)
    cleaning.clean(CleanOptions(dry_run=True, json=True))
    said = checked("clean", capsys.readouterr().out)
    assert [row["path"] for row in said["removed"]] == [str(tmp_path / "int8")]
    assert said["freed_bytes"] >= 5000
    assert (tmp_path / "int8" / "file").is_file()


def test_tests_of_a_device_that_fail_are_in_the_json(
    home: Path, npz: Path, int8: Artifact[Int8Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(order: suite.Order, words: object, output: object) -> None:
        assert output is not None, "pytest prints on standard error"
        order.junit.parent.mkdir(parents=True, exist_ok=True)
        order.junit.write_text(JUNIT)
        raise DeviceError("host: 1 failed")

    monkeypatch.setattr(suite, "run", run)
    done = call_inv(home, "hil", *options(npz), "--count", "20", "--json")
    assert done.returncode == 1
    assert done.stderr.endswith("error: host: 1 failed\n")
    (row,) = checked("hil", done.stdout)
    assert (row["device"], row["passed"], row["failed"], row["skipped"]) == ("host", 1, 1, 1)
    assert Path(row["junit"]).is_file()
    assert report_file.folder("host", int8.name) in Path(row["junit"]).parents
