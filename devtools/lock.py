"""Resolves the dependencies of `pyproject.toml` into the locks, with the hashes of every file."""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import console
import process
from artifact import ROOT
from errors import Error

# What is resolved for the oldest Python that we take installs on the newer ones too, not the other way round.
PYTHON = (3, 11)
LIGHT, WHOLE, CMAKE = "requirements.lock", "requirements-keras.lock", "requirements-cmake.lock"
"""What a task needs for a .tflite; the same with TensorFlow, Keras and the tools of development; CMake and Ninja."""
OPTIONS = (
    "--generate-hashes",
    "--no-strip-extras",  # pip takes the newest of a package with an extra that is not pinned as such
    "--allow-unsafe",  # setuptools, which newer Pythons do not bring
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
)
LOCAL_SETTINGS = ("PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")


def run(upgrade: bool, as_json: bool) -> None:
    """Write the locks, and with `as_json` print their names. Raises Error as `lock`."""
    lock(upgrade, sys.stderr if as_json else None)
    if as_json:
        console.print_json({"locks": [str(ROOT / name) for name in (LIGHT, WHOLE, CMAKE)]})


def lock(upgrade: bool = False, output: IO[str] | None = None) -> None:
    """Write the locks again: keep their versions where they still fit, or take the newest of each.

    The light lock has the versions of the whole one, so that one environment can get the second after the first.
    Settings of this machine's pip (other indexes, constraints, local files) do not reach the locks. What pip-tools
    prints goes to `output`.
    Raises Error if it runs under another Python than 3.11, or if nothing satisfies `pyproject.toml`.
    """
    if sys.version_info[:2] != PYTHON:
        raise Error(f"inv lock: the lock is made with Python 3.11, this is {sys.version_info[0]}.{sys.version_info[1]}")
    newest = ["--upgrade"] if upgrade else []
    _compile(WHOLE, ["--extra=keras", "--extra=dev", *newest], output)
    _compile(LIGHT, ["--upgrade", f"--constraint={WHOLE}"], output)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    with tempfile.TemporaryDirectory(prefix="alpharho-") as folder:
        (Path(folder) / "cmake.in").write_text("\n".join(extras["cmake"]))
        _compile(CMAKE, ["--no-annotate", *newest], output, str(Path(folder) / "cmake.in"))


def _compile(name: str, options: Sequence[str], output: IO[str] | None, source: str = "pyproject.toml") -> None:
    environment = {key: value for key, value in os.environ.items() if key not in LOCAL_SETTINGS}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "CUSTOM_COMPILE_COMMAND": "./inv lock"}
    command = [sys.executable, "-m", "piptools", "compile", "--quiet", *OPTIONS, *options]
    command += [f"--output-file={name}", source]
    if process.show(command, error=Error, environment=environment, folder=ROOT, output=output):
        raise Error(f"inv lock: pyproject.toml could not be resolved, see above; {name} is as it was")
