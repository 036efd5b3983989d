"""What can fail cheaply is found before any step runs, in one line that names the next step."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tasks  # noqa: F401  # makes the commands
from datasets import Dataset, Split
from deploy import bench_file
from errors import ConfigError, Error
from measure import report_file
from pipeline import device_test, preflight
from pipeline.command_line import main
from pipeline.preflight import Goal
from pipeline.request import Request
from pipeline.task_requests import TestRequest
from tests.pipeline.preflight_setup import StepRanError, _no_step, deploy, error_of
from tests.pipeline.small import PRESET, SHARED_DATA, at_home

__all__ = ["_no_step"]  # fixtures


def test_without_a_mistake_the_first_step_runs_within_a_second_and_nothing_was_printed(
    npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preflight.check(Request(model=PRESET, weights="random", data=f"npz:{npz}"), Goal.MEASURED)  # imports
    begin = time.process_time()  # a busy machine does not count
    preflight.check(Request(model=PRESET, weights="random", data=f"npz:{npz}"), Goal.MEASURED)
    assert time.process_time() - begin < 1
    assert capsys.readouterr() == ("", "")
    with pytest.raises(StepRanError):
        main([str(argument) for argument in deploy(npz)])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--target", "hots"], ["--target hots: no such target", "did you mean host"]),
        (["--engine", "aott"], ["--engine aott: expected litert, aot, tflm, edgetpu or auto; did you mean aot"]),
        (["--engine", "edgetpu"], ["--engine edgetpu: host can't run it; it takes litert, aot or tflm"]),
        (["--target", "coral-usb", "--engine", "aot"], ["--engine aot: coral-usb can't run it; it takes edgetpu or"]),
        (["--model", "none.keras"], ["--model none.keras: no such file"]),
        (["--model", "v1_900"], ["alpha of v1 is 0.1 to 1.0"]),
        (["--weights", "none.h5"], ["--weights none.h5: no such file"]),
        (["--labels", "a,a"], ["--labels a,a: expected at least two names, all different"]),
        (["--data", "npz:none.npz"], ["--data npz:none.npz: no such file"]),
        (["--data", "folder:none"], ["--data folder:none: no such folder"]),
        (["--data", "fashion_minst"], ["--data fashion_minst", "did you mean fashion_mnist"]),
        (["--link", "tcp://127.0.0.1"], ["--link tcp://127.0.0.1: expected tcp://HOST:PORT"]),
        (["--target", "rpi4", "--link", "ssh://"], ["--link ssh://: expected ssh://[USER@]HOST"]),
        (["--target", "rpi4", "--link", "ssh://pi@no-such-host.invalid"], ["ssh://pi@no-such-host.invalid", "--link"]),
        (["--target", "qemu-m4", "--link", "tcp://no-such-host.invalid:1"], ["no host is called no-such-host.invalid"]),
        (["--target", "qemu-m4", "--link", "serial:///dev/no-such-tty"], ["there is no /dev/no-such-tty", "doctor"]),
        (["--target", "qemu-m4", "--link", "ssh://pi@host"], ["a board over SSH is a Linux target"]),
        (["--target", "qemu-rpi4", "--threads", "auto"], ["--threads auto", "an emulator's time is not the device's"]),
        (["--target", "coral-usb", "--device", "any"], ["--device any: expected usb:N"]),
        (["--target", "coral-usb", "--compiled", "none.tflite"], ["--compiled none.tflite: no such file"]),
        (["--target", "coral-usb", "--compile-on", "board"], ["--compile-on board: expected ssh://"]),
        (["--target", "coral-usb", "--with", "none.tflite"], ["--with none.tflite: no such file"]),
        (["--target", "coral-usb", "--with", "many"], ["--with many: expected presets or .tflite files"]),
    ],
    ids=lambda value: " ".join(value)[:50],
)
def test_a_wrong_name_address_or_file(
    npz: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[str]
) -> None:
    error = error_of(capsys, *deploy(npz, *arguments))
    assert [text for text in expected if text not in error] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["qemu-m4", "--threads", "4"], "--threads 4: qemu-m4 (aot) does not use it"),
        (["qemu-m4", "--threads", "1"], "--threads 1: qemu-m4 (aot) does not use it"),
        (["qemu-m4", "--kernels", "xnnpack"], "--kernels xnnpack: qemu-m4 (aot) does not use it"),
        (["qemu-m4", "--runtime", "auto"], "--runtime auto: qemu-m4 (aot) does not use it"),
        (["qemu-m4", "--engine", "tflm", "--stream-input"], "--stream-input: qemu-m4 (tflm) does not use it"),
        (["rpi4", "--stream-input"], "--stream-input: rpi4 (litert) does not use it"),
        (["rpi4", "--device", "usb"], "--device usb: rpi4 (litert) does not use it"),
        (
            ["host", "--optimize", "size"],
            "--optimize size: host (litert) does not use it; it is for --engine aot; leave",
        ),
        (["host", "--accept-new"], "--accept-new: host (litert) does not use it; it is for boards over SSH"),
        (
            ["host", "--with", "v2_035"],
            "--with v2_035: host (litert) does not use it; it is for targets with an Edge TPU",
        ),
        (["coral-usb", "--engine", "litert", "--compiled", "x"], "--compiled x: coral-usb (litert) does not use it"),
        (["mine.tflite", "--calibration-images", "9"], "--calibration-images 9: mine.tflite does not use it"),
        (["mine.tflite", "--channels", "1"], "--channels 1: mine.tflite does not use it; it is for presets"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "",
)
def test_an_option_that_the_target_or_the_model_does_not_use_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert expected in error_of(capsys, "deploy", *arguments)


def test_what_is_of_one_device_is_refused_for_several(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--unit x: names one device" in error_of(capsys, "deploy", "qemu-m3,qemu-m4", "--unit", "x")
    assert "--json: prints one report" in error_of(capsys, "deploy", "qemu-m3,qemu-m4", "--json")


def test_several_targets_refuse_an_option_that_none_uses(capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, "deploy", "qemu-m3,qemu-m4", "--threads", "2")
    assert "--threads: none of qemu-m3, qemu-m4 uses it" in error


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def link_tools(folder: Path, *names: str) -> None:
    for name in names:
        path = shutil.which(name, path=os.defpath)
        if path is None:
            pytest.skip(f"needs {name}")
        (folder / name).symlink_to(path)


def test_a_missing_compiler_names_its_package(npz: Path, capsys: pytest.CaptureFixture[str], tools: Path) -> None:
    error = error_of(capsys, *deploy(npz, "--target", "qemu-m4"))
    assert "cmake: not found; install it with: apt install cmake" in error
    assert "cmake: not found" in error_of(capsys, *["compile", *deploy(npz, "--target", "qemu-m4")[1:]])


def test_a_missing_emulator_names_its_package(npz: Path, capsys: pytest.CaptureFixture[str], tools: Path) -> None:
    link_tools(tools, "cmake", "ninja", "arm-none-eabi-gcc")
    error = error_of(capsys, *deploy(npz, "--target", "qemu-m4"))
    assert "qemu-system-arm: not found; install it with: apt install qemu-system-arm" in error


def test_what_makes_the_image_of_an_emulated_board_is_missed_before_calibration(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    error = error_of(capsys, *deploy(npz, "--target", "qemu-rpi4"))
    assert "qemu-system-aarch64: not found" in error
    (tools / "qemu-system-aarch64").write_text("#!/bin/sh\n")
    (tools / "qemu-system-aarch64").chmod(0o755)
    error = error_of(capsys, *deploy(npz, "--target", "qemu-rpi4"))
    assert "mmdebstrap: not found; install it with: apt install mmdebstrap" in error


def test_coral_s_compiler_is_missed_before_calibration(
    npz: Path, capsys: pytest.CaptureFixture[str], tools: Path
) -> None:
    error = error_of(capsys, *deploy(npz, "--target", "coral-usb"))
    assert "edgetpu_compiler: not on the PATH" in error


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "TFLM_DIR is not set"), ("/nowhere", "TFLM_DIR=/nowhere: no tensorflow/lite")]
)
def test_a_wrong_tflite_micro_tree(
    npz: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str
) -> None:
    monkeypatch.delenv("TFLM_DIR", raising=False)
    if value:
        monkeypatch.setenv("TFLM_DIR", value)
    assert expected in error_of(capsys, *deploy(npz, "--target", "qemu-m4", "--engine", "tflm"))


def test_a_wrong_bench_file(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_file, "BENCH", tmp_path / "bench.toml")
    (tmp_path / "bench.toml").write_text("[host\n")
    assert "bench.toml: not a TOML file" in error_of(capsys, *deploy(npz))


def test_a_full_disk(npz: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=20_000_000))
    error = error_of(capsys, *deploy(npz))
    assert "build: can't be written: 20 MB free, expected 50 MB; free disk space" in error


def test_a_folder_that_can_not_be_written(
    npz: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "a file"
    file.write_text("")
    monkeypatch.setattr(report_file, "REPORTS_DIR", file / "reports")
    assert "a file/reports/host/v1_025_32: can't be written" in error_of(capsys, *deploy(npz))


def test_a_report_that_can_not_be_written_is_noticed_before_measuring(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reports" / "unit7" / PRESET
    folder.mkdir(parents=True)
    full = OSError(errno.ENOSPC, "No space left on device")

    def temporary_file(dir: Path) -> Any:
        if Path(dir) == folder:
            raise full
        return tempfile.SpooledTemporaryFile()

    with at_home(tmp_path), monkeypatch.context() as patch:
        patch.setattr("pipeline.preflight.tempfile.TemporaryFile", temporary_file)
        error = error_of(capsys, *deploy(npz, "--unit", "unit7"))
    assert f"reports/unit7/{PRESET}: can't be written (No space left on device)" in error
    (folder / "report.json").mkdir()
    with at_home(tmp_path):
        error = error_of(capsys, *deploy(npz, "--unit", "unit7"))
    assert "report.json: is a folder, expected the last report or nothing" in error


def test_labels_are_read_before_the_data_set(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "labels").write_bytes(b"\xff\xfe\n")
    error = error_of(capsys, "build", PRESET, "--labels", tmp_path / "labels")
    assert "expected text in UTF-8" in error


def test_a_data_set_without_what_it_needs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "half.npz", x_train=np.zeros((2, 8, 8), np.uint8))
    assert "key y_train is missing" in error_of(capsys, *deploy(tmp_path / "half.npz"))


@pytest.mark.parametrize(("train", "test"), [(0, 4), (4, 0)])
def test_a_data_set_without_pictures_to_calibrate_or_to_test_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, train: int, test: int
) -> None:
    labels = {"train": np.arange(train), "test": np.arange(test)}
    splits = {name: Split(numbers, lambda i: Image.new("RGB", (8, 8))) for name, numbers in labels.items()}
    data = Dataset("few", ("a", "b"), splits["train"], splits["test"], "few")
    monkeypatch.setattr("pipeline.resolve.load", lambda name: data)
    error = error_of(capsys, "deploy", PRESET, "--weights", "random")
    assert f"has {train} to train and {test} to test with; give at least 2 for each class" in error


def test_train_finds_a_full_disk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=20_000_000))
    assert "can't be written: 20 MB free" in error_of(capsys, "train", PRESET)


@pytest.mark.skipif(not (SHARED_DATA / "mlperf_vww_96_int8.tflite").is_file(), reason="needs ../shared/data")
def test_a_tflite_has_its_own_weights(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = SHARED_DATA / "mlperf_vww_96_int8.tflite"
    error = error_of(capsys, "deploy", model, "--data", f"npz:{npz}", "--weights", "random")
    assert "a .tflite has its own" in error
    with pytest.raises(Error, match="a .tflite has no Keras network"):
        preflight.check(Request(model=str(model), data=f"npz:{npz}"), Goal.NETWORK)


@pytest.mark.parametrize(
    ("name", "message"), [("file/hil.xml", "can't be written"), (".", "is a folder, expected a file")]
)
def test_a_junit_file_that_can_not_be_written_stops_before_the_device_is_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(preflight, "check", lambda *wanted: pytest.fail("the rest is checked first"))
    with pytest.raises(ConfigError, match=message):
        device_test.run(TestRequest(target="host-fw", model="v1_025", junit=tmp_path / name))
