"""esptool and esp32-mock-bootloader, installed in a folder of their own, as esptool.lock says."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from artifact import BUILD_DIR

LOCK = Path(__file__).with_name("esptool.lock")
INSTALL_S = 500
OPTIONS = ("--disable-pip-version-check", "--quiet", "--no-deps", "--no-build-isolation", "--require-hashes")


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put both programs on the PATH. Skips the test if they can't be installed."""
    folder = BUILD_DIR / f"esptool-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        _install(folder)
    monkeypatch.setenv("PATH", str(folder / "bin"), prepend=":")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def _install(folder: Path) -> None:
    """Install into a folder that appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as part:
        target = Path(part) / "programs"
        command = [sys.executable, "-m", "pip", "install", *OPTIONS, "--target", str(target), "-r", str(LOCK)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            pytest.skip(f"needs esptool and esp32-mock-bootloader of PyPI, which pip could not install: {last}")
        target.rename(folder)
