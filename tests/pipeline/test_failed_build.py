"""A firmware build that fails, through the command line: one line, a log, and nothing is flashed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from tests.pipeline.small import inv, one_line, options

COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"


def stand_in(folder: Path, program: str, script: str) -> None:
    """Put a program of this name first on the PATH."""
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)


def test_nothing_is_flashed_after_a_failed_build(
    home: Path, npz: Path, int8: Artifact[Int8Facts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which(COMPILER)
    if real is None:
        pytest.skip(f"needs {COMPILER}")
    # A stand-in that compiles all but the firmware's main loop.
    stand_in(
        tmp_path,
        COMPILER,
        f'case "$*" in *main.c*) echo "main.c:1:1: error: stand-in" >&2; exit 1 ;; esac\nexec {real} "$@"',
    )
    stand_in(tmp_path, EMULATOR, f": >{tmp_path}/flashed")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    # No other test builds this one, so that none of its products is there already.
    done = inv(home, "deploy", *options(npz), "--target", "qemu-m4", "--optimize", "ram")
    one_line(done, "qemu-m4: the firmware's build failed: main.c:1:1: error: stand-in; all output is in ")
    log = home / "build" / "logs" / "firmware-qemu-m4.log"
    assert str(log) in done.stderr
    assert "main.c:1:1: error: stand-in" in log.read_text()
    assert not (tmp_path / "flashed").exists()
