"""A stand-in for a flash tool: it replays a recorded output and exit code, and writes down how it was called.

It is no flash tool and proves nothing about one. What it replays is in tests/data/flash_tools, which says what was
recorded from the real tool and what was composed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

TRANSCRIPTS = Path(__file__).resolve().parents[1] / "data" / "flash_tools"


class StandIn:
    """A program of a flash tool's name, first on the PATH, that replays a transcript."""

    def __init__(self, program: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.log, self._path = folder / "calls.json", folder / "bin" / program
        self._path.parent.mkdir()
        monkeypatch.setenv("PATH", str(self._path.parent), prepend=":")

    def replays(self, transcript: str) -> None:
        """Let it replay a file of tests/data/flash_tools."""
        code, _, text = (TRANSCRIPTS / f"{transcript}.txt").read_text().partition("\n")
        self.answers(int(code), text)

    def answers(self, code: int, text: str) -> None:
        """Let it print a text and exit."""
        self._path.write_text(
            f"#!{sys.executable} -IS\n"
            "import json, os, sys\n"
            f"with open({str(self.log)!r}, 'a') as log:\n"
            "    log.write(json.dumps([os.getcwd(), *sys.argv[1:]]) + '\\n')\n"
            f"sys.stderr.write({text!r})\n"
            f"sys.exit({code})\n"
        )
        self._path.chmod(0o755)

    def hangs(self) -> None:
        """Let it wait until it is stopped."""
        self._path.write_text(f"#!{sys.executable} -IS\nimport time\ntime.sleep(60)\n")
        self._path.chmod(0o755)

    def calls(self) -> list[list[str]]:
        """Return the folder and the arguments of each call."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
