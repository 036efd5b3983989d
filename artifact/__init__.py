"""Build products, each in a folder named by the digest of its inputs."""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
import typing
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import IO, Generic, TypeVar

from artifact.temporary import MAKING, TEMPORARY, locked, remove_abandoned, temporary_files, work_folder
from errors import ConfigError, nearest
from fields import Json, Source, load_json
from fields.dataclass_json import from_json, to_json

ROOT = Path(__file__).resolve().parents[1]
# Where build/ and reports/ are: the checkout, unless the environment names another folder (tests do, or a larger disk).
HOME = Path(os.environ.get("ALPHARHO_HOME") or ROOT).resolve()
BUILD_DIR = HOME / "build"
LOGS_DIR = BUILD_DIR / "logs"
REPORTS_DIR = HOME / "reports"
TRAINED_DIR = HOME / "trained"
SCHEMAS_DIR = ROOT / "schemas"
"""JSON schemas of what tasks print with --json and of the files they write, by the task's name."""
SIDECAR = "artifact.json"
# Error numbers of a full, read-only or foreign disk. Libraries that write files themselves (numpy, HDF5) set none.
WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY, None)
RENAME_TRIES = 5


T = TypeVar("T")
FactsT = TypeVar("FactsT", covariant=True)


@dataclass(frozen=True)
class NoFacts:
    """Facts of an artifact about which nothing needs to be known but its file."""


@dataclass(frozen=True)
class ImageFacts:
    """Facts of what a device runs: sha256 of the .tflite it holds, and its memory, bytes by name."""

    model_sha256: str
    memory: Mapping[str, int]


@dataclass(frozen=True)
class Artifact(Generic[FactsT]):
    """A file and where it came from.

    `sha256` is the file's own; `facts` is an instance of the class of its kind; `parents` are the sha256 of its source
    artifacts by kind; `tools` are versions; `parameters` all other inputs. `reused` says that it was built earlier.
    """

    path: Path
    kind: str
    name: str
    sha256: str
    facts: FactsT
    parents: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    reused: bool = False

    def with_facts_of(self, facts: type[T]) -> Artifact[T] | None:
        """Return this artifact if its facts are of that class, else None."""
        return typing.cast("Artifact[T]", self) if isinstance(self.facts, facts) else None


@dataclass(frozen=True)
class _Sidecar:
    """What artifact.json holds; the facts are those of the artifact's kind."""

    kind: str
    name: str
    file: str
    sha256: str
    facts: object
    parents: Mapping[str, str]
    tools: Mapping[str, str]
    parameters: Mapping[str, object]


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def sources_digest(*places: Path) -> str:
    """Return 16 hex digits of the sha256 of source files, those in folders too: for the key of what their code makes.

    A product of other sources is then another product. Python's own compiled files do not count.
    """
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                name, content = path.relative_to(place.parent).as_posix(), path.read_bytes()
                digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


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
    write_all_atomic({path: data})


def write_all_atomic(files: Mapping[Path, bytes | str]) -> None:
    """Write several whole files or none, as far as a disk allows: all to temporary names, then rename all.

    Raises ConfigError if the disk is full or may not be written.
    """
    with contextlib.ExitStack() as stack:
        partials = [stack.enter_context(_partial(path)) for path in files]
        for (path, data), (file, partial) in zip(files.items(), partials, strict=True):
            with write_errors(path):
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.chmod(partial, 0o644)
        for path, (_, partial) in zip(files, partials, strict=True):
            with write_errors(path):
                os.replace(partial, path)


@contextlib.contextmanager
def _partial(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Give a new locked file beside a path, and its name; it is removed in the end where it was not renamed."""
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent.glob(f".{glob.escape(path.name)}.*"))
        handle, partial = locked(lambda: tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}."))
    file = os.fdopen(handle, "wb")
    try:
        yield file, partial
    finally:
        Path(partial).unlink(missing_ok=True)
        with write_errors(path):  # what is left to write does not fit either
            file.close()


def write_zip(
    file: Path | IO[bytes], entries: Iterable[tuple[str, bytes]], *, is_compressed: bool = False, mode: int = 0
) -> None:
    """Write a zip file whose bytes are those of its entries alone: in their order, with one date and Unix `mode`."""
    method = zipfile.ZIP_DEFLATED if is_compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever system writes it
            entry.external_attr = mode << 16
            archive.writestr(entry, data, method)


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
    facts: type[T],
    make: Callable[[Path], T],
    *,
    parents: Mapping[str, str] | None = None,
    tools: Mapping[str, str] | None = None,
    parameters: Mapping[str, Json] | None = None,
    build_dir: Path | None = None,
    fresh: bool = False,
) -> Artifact[T]:
    """Return the artifact of these inputs: the one on disk if it is there and whole, else a new one.

    `make(folder)` writes `folder/filename` (and any other file) and returns an instance of the dataclass `facts`. It
    works in a temporary folder that is renamed when all is written, so a stopped or failed build leaves nothing behind;
    what a killed one left is removed.
    An artifact whose facts on disk do not fit the class is built again; `fresh` builds it in any case.
    Raises ConfigError if the disk is full or may not be written.
    """
    inputs = {"parents": parents or {}, "tools": tools or {}, "parameters": parameters or {}}
    key = json.dumps([kind, name, filename, inputs], sort_keys=True, default=dict).encode()
    home = (build_dir or BUILD_DIR) / kind / f"{name}-{hashlib.sha256(key).hexdigest()[:16]}"
    earlier = None if fresh else _load(home, filename, kind, name, facts)
    remove_abandoned(Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"))
    remove_abandoned((build_dir or BUILD_DIR).glob(f"*/{MAKING}*"))
    if earlier:
        return earlier
    with write_errors(home), work_folder(home.parent) as work:
        with temporary_files():
            known = to_json(make(work))
        _write_sidecar(work, filename, {"kind": kind, "name": name, "facts": known, **inputs})
        work.chmod(0o755)
        _publish(work, home)
    built = _load(home, filename, kind, name, facts)
    if built is None:
        raise ConfigError(f"{home}: changed while it was written; run again, and one run at a time")
    return replace(built, reused=False)


def _write_sidecar(work: Path, filename: str, known: Mapping[str, object]) -> None:
    sidecar = {**known, "file": filename, "sha256": sha256_of(work / filename)}
    (work / SIDECAR).write_text(json.dumps(sidecar, indent=1, sort_keys=True, default=dict) + "\n")


def plain_name(name: str) -> str:
    """Return a name of ASCII letters, digits and `_.-` alone: what a device prints of a model's."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)


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


def _load(home: Path, filename: str, kind: str, name: str, facts: type[T]) -> Artifact[T] | None:
    """Return the artifact in a folder, or None if it is missing, its file has changed or its facts do not fit."""
    try:
        source = Source(SIDECAR)
        sidecar = from_json(_Sidecar, load_json((home / SIDECAR).read_bytes(), source).values, source)
        known = from_json(facts, sidecar.facts, source)
        if sidecar.sha256 != sha256_of(home / filename):
            return None
    except (OSError, ConfigError):
        return None
    path, parameters = home / filename, typing.cast(Mapping[str, Json], sidecar.parameters)
    return Artifact(path, kind, name, sidecar.sha256, known, sidecar.parents, sidecar.tools, parameters, reused=True)
