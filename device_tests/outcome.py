"""What a run of the suite came to, read from its JUnit file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from errors import DeviceError

COLUMNS = [
    ("device", "left"),
    ("passed", "right"),
    ("failed", "right"),
    ("flaky", "right"),
    ("skipped", "right"),
    ("JUnit", "left"),
]
DROPPED = (5,)
"""Columns that a narrow terminal does without."""


@dataclass(frozen=True)
class Outcome:
    """How many tests passed, failed (errors of fixtures included), passed only when repeated, and were skipped.

    The flaky ones are among those that passed.
    """

    passed: int
    failed: int
    flaky: int
    skipped: int

    def text(self) -> str:
        """Return it as a person reads it."""
        return f"{self.passed} passed, {self.failed} failed, {self.flaky} flaky, {self.skipped} skipped"

    def row(self, name: str, path: Path) -> list[str]:
        """Return the cells of a table with COLUMNS."""
        return [name, str(self.passed), str(self.failed), str(self.flaky), str(self.skipped), str(path)]


def read(path: Path) -> Outcome:
    """Return the outcome in a JUnit file. Raises DeviceError if it is not one."""
    try:
        cases = ElementTree.parse(path).findall(".//testcase")
    except (OSError, ElementTree.ParseError) as e:
        raise DeviceError(f"{path}: not a JUnit file ({e}); run the tests again") from e
    failed = _count(cases, "failure", "error")
    skipped = _count(cases, "skipped")
    flaky = sum(any(p.get("name") == "flaky" for p in case.iter("property")) for case in cases)
    return Outcome(len(cases) - failed - skipped, failed, flaky, skipped)


def _count(cases: Sequence[ElementTree.Element], *names: str) -> int:
    return sum(any(case.find(name) is not None for name in names) for case in cases)
