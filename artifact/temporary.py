"""Temporary files and folders of a run, locked while it lives: the next run removes those that a killed one left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

MAKING, TEMPORARY = ".making-", "alpharho-tmp-"
"""How folders begin that a killed run leaves and the next one removes: of build products, and of temporary files."""


@contextlib.contextmanager
def temporary_files() -> Iterator[Path]:
    """Let libraries and programs put their temporary files into a folder of this run, which is gone after the body.

    TensorFlow and compilers leave theirs when they are killed: the next run removes that folder.
    """
    earlier, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with work_folder(Path(tempfile.gettempdir()), TEMPORARY) as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = earlier
            if variable is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = variable


@contextlib.contextmanager
def work_folder(parent: Path, prefix: str = MAKING) -> Iterator[Path]:
    """Yield a new folder for a build, which is gone afterwards unless it was renamed."""
    parent.mkdir(parents=True, exist_ok=True)

    def new_folder() -> tuple[int, str]:
        path = tempfile.mkdtemp(dir=parent, prefix=prefix)
        return os.open(path, os.O_RDONLY), path

    handle, name = locked(new_folder)
    work = Path(name)
    try:
        yield work
    finally:
        os.close(handle)
        shutil.rmtree(work, ignore_errors=True)


def locked(create: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Return the handle and the path of a new temporary file or folder that no other run takes for abandoned.

    Until it is locked, another run may remove it: then there is a next one.
    """
    while True:
        try:
            handle, path = create()
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = os.path.exists(path)
        except BlockingIOError:
            is_ours = False
        except OSError:  # the disk has no locks, and so nothing on it is removed as abandoned
            is_ours = True
        if is_ours:
            return handle, path
        os.close(handle)


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove temporary files and folders that no running process has locked: those that wrote them were killed."""
    for path in paths:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:  # another run has renamed or removed it
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:  # it is in use, or the disk has no locks
            continue
        finally:
            os.close(handle)
