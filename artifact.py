"""Build products, each in a folder named by the digest of all that went into it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from errors import ConfigError

ROOT = Path(__file__).resolve().parent
BUILD_DIR = ROOT / "build"
SIDECAR = "artifact.json"


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


def versions(*distributions: str) -> dict[str, str]:
    """Return the installed versions of distributions by name, without importing them."""
    return {name: metadata.version(name) for name in distributions}


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a whole file or nothing: to a temporary name beside it, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = data.encode() if isinstance(data, str) else data
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)


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
    folder that is renamed when all is written, so a stopped or failed build leaves nothing behind. `fresh` makes it anew
    even if it is there.
    """
    inputs = {"parents": dict(parents or {}), "tools": dict(tools or {}), "parameters": dict(parameters or {})}
    key = hashlib.sha256(json.dumps([kind, name, filename, inputs], sort_keys=True).encode()).hexdigest()
    home = (build_dir or BUILD_DIR) / kind / f"{name}-{key[:16]}"
    found = None if fresh else _load(home, filename, kind, name)
    if found:
        return found
    home.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=home.parent, prefix=".making-"))
    try:
        facts = dict(make(work))
        sidecar = {
            "kind": kind,
            "name": name,
            "file": filename,
            "sha256": sha256_of(work / filename),
            **inputs,
            "facts": facts,
        }
        (work / SIDECAR).write_text(json.dumps(sidecar, indent=1, sort_keys=True) + "\n")
        work.chmod(0o755)
        if home.exists():
            shutil.rmtree(home)
        work.rename(home)
    except OSError as e:
        raise ConfigError(
            f"{home}: can't be written ({e.strerror or e}); free disk space or set the right owner"
        ) from e
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Artifact(home / filename, kind, name, sidecar["sha256"], **inputs, facts=facts)


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
