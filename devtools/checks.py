"""The checks that `inv test` and CI run: style, types, tests. Each is a command that can be run by itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import console
import process
from artifact import ROOT
from errors import Error

C_SUFFIXES = (".c", ".cc", ".h")
C_FOLDERS = ("firmware", "compilers")
WORKER_BYTES = 2 << 30
# A worker takes tests from the others when it has none left.
WHOLE_SUITE = ("--dist=worksteal", "--cov", "--cov-report=term:skip-covered")
LOWEST = "19"
FUZZING = ["nice", "-n", LOWEST, sys.executable, "-m", "tests.fuzz", "--seconds", "60"]


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
    whole = (f"--numprocesses={workers()}", *WHOLE_SUITE)
    checks["pytest"] = [*python, "pytest", *(pytest_arguments or whole)]
    return checks


def workers() -> int:
    """Return how many processes run the whole suite: one more than there are CPUs, as memory allows, at most four.

    Tests wait for emulators, servers and timeouts in a sixth of their time.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min((os.cpu_count() or 1) + 1, memory // WORKER_BYTES, 4))


def c_sources() -> list[str]:
    """Return the C files of the checkout, as paths relative to it."""
    return sorted(
        str(path.relative_to(ROOT))
        for folder in C_FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in C_SUFFIXES
    )


def run(pytest_arguments: Sequence[str] = (), as_json: bool = False) -> None:
    """Run every check, though one before it failed, and print what each took.

    The others run at the same time, and pytest when they have ended. The whole suite has the fuzzing beside it, at the
    lowest priority: it takes what the others leave while they wait. With `as_json` all that is printed on standard
    error, and which checks passed as JSON. Raises Error naming the checks that failed.
    """
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        passed = _run(pytest_arguments, sys.stderr if as_json else None)
    if as_json:
        console.print_json([{"check": name, "passed": ended} for name, ended in passed.items()])
    if failed := [name for name, ended in passed.items() if not ended]:
        raise Error(f"failed: {', '.join(failed)}; see above, each after its own line ==")


def _run(pytest_arguments: Sequence[str], output: IO[str] | None) -> dict[str, bool]:
    """Run every check and return by name whether it passed; `output` is where pytest prints."""
    checks = commands(pytest_arguments)
    with _beside([] if pytest_arguments else FUZZING) as finished:
        failed = _run_together({name: command for name, command in checks.items() if name != "pytest"})
        passed = {name: name not in failed for name in checks}
        if "pytest" in checks:
            start = _begin("pytest")
            exit_code = process.show(checks["pytest"], error=Error, folder=ROOT, output=output)
            passed["pytest"] = not _end("pytest", start, exit_code)
        is_fuzzed = finished()
        if not pytest_arguments:
            passed["fuzzing"] = is_fuzzed
    return passed


def _run_together(checks: Mapping[str, list[str]]) -> list[str]:
    """Run checks at the same time, print the output of each in their order, and return those that failed."""
    failed, start = [], time.monotonic()
    with contextlib.ExitStack() as stack:
        running = {}
        for name, command in checks.items():
            output = stack.enter_context(tempfile.TemporaryFile())
            child = process.start(command, error=Error, folder=ROOT, stdout=output, stderr=subprocess.STDOUT)
            stack.callback(process.stop, child, 0)
            running[name] = child, output
        for name, (child, output) in running.items():
            _begin(name)
            child.wait()
            output.seek(0)
            print(output.read().decode(errors="replace"), end="")
            if _end(name, start, child.returncode):
                failed.append(name)
    return failed


def _begin(name: str) -> float:
    print(f"== {name}", flush=True)
    return time.monotonic()


def _end(name: str, start: float, exit_code: int) -> int:
    """Print how a check ended and return its exit code."""
    ended = "failed" if exit_code else "passed"
    print(f"== {name}: {ended} in {time.monotonic() - start:.0f} s", flush=True)
    return exit_code


@contextlib.contextmanager
def _beside(command: Sequence[str]) -> Iterator[Callable[[], bool]]:
    """Run a command meanwhile; yield what waits for its end, prints its output and returns whether it succeeded."""
    if not command:
        yield lambda: True
        return
    with tempfile.TemporaryFile() as output:
        child = process.start(command, error=Error, folder=ROOT, stdout=output, stderr=subprocess.STDOUT)
        # Linux shares processors between sessions first, whatever `nice` says within one (sched(7), autogroup).
        with contextlib.suppress(OSError):
            Path(f"/proc/{child.pid}/autogroup").write_text(LOWEST, encoding="ascii")

        def finished() -> bool:
            start = _begin("fuzzing")
            exit_code = child.wait()
            output.seek(0)
            print(output.read().decode(errors="replace").rstrip())
            return _end("fuzzing", start, exit_code) == 0

        try:
            yield finished
        finally:
            process.stop(child)
