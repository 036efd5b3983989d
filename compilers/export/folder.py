"""The folder of an export: written whole or not at all, and only in place of nothing or of an earlier export."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifact import write_errors
from errors import ConfigError
from fields import Source, load_json
from fields.dataclass_json import from_json

MANIFEST = "alpharho-export.json"


@dataclass(frozen=True)
class Manifest:
    """What an export was made of, the revision that its protocol says, and the sha256 of each of its files by path."""

    tool: str
    model: str
    model_sha256: str
    framework: str
    kernels: str
    with_protocol: bool
    stream_input: bool
    firmware: str
    files: Mapping[str, str]
    with_trace: bool = False


def check_free(folder: Path) -> None:
    """Raise ConfigError if a folder holds anything but an earlier export of ours that nobody has changed."""
    if not folder.exists() and not folder.is_symlink():
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        if not above.is_dir():
            raise ConfigError(f"--out {folder}: {above} is a file; name another folder")
        return
    if not folder.is_dir():
        raise ConfigError(f"--out {folder}: expected a folder, this is a file; name another")
    there = sorted(_files(folder))
    if not there:
        return
    if MANIFEST not in there:
        raise ConfigError(f"--out {folder}: not empty and not an earlier export ({there[0]}); name another folder")
    source = Source(f"{folder / MANIFEST}")
    written = from_json(Manifest, load_json((folder / MANIFEST).read_bytes(), source).values, source).files
    for path in there:
        if path != MANIFEST and written.get(path) != _sha256((folder / path).read_bytes()):
            how = "was changed since the export" if path in written else "is not of the export"
            raise ConfigError(f"--out {folder}: {path} {how} and would be lost; move it, or name another folder")


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files by path in place of what the folder had. Raises ConfigError as `check_free`, or if it can't."""
    check_free(folder)
    folder = folder.resolve()
    with write_errors(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        except FileNotFoundError as e:  # no disk takes folders there, as in /proc
            raise ConfigError(f"--out {folder}: can't be made there ({e.strerror}); name another folder") from e
        try:
            for path, content in files.items():
                (work / "new" / path).parent.mkdir(parents=True, exist_ok=True)
                (work / "new" / path).write_bytes(content)
            if folder.is_dir():
                folder.rename(work / "old")
            (work / "new").rename(folder)
        finally:
            if not folder.exists() and (work / "old").is_dir():
                (work / "old").rename(folder)
            shutil.rmtree(work, ignore_errors=True)


def manifest(about: Manifest) -> bytes:
    """Return the bytes of a manifest."""
    return (json.dumps(vars(about) | {"files": dict(about.files)}, indent=1, sort_keys=True) + "\n").encode()


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the sha256 of each file by path."""
    return {path: _sha256(content) for path, content in files.items()}


def _files(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield (Path(parent) / name).relative_to(folder).as_posix()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
