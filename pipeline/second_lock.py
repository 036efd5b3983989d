"""TensorFlow and Keras are installed when a task needs them: the launcher is started again and installs them."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.metadata import PackageNotFoundError
from typing import NoReturn

from artifact import ROOT
from errors import ConfigError

LOCK = "ALPHARHO_LOCK"
"""Environment variable that tells the launcher to install requirements-keras.lock."""
LIBRARIES = ("tensorflow", "keras", "h5py")


def need_keras() -> None:
    """Return if TensorFlow is installed, else run this command again with it."""
    if importlib.util.find_spec(LIBRARIES[0]) is None:
        _start_again(LIBRARIES[0])


def start_again_after(error: ModuleNotFoundError) -> None:
    """Run this command again if an import failed that TensorFlow's lock has; return if it is another's."""
    name = (error.name or "").partition(".")[0]
    if name in LIBRARIES and (isinstance(error, PackageNotFoundError) or importlib.util.find_spec(name) is None):
        _start_again(name)


def _start_again(name: str) -> NoReturn:
    """Replace this process by the launcher. Raises ConfigError if that was done before, or if there is none."""
    launcher = ROOT / "inv"
    if os.environ.get(LOCK) or not launcher.is_file():
        raise ConfigError(f"{name} is not installed here; delete .venv, then run ./inv again")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(launcher, [str(launcher), *sys.argv[1:]], os.environ | {LOCK: "keras"})  # noqa: S606 it needs no shell
