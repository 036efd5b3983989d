"""What is compared: a report, a folder of reports, those of a git revision, or the kept baseline."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import artifact
import process
from errors import ConfigError
from fields import Source
from measure import report_file
from measure.report import Report

BASELINE = "baseline"
REVISION = re.compile(r"[\w./@{}~^-]+", re.ASCII)
GIT_S = 60
LARGEST = 64 << 20


@dataclass(frozen=True)
class Key:
    """What a report is about: a target (or unit) and a model, as its folders name them."""

    target: str
    model: str


@dataclass(frozen=True)
class Side:
    """One of the two things compared: its name, and its reports. A single report stands for any key."""

    name: str
    reports: Mapping[Key, Report]
    is_single: bool


def load(word: str, other: str) -> Side:
    """Return the reports that a word names: a file, a folder, `baseline`, a git revision or REVISION:PATH.

    Of a revision alone the path is that of the `other` word. Raises ConfigError if there are none, or one is damaged.
    """
    path = baseline_folder() if word == BASELINE else Path(word)
    if path.is_file():
        return Side(word, {_key(path): report_file.read(path)}, True)
    if path.is_dir():
        return _folder(word, path)
    if word == BASELINE:
        raise ConfigError(f"{path}: no baseline yet; `inv compare RUN --save-baseline` writes it")
    revision, has_path, inside = word.partition(":")
    if REVISION.fullmatch(revision) and not revision.startswith("-") and (has_path or Path(other).exists()):
        return _revision(word, revision, Path(inside) if has_path else Path(other))
    raise ConfigError(f"{word}: expected report.json, a folder of reports, a git revision or `baseline`; no such file")


def pairs(before: Side, after: Side) -> list[tuple[Key, Report, Report]]:
    """Return the reports that belong together. Raises ConfigError if there are none.

    Two single reports belong together; of folders those of the same target and model. A report that only one side has
    is an error where it is the first: a run that was not made must not pass for one that is as good.
    """
    if before.is_single and after.is_single:
        (one,), (other,) = before.reports.values(), after.reports.values()
        return [(next(iter(after.reports)), one, other)]
    missing = sorted(f"{key.target}/{key.model}" for key in before.reports if key not in after.reports)
    shared = [key for key in after.reports if key in before.reports]
    if not shared:
        raise ConfigError(f"{before.name} and {after.name} have no target and model in common; compare two files")
    if missing and not after.is_single and not before.is_single:
        raise ConfigError(f"{after.name}: no report of {', '.join(missing[:3])}, which {before.name} has; measure it")
    return [(key, before.reports[key], after.reports[key]) for key in sorted(shared, key=str)]


def baseline_folder() -> Path:
    """Return where `--save-baseline` keeps reports: a folder that may be committed."""
    return artifact.HOME / BASELINE


def save_baseline(side: Side) -> Path:
    """Keep the reports of a side as the baseline, in place of an earlier one of the same target and model."""
    folder = baseline_folder()
    for key, report in side.reports.items():
        artifact.write_atomic(folder / key.target / key.model / report_file.COMPLETE, report_file.dumps(report))
    return folder


def _folder(word: str, folder: Path) -> Side:
    single = folder / report_file.COMPLETE
    if single.is_file():
        return Side(word, {_key(single): report_file.read(single)}, True)
    paths = sorted(folder.glob(f"*/{report_file.COMPLETE}")) + sorted(folder.glob(f"*/*/{report_file.COMPLETE}"))
    if not paths:
        raise ConfigError(f"{word}: no report in this folder; `inv deploy` writes reports")
    return Side(word, {_key(path): report_file.read(path) for path in paths}, False)


def _revision(word: str, revision: str, path: Path) -> Side:
    """Return the reports of a git revision at a path of this machine, relative to its repository."""
    where = path if path.is_dir() else path.parent
    where = where if where.is_dir() else Path()
    root = Path(_git(where, word, "rev-parse", "--show-toplevel").strip()).resolve()
    inside = path.resolve()
    if not inside.is_relative_to(root):
        raise ConfigError(f"{word}: {path} is not in the git repository {root}")
    commit = _git(root, word, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    relative = inside.relative_to(root).as_posix()
    listed = _git(root, word, "ls-tree", "-r", "-z", "--name-only", commit, "--", relative).split("\0")
    names = [name for name in listed if name.endswith(f"/{report_file.COMPLETE}") or name == relative]
    if not any(names):
        raise ConfigError(f"{word}: commit {commit[:12]} has no report at {relative}; commit it, or name REVISION:PATH")
    reports = {}
    for name in filter(None, names):
        text = _git(root, word, "show", f"{commit}:{name}")
        reports[_key(root / name)] = report_file.loads(text, Source(f"{word}: {name}"))
    is_single = len(reports) == 1 and (path.is_file() or (path / report_file.COMPLETE).as_posix().endswith(names[0]))
    return Side(word, reports, is_single)


def _git(folder: Path, word: str, *arguments: str) -> str:
    if not shutil.which("git"):
        raise ConfigError(f"{word}: no such file, and git is not installed to look for a revision of that name")
    done = process.run(
        ["git", "-C", str(folder), *arguments], error=ConfigError, timeout_s=GIT_S, check=False, kept_bytes=LARGEST
    )
    if done.exit_code:
        raise ConfigError(f"{word}: neither a report, a folder nor a git revision here")
    return done.stdout


def _key(path: Path) -> Key:
    folder = path.resolve().parent
    return Key(folder.parent.name, folder.name)
