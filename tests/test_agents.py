"""What AGENTS.md tells to run is a command with these options, and the files that it names are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import tasks  # noqa: F401 it registers the commands
from pipeline.command_line import parse

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "AGENTS.md").read_text()


@pytest.mark.parametrize("words", re.findall(r"`\./inv ([a-z-]+(?: [^`]*)?)`", TEXT))
def test_each_command_is_one(words: str) -> None:
    assert parse(shlex.split(words))


@pytest.mark.parametrize("name", re.findall(r"[`(]([a-z]+/[a-z_./]+\.(?:json|md))[`)]", TEXT))
def test_each_file_is_there(name: str) -> None:
    assert (ROOT / name).is_file()
