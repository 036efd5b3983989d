"""Tests that fail are run again where the user allows it, and one that passes only then is counted as a flake.

A flake is shown in the summary and in the JUnit file, and a run with flakes ends with an exit code of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

FLAKY = 11
"""The exit code of pytest where all tests passed, but some only when they were repeated."""


@dataclass(eq=False)  # pytest keeps plugins in sets
class Retries:
    """A plugin of pytest that calls a test's function again, at most `most` times; its fixtures stay as they are."""

    most: int
    flakes: list[str] = field(default_factory=list)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Any:
        """Call the function until it passes, or as often as is allowed."""
        try:
            return (yield)
        except pytest.skip.Exception:
            raise
        except Exception as e:
            if not self.most:
                raise
            return self._again(pyfuncitem, e)

    def _again(self, item: pytest.Function, first: Exception) -> object:
        names = item._fixtureinfo.argnames
        for number in range(2, self.most + 2):
            try:
                item.obj(**{name: item.funcargs[name] for name in names})
            except Exception:
                if number > self.most:
                    raise
                continue
            text = f"failed, then passed at try {number}: {_line(first)}"
            self.flakes.append(f"{item.name}: {text}")
            item.user_properties.append(("flaky", text))
            return True
        raise first

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Let the exit code say that there were flakes."""
        if self.flakes and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = FLAKY

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name each flake."""
        if self.flakes:
            terminalreporter.section(f"{len(self.flakes)} flaky: passed only when repeated")
            for text in self.flakes:
                terminalreporter.write_line(text)


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200]
