"""Running a command of an SDK: all of its output kept as a log, and of a failure the line that says most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import process
from deploy.flash_job import NOT_ALLOWED, Failure
from errors import DeployError

TOO_LARGE = Failure(
    # In this order: Arduino, Teensy, PlatformIO, ESP-IDF, GNU ld (Zephyr and others).
    r"\([1-9]\d\d%\) of (?:program|dynamic)|section exceeds available space|exceeds memory space|"
    r"size .* is greater than maximum allowed|partitions? (?:is|are) too small|"
    r"will not fit in region|region .* overflowed by",
    "the board has no room for it: take a smaller preset, --optimize ram, or a larger partition in your SDK's settings",
)
ERRORS = (
    r"(?i)\berror\b[^:]{0,12}:|CMake Error|FATAL ERROR|undefined reference",
    r"(?i)\b(?:error|failed|failure)\b",
)
"""The first line that matches the first pattern that any line matches: what follows is often caused by it."""
EMPTY = (
    r"(?i)ninja: build stopped|^(?:FAILED|ninja failed)\b|command exited|exit status|-W\S*error|Performing Test|"
    r"Error \d+$"
)
"""Lines with an error that name no cause."""


@dataclass(frozen=True)
class Run:
    """How a command of an SDK is run. `called` begins each error; `check` is what to look at where it never ends.

    `failures` are known reasons in its output with what the user can do; `log` gets all of its output.
    """

    called: str
    install: str
    timeout_s: float
    check: str
    log: Path
    folder: Path | None = None
    failures: tuple[Failure, ...] = ()


def run(command: Sequence[str], how: Run) -> process.Finished:
    """Run a command to its end. Raises DeployError with the line of its output that explains the failure."""
    how.log.parent.mkdir(parents=True, exist_ok=True)
    with how.log.open("w", encoding="utf-8") as log:

        def keep(line: str) -> None:
            log.write(f"{line}\n")
            log.flush()

        finished = process.run(
            command,
            error=DeployError,
            timeout_s=how.timeout_s,
            name=how.called,
            install=how.install,
            hint=f"see where it waits in {how.log}, and check {how.check}",
            check=False,
            folder=how.folder,
            is_merged=True,
            on_line=keep,
        )
    if finished.exit_code:
        raise DeployError(f"{how.called}: {_explained(finished, how)}; all of its output is in {how.log}")
    return finished


def _explained(finished: process.Finished, how: Run) -> str:
    """Return the first error in the output, and the next step where the reason is known."""
    lines = finished.lines
    for failure in (TOO_LARGE, *how.failures, NOT_ALLOWED):
        if known := _first(lines, failure.pattern):
            return f"{known}; {failure.next_step}"
    lines = [line for line in lines if not re.search(EMPTY, line)] or lines
    causes = [line for pattern in ERRORS if (line := _first(lines, pattern))]
    return (
        causes or [line[: process.SHOWN_CHARACTERS] for line in lines[-1:]] or [process.ending(finished.exit_code)]
    )[0]


def _first(lines: Sequence[str], pattern: str) -> str:
    """Return the first line that matches, with the next one where it ends with a colon; "" if none does."""
    for line, after in zip(lines, [*lines[1:], ""], strict=False):
        if re.search(pattern, line):
            return (f"{line} {after}" if line.endswith(":") else line)[: process.SHOWN_CHARACTERS]
    return ""
