"""Tasks whose steps do not run: what is refused is refused by preflight."""

from __future__ import annotations

from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from pipeline.command_line import main
from pipeline.steps import Steps
from tests.pipeline.small import PRESET


class StepRanError(AssertionError):
    """A step ran."""


@pytest.fixture(autouse=True)
def _no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step fail the test."""

    def run(self: Steps) -> None:
        raise StepRanError

    for name in ("build_network", "quantize", "compile", "build_firmware"):
        monkeypatch.setattr(Steps, name, run)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run `inv` in this process and return its one line of error."""
    assert main([str(argument) for argument in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def deploy(npz: Path, *arguments: object) -> list[object]:
    return ["deploy", "--model", PRESET, "--weights", "random", "--data", f"npz:{npz}", *arguments]
