"""Build products, each in a folder named by the digest of all that went into it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from errors import ConfigError, nearest

ROOT = Path(__file__).resolve().parent
# Where build/ and reports/ are: the checkout, unless the environment names another folder (tests do, or a larger disk).
HOME = Path(os.environ.get("ALPHARHO_HOME") or ROOT).resolve()
BUILD_DIR = HOME / "build"
SIDECAR = "artifact.json"
# What a full, read-only or foreign disk answers. Libraries that write files themselves (numpy, HDF5) give no number.
WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY, None)
RENAME_TRIES = 5


@dataclass(frozen=True)
class Artifact:
    """A file and what it came from.

    `sha256` is the file's own; `parents` are the sha256 of the artifacts it was made from, by kind; `tools` are
    versions; `parameters` all else that went in; `facts` what was found out in the making. `reused` says whether it was
    there already.
    """

    path: Path
    kind: str
    name: str
    sha256: str
    parents: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    reused: bool = False


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def no_such_file(path: Path) -> str:
    """Return "no such file" and the names beside it that may be meant, to end an error message with."""
    folder = path.parent
    if not folder.is_dir():
        return f"no such file: there is no folder {folder}"
    names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    guess = nearest(path.name, names)
    return f"no such file; {guess}" if guess.startswith("did you mean") else "no such file"


def versions(*distributions: str) -> dict[str, str]:
    """Return the installed versions of distributions by name, without importing them."""
    return {name: metadata.version(name) for name in distributions}


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a whole file or nothing: to a temporary name beside it, then rename.

    Raises ConfigError if the disk is full or may not be written.
    """
    raw = data.encode() if isinstance(data, str) else data
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        finally:
            Path(partial).unlink(missing_ok=True)


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn what a full, read-only or foreign disk answers in the body into a ConfigError that names the path."""
    try:
        yield
    except OSError as e:
        if e.errno not in WRITE_ERRORS:
            raise
        raise ConfigError(
            f"{path}: can't be written ({e.strerror or e}); free disk space or set the right owner"
        ) from e


def produce(
    kind: str,
    name: str,
    filename: str,
    make: Callable[[Path], Mapping[str, Any]],
    *,
    parents: Mapping[str, str] | None = None,
    tools: Mapping[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    build_dir: Path | None = None,
    fresh: bool = False,
) -> Artifact:
    """Return the artifact of these inputs: the one on disk if it is there and whole, else a new one.

    `make(folder)` writes `folder/filename` (and what else it likes) and returns the facts. It works in a temporary
    folder that is renamed when all is written, so a stopped or failed build leaves nothing behind. `fresh` makes it
    anew even if it is there.
    Raises ConfigError if the disk is full or may not be written.
    """
    given = {"parents": parents or {}, "tools": tools or {}, "parameters": parameters or {}}
    inputs: dict[str, Any] = json.loads(json.dumps(given, default=dict))
    key = hashlib.sha256(json.dumps([kind, name, filename, inputs], sort_keys=True).encode()).hexdigest()
    home = (build_dir or BUILD_DIR) / kind / f"{name}-{key[:16]}"
    found = None if fresh else _load(home, filename, kind, name)
    if found:
        return found
    work = None
    try:
        with write_errors(home):
            home.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=home.parent, prefix=".making-"))
            facts = dict(make(work))
            sha256 = sha256_of(work / filename)
            sidecar = {"kind": kind, "name": name, "file": filename, "sha256": sha256, "facts": facts}
            (work / SIDECAR).write_text(json.dumps(sidecar | inputs, indent=1, sort_keys=True) + "\n")
            work.chmod(0o755)
            _publish(work, home)
    finally:
        if work:
            shutil.rmtree(work, ignore_errors=True)
    made = _load(home, filename, kind, name)
    if made is None:
        raise ConfigError(f"{home}: changed while it was written; run again, and one run at a time")
    return replace(made, reused=False)


def _publish(work: Path, home: Path) -> None:
    """Give a finished folder its name, in place of what had it: another run's, or one whose file was changed."""
    replaced = work.with_name(f"{work.name}.replaced")
    try:
        for _ in range(RENAME_TRIES):
            try:
                work.rename(home)
            except OSError as e:
                if e.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                with contextlib.suppress(FileNotFoundError):  # another run was first
                    home.rename(replaced)
                    shutil.rmtree(replaced)
            else:
                return
        raise OSError(errno.EBUSY, "another run writes it all the time")
    finally:
        shutil.rmtree(replaced, ignore_errors=True)


def _load(home: Path, filename: str, kind: str, name: str) -> Artifact | None:
    """Return the artifact in a folder, or None if it is not there or its file was changed since."""
    try:
        sidecar = json.loads((home / SIDECAR).read_text())
        if sidecar["sha256"] != sha256_of(home / filename):
            return None
        fields = {key: sidecar[key] for key in ("parents", "tools", "parameters", "facts")}
        return Artifact(home / filename, kind, name, sidecar["sha256"], **fields, reused=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None
