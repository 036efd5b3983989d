"""The checks that `inv test` and CI run: style, types, tests. Each is a command that can be run by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import process
from artifact import ROOT
from errors import Error

C_SUFFIXES = (".c", ".cc", ".h")
C_FOLDERS = ("firmware", "compilers")
# Two workers need 4 GB; a worker takes tests from the other when it has none left.
WHOLE_SUITE = (
    "--numprocesses=auto",
    "--maxprocesses=4",
    "--dist=worksteal",
    "--cov",
    "--cov-report=term:skip-covered",
)


def commands(pytest_arguments: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the checks by name, in order, as lists of arguments to run in the checkout."""
    python = [sys.executable, "-m"]
    checks = {
        "ruff check": [*python, "ruff", "check", "."],
        "ruff format": [*python, "ruff", "format", "--check", "."],
        "mypy": [*python, "mypy"],
    }
    if sources := c_sources():
        clang_format = str(Path(sys.executable).with_name("clang-format"))
        checks["clang-format"] = [clang_format, "--dry-run", "--Werror", "--ferror-limit=1", *sources]
        checks |= {tool: [*python, "devtools.c_checks", tool] for tool in ("clang-tidy", "cppcheck")}
    checks["pytest"] = [*python, "pytest", *(pytest_arguments or WHOLE_SUITE)]
    return checks


def c_sources() -> list[str]:
    """Return the C files of the checkout, as paths relative to it."""
    return sorted(
        str(path.relative_to(ROOT))
        for folder in C_FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in C_SUFFIXES
    )


def run(pytest_arguments: Sequence[str] = ()) -> None:
    """Run every check, though one before it failed, and print what each took.

    Raises Error naming the checks that failed.
    """
    failed: dict[str, list[str]] = {}
    for name, command in commands(pytest_arguments).items():
        print(f"== {name}", flush=True)
        start = time.monotonic()
        if process.show(command, error=Error, folder=ROOT):
            failed[name] = command
        print(f"== {name}: {'failed' if name in failed else 'passed'} in {time.monotonic() - start:.0f} s", flush=True)
    if failed:
        raise Error(f"failed: {', '.join(failed)}; see above, each after its own line ==")
