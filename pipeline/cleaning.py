"""What this checkout takes on disk, and removing what can be built or installed again."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import console
from artifact import BUILD_DIR, REPORTS_DIR, ROOT, TRAINED_DIR
from errors import ConfigError
from pipeline.task_options import CleanOptions

VENV = ROOT / ".venv"
JOURNALS = "journals"
"""In the build folder: what devices have answered in runs that are to go on. It can't be built again."""


@dataclass(frozen=True)
class Use:
    """A folder, what it holds, and its size in bytes, files linked from elsewhere left out."""

    folder: Path
    what: str
    size_bytes: int


def uses() -> list[Use]:
    """Return the folders of this checkout that grow, those that are there."""
    folders = (
        (VENV, "Python's packages"),
        (BUILD_DIR, "build products; ./inv clean removes them"),
        (REPORTS_DIR, "reports"),
        (TRAINED_DIR, "checkpoints of your trainings"),
    )
    return [Use(path, what, size_of(path)) for path, what in folders if path.is_dir()]


def size_of(path: Path) -> int:
    """Return the bytes that the files below a folder take; links are not followed."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:  # removed meanwhile
                continue
    return total


def clean(chosen: CleanOptions) -> None:
    """Remove the build products, and with --environment .venv; print what was freed.

    Reports, trainings and answers of runs that are to go on stay. Raises ConfigError if .venv was not made by `inv`, or
    if something can't be removed.
    """
    doomed = [path for path in sorted(BUILD_DIR.glob("*")) if path.name != JOURNALS]
    if chosen.environment and VENV.exists():
        if VENV.is_symlink() or not (VENV / "made-by-inv").is_file():
            raise ConfigError(f"--environment: {VENV} was not made by ./inv; remove it yourself")
        doomed.append(VENV)
    freed = {}
    for path in doomed:
        size = size_of(path) if path.is_dir() and not path.is_symlink() else path.lstat().st_size
        freed[path] = size
        if not chosen.dry_run:
            _remove(path)
        if not chosen.json:
            console.say(f"{'would remove' if chosen.dry_run else 'removed'} {path}: {size / 1e6:,.1f} MB")
    total = sum(freed.values())
    if chosen.json:
        removed = [{"path": str(path), "bytes": size} for path, size in freed.items()]
        console.print_json({"dry_run": chosen.dry_run, "removed": removed, "freed_bytes": total})
        return
    console.say(f"{total / 1e6:,.1f} MB {'to free' if chosen.dry_run else 'freed'}; reports and trainings stay")


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as e:
        raise ConfigError(f"{path}: can't be removed ({e.strerror}); set its owner, or remove it yourself") from e
