"""Resolves the dependencies of `pyproject.toml` into `requirements.lock`, with the hashes of every file."""

from __future__ import annotations

import os
import sys

import process
from artifact import ROOT
from errors import Error

# What is resolved for the oldest Python that we take installs on the newer ones too, not the other way round.
PYTHON = (3, 11)
OPTIONS = (
    "--extra=dev",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",  # setuptools, which newer Pythons do not bring
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
)
LOCAL_SETTINGS = ("PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")


def lock(upgrade: bool = False) -> None:
    """Write `requirements.lock` again: keep its versions where they still fit, or take the newest of each.

    Settings of this machine's pip (other indexes, constraints, local files) do not reach the lock.
    Raises Error if it runs under another Python than 3.11, or if nothing satisfies `pyproject.toml`.
    """
    if sys.version_info[:2] != PYTHON:
        raise Error(f"inv lock: the lock is made with Python 3.11, this is {sys.version_info[0]}.{sys.version_info[1]}")
    environment = {key: value for key, value in os.environ.items() if key not in LOCAL_SETTINGS}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "CUSTOM_COMPILE_COMMAND": "./inv lock"}
    command = [sys.executable, "-m", "piptools", "compile", "--quiet", *OPTIONS, *(["--upgrade"] if upgrade else [])]
    command += ["--output-file=requirements.lock", "pyproject.toml"]
    if process.show(command, error=Error, environment=environment, folder=ROOT):
        raise Error("inv lock: pyproject.toml could not be resolved, see above; requirements.lock is as it was")
