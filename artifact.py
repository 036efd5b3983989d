"""Build products, each in a folder named by the digest of its inputs, and the JSON form of dataclasses."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import tempfile
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from importlib import metadata
from pathlib import Path
from types import NoneType, UnionType
from typing import Generic, Literal, TypeAlias, TypeVar

from errors import ConfigError, nearest

ROOT = Path(__file__).resolve().parent
# Where build/ and reports/ are: the checkout, unless the environment names another folder (tests do, or a larger disk).
HOME = Path(os.environ.get("ALPHARHO_HOME") or ROOT).resolve()
BUILD_DIR = HOME / "build"
SIDECAR = "artifact.json"
# Error numbers of a full, read-only or foreign disk. Libraries that write files themselves (numpy, HDF5) set none.
WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY, None)
RENAME_TRIES = 5


Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
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
    """The fields of artifact.json but for the facts."""

    kind: str
    name: str
    file: str
    sha256: str
    parents: Mapping[str, str]
    tools: Mapping[str, str]


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
    works in a temporary folder that is renamed when all is written, so a stopped or failed build leaves nothing behind.
    An artifact whose facts on disk do not fit the class is built again; `fresh` builds it in any case.
    Raises ConfigError if the disk is full or may not be written.
    """
    inputs = {"parents": parents or {}, "tools": tools or {}, "parameters": parameters or {}}
    key_text = json.dumps([kind, name, filename, inputs], sort_keys=True, default=dict)
    key = hashlib.sha256(key_text.encode()).hexdigest()
    home = (build_dir or BUILD_DIR) / kind / f"{name}-{key[:16]}"
    earlier = None if fresh else _load(home, filename, kind, name, facts)
    if earlier:
        return earlier
    work = None
    try:
        with write_errors(home):
            home.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=home.parent, prefix=".making-"))
            known = to_json(make(work))
            sha256 = sha256_of(work / filename)
            sidecar = {"kind": kind, "name": name, "file": filename, "sha256": sha256, "facts": known, **inputs}
            (work / SIDECAR).write_text(json.dumps(sidecar, indent=1, sort_keys=True, default=dict) + "\n")
            work.chmod(0o755)
            _publish(work, home)
    finally:
        if work:
            shutil.rmtree(work, ignore_errors=True)
    built = _load(home, filename, kind, name, facts)
    if built is None:
        raise ConfigError(f"{home}: changed while it was written; run again, and one run at a time")
    return replace(built, reused=False)


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
        sidecar = load_json((home / SIDECAR).read_text(), SIDECAR)
        if not isinstance(sidecar, dict):
            return None
        parameters = sidecar.pop("parameters")
        known = from_json(facts, sidecar.pop("facts"), SIDECAR)
        about = from_json(_Sidecar, sidecar, SIDECAR)
        if not isinstance(parameters, dict) or about.sha256 != sha256_of(home / filename):
            return None
    except (OSError, ValueError, KeyError, ConfigError):
        return None
    path = home / filename
    return Artifact(path, kind, name, about.sha256, known, about.parents, about.tools, parameters, reused=True)


# Dataclasses as JSON


def load_json(text: str | bytes, where: str) -> Json:
    """Return the value of a JSON text. Raises ConfigError naming `where` if it is not JSON, NaN included."""
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as e:
        raise ConfigError(f"{where}: not JSON ({e})") from e
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def to_json(value: object) -> Json:
    """Return the JSON form of a dataclass, or of anything that a field of one may hold (see `from_json`).

    A field that is None, which is its default, is left out.
    """
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in fields(value))
        return {f.name: to_json(item) for f, item in pairs if item is not None or f.default is not None}
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[T], value: object, where: str) -> T:
    """Return the dataclass whose JSON form is `value`.

    Fields may be bool, int, float (finite; a whole number too), str, Literal, Enum, another dataclass, tuple[X, ...],
    tuple[X, Y], Mapping[str, X], and X | None. A field that is missing takes its default.
    Raises ConfigError naming `where`, the key, what was expected and received.
    """
    return typing.cast(T, _decode(kind, value, where, ""))


def _decode(hint: object, value: object, where: str, key: str) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        (hint,) = (argument for argument in arguments if argument is not NoneType)
        return _decode(hint, value, where, key)
    if origin is tuple and isinstance(value, list):
        hints = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        if len(hints) == len(value):
            pairs = enumerate(zip(hints, value, strict=True))
            return tuple(_decode(part, item, where, f"{key}[{i}]") for i, (part, item) in pairs)
    elif origin is Mapping and isinstance(value, dict):
        return {name: _decode(arguments[1], item, where, _join(key, name)) for name, item in value.items()}
    elif origin is Literal and any(value == known and type(value) is type(known) for known in arguments):
        return value
    elif isinstance(hint, type):
        if is_dataclass(hint) and isinstance(value, dict):
            return _decode_fields(hint, value, where, key)
        if issubclass(hint, Enum) and any(value == known.value for known in hint):
            return hint(value)
        if hint is float and _is_finite(value):
            return float(typing.cast(float, value))
        if hint in (bool, int, str) and type(value) is hint:
            return value
    raise ConfigError(f"{where}: key {key or '(top)'}: expected {_expected(hint)}, got {_received(value)}")


def _decode_fields(kind: type, value: dict[str, object], where: str, key: str) -> object:
    hints = _hints(kind)
    for name in value:
        if name not in hints:
            raise ConfigError(f"{where}: key {_join(key, name)} is not known; {nearest(name, hints)}")
    for f in fields(kind):
        if f.name not in value and f.default is MISSING and f.default_factory is MISSING:
            raise ConfigError(f"{where}: key {_join(key, f.name)} is missing")
    decoded: object = kind(
        **{name: _decode(hints[name], item, where, _join(key, name)) for name, item in value.items()}
    )
    return decoded


@cache
def _hints(kind: type) -> dict[str, object]:
    return dict(typing.get_type_hints(kind))


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _join(key: str, name: str) -> str:
    shown = name if name.isidentifier() and len(name) <= 60 else _received(name)
    return f"{key}.{shown}" if key else shown


def _expected(hint: object) -> str:
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(repr(known.value) for known in hint)
    names = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}
    if isinstance(hint, type):
        return names.get(hint, "an object")
    return "a list" if typing.get_origin(hint) is tuple else "an object"


def _received(value: object) -> str:
    """Return a value of unknown size for an error's line: printable, 60 characters at most."""
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'object'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
