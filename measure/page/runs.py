"""The runs of a page: each report with what lies beside it, and the limits of its board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import ConfigError, Error
from fields import Source, load_json
from fields.dataclass_json import from_json
from measure import details, limits, report_file
from measure.details import Details
from measure.profile import SCHEMA, Profile
from measure.report import Report

PROFILE = "profile.json"
"""The family of firmware that is a program of this host, whose memory is not a board's."""


@dataclass(frozen=True)
class Run:
    """A report, its place on the page, and what else is known of it. Limits are in bytes, None where unknown.

    `unit` is the folder of the target, which is the name of --unit where one was given.
    """

    number: int
    unit: str
    report: Report
    path: Path
    details: Details | None = None
    profile: Profile | None = None
    ram_bytes: int | None = None
    flash_bytes: int | None = None

    @property
    def anchor(self) -> str:
        """The id of its section."""
        return f"run-{self.number}"

    @property
    def name(self) -> str:
        """What the page calls it."""
        return f"{self.path.parent.name} on {self.unit}"


def read(words: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Return the runs of reports and folders of reports, and a line for each report that can't be read.

    Raises ConfigError if there is none.
    """
    paths: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_file():
            paths.append(path)
        elif path.is_dir():
            paths += sorted(found for found in path.rglob(report_file.COMPLETE))
        else:
            raise ConfigError(f"{word}: no such report or folder of reports")
    runs: list[Run] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            report = report_file.read(path)
        except Error as e:
            problems.append(str(e))
            continue
        runs.append(_run(len(runs) + 1, path, report))
    if not runs:
        raise ConfigError(problems[0] if problems else f"{', '.join(words)}: no report yet; `inv deploy` writes it")
    return runs, problems


def _run(number: int, path: Path, report: Report) -> Run:
    ram, flash = limits.of(report.target.name)
    found = details.read(path, report)
    return Run(number, path.resolve().parent.parent.name, report, path, found, _profile(path, report), ram, flash)


def _profile(path: Path, report: Report) -> Profile | None:
    """Return the profile beside a report, if it is of the same device and kernels.

    A damaged one, or one of another schema, is left out.
    """
    try:
        text = (path.parent / PROFILE).read_bytes()
        profile = from_json(Profile, load_json(text, source := Source(PROFILE)).values, source)
    except (OSError, Error):
        return None
    is_same = (
        profile.schema == SCHEMA
        and profile.kernels == report.engine.kernels
        and profile.measured_on == report.target.measured_on
    )
    return profile if is_same else None
