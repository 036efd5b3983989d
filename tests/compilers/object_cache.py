"""Object files of the firmware's own sources, compiled once for all tests, processes and runs, in the build folder."""

from __future__ import annotations

import functools
import hashlib
import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

from artifact import ROOT
from target.sections import FIRMWARE_DIR

CACHE = ROOT / "build" / "test-objects"


def compiled(command: Sequence[str], sources: Sequence[Path], headers: str) -> list[Path]:
    """Return the object file of each source. `command` has the compiler and its options.

    An object is found by the digest of the command, what is added to it, its source, the compiler's version and all
    headers in `headers`, a folder of the firmware. Fails with what the compiler says.
    """
    digest = hashlib.sha256(f"{_version(command[0])}\0{chr(0).join(command)}\0{_headers(headers)}".encode()).hexdigest()
    CACHE.mkdir(parents=True, exist_ok=True)
    objects = {source: _object_of(source, digest, _more(command, source)) for source in sources}
    missing = [source for source in sources if not objects[source].exists()]
    # Each process begins elsewhere: those that need the same at the same time share the work.
    for source in random.Random(os.getpid()).sample(missing, len(missing)):
        if not objects[source].exists():
            _run([*command, *_more(command, source), "-c", str(source)], objects[source])
    return [objects[source] for source in sources]


def compiled_data(command: Sequence[str], source: Path) -> Path:
    """Return the object file of C that has constants alone, with the header beside it. It is found by their text."""
    text = source.read_bytes() + source.with_suffix(".h").read_bytes()
    digest = hashlib.sha256(f"{_version(command[0])}\0{chr(0).join(command)}\0".encode() + text).hexdigest()
    path = CACHE / f"{source.name}-{digest[:20]}.o"
    CACHE.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _run([*command, f"-I{source.parent}", "-c", str(source)], path)
    return path


def shared_library(command: Sequence[str], objects: Sequence[Path]) -> Path:
    """Return the shared library of object files of this cache. `command` has the compiler and its options."""
    digest = hashlib.sha256(chr(0).join((*command, *map(str, objects))).encode()).hexdigest()
    path = CACHE / f"{digest[:20]}.so"
    if not path.exists():
        _run([*command, "-shared", *map(str, objects)], path)
    return path


def _more(command: Sequence[str], source: Path) -> list[str]:
    """Return more options for a source: gcc takes ten seconds to optimize the checks in inlined forms of `simd`."""
    is_checked = any(option.startswith("-fsanitize") for option in command)
    return ["-O1"] if is_checked and source.parent.name == "simd" else []


def _object_of(source: Path, digest: str, more: Sequence[str]) -> Path:
    own = hashlib.sha256("\0".join((digest, *more, str(source))).encode() + source.read_bytes()).hexdigest()
    return CACHE / f"{source.parent.name}-{source.name}-{own[:20]}.o"


def _run(command: Sequence[str], path: Path) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    done = subprocess.run([*command, "-o", str(partial)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    partial.replace(path)


@functools.cache
def _version(compiler: str) -> str:
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout


@functools.cache
def _headers(folder: str) -> str:
    digest = hashlib.sha256()
    for path in sorted((FIRMWARE_DIR / folder).rglob("*")):
        if path.suffix in (".h", ".inc"):
            digest.update(f"{path}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
