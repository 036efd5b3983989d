"""A task that needs Keras starts the launcher again where TensorFlow is not installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError

import pytest

from artifact import ROOT
from errors import ConfigError
from pipeline import command_line, preflight, second_lock
from pipeline.preflight import Goal
from pipeline.request import Request


class Started(BaseException):
    """In place of the launcher."""


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Make TensorFlow look as if it were not installed; return the commands that were started."""
    commands: list[list[str]] = []

    def execve(path: object, command: Sequence[str], environment: Mapping[str, str]) -> None:
        assert environment[second_lock.LOCK] == "keras"
        commands.append(list(command))
        raise Started

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(sys, "argv", ["tasks.py", "build", "v1_025"])
    monkeypatch.delenv(second_lock.LOCK, raising=False)
    return commands


def test_a_preset_needs_keras(light: list[list[str]]) -> None:
    with pytest.raises(Started):
        preflight.check(Request(model="v1_025", target="host"), Goal.INT8)
    assert light == [[str(ROOT / "inv"), "build", "v1_025"]]


@pytest.mark.parametrize("error", [ModuleNotFoundError(name="keras.layers"), PackageNotFoundError("tensorflow")])
def test_an_import_that_was_overlooked_does_too(
    light: list[list[str]], error: ModuleNotFoundError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(arguments: Sequence[str]) -> None:
        raise error

    monkeypatch.setattr(command_line, "_run", run)
    with pytest.raises(Started):
        command_line.main(["calibrate"])
    assert len(light) == 1


def test_it_is_not_started_for_ever(light: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(second_lock.LOCK, "keras")
    with pytest.raises(ConfigError, match="tensorflow is not installed here"):
        second_lock.need_keras()
    second_lock.start_again_after(ModuleNotFoundError(name="not_ours"))
    assert light == []


def test_what_a_tflite_needs_imports_nothing_of_the_second_lock() -> None:
    """With imports of TensorFlow, Keras and h5py refused, everything of a .tflite's way is imported."""
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'h5py'): sys.modules[name] = None\n"
        "import tasks, pipeline.measuring, pipeline.products, pipeline.exporting, pipeline.tracing\n"
        "import pipeline.profiling\n"
        "import compilers.aot, compilers.image.microcontroller, compilers.image.linux_program, compilers.litert\n"
        "import compilers.tflm, measure.bench, measure.reference, device_tests.run, calibration.convert\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("is_terminal", "no_color", "line"),
    [
        (True, "", "\x1b[31merror:\x1b[0m deploi: no such task"),
        (True, "1", "error: deploi: no such task"),
        (False, "", "error: deploi: no such task"),
    ],
)
def test_an_error_is_in_color_where_colors_are(
    is_terminal: bool, no_color: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    assert command_line.main(["deploi"]) == 1
    assert capsys.readouterr().err.startswith(line)
