"""Object files of the firmware's own sources, compiled once for all tests, processes and runs, in the build folder."""

from __future__ import annotations

import fcntl
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

    An object is found by the digest of the command, its source, the compiler's version and all headers in `headers`,
    a folder of the firmware. Fails with what the compiler says.
    """
    digest = hashlib.sha256(f"{_version(command[0])}\0{chr(0).join(command)}\0{_headers(headers)}".encode()).hexdigest()
    CACHE.mkdir(parents=True, exist_ok=True)
    objects = {source: _object_of(source, digest) for source in sources}
    missing = [source for source in sources if not objects[source].exists()]

    def compile_one(source: Path, waits: bool) -> bool:
        return _run([*command, "-c", str(source)], objects[source], waits)

    # Each process begins elsewhere, and waits last for what others compile: those that need the same share the work.
    taken = [
        source for source in random.Random(os.getpid()).sample(missing, len(missing)) if not compile_one(source, False)
    ]
    for source in taken:
        compile_one(source, True)
    return [objects[source] for source in sources]


def compiled_data(command: Sequence[str], source: Path) -> Path:
    """Return the object file of C that has constants alone, with the header beside it. It is found by their text."""
    text = source.read_bytes() + source.with_suffix(".h").read_bytes()
    digest = hashlib.sha256(f"{_version(command[0])}\0{chr(0).join(command)}\0".encode() + text).hexdigest()
    path = CACHE / f"{source.name}-{digest[:20]}.o"
    CACHE.mkdir(parents=True, exist_ok=True)
    _run([*command, f"-I{source.parent}", "-c", str(source)], path)
    return path


def shared_library(command: Sequence[str], objects: Sequence[Path]) -> Path:
    """Return the shared library of object files of this cache. `command` has the compiler and its options."""
    digest = hashlib.sha256(chr(0).join((*command, *map(str, objects))).encode()).hexdigest()
    path = CACHE / f"{digest[:20]}.so"
    _run([*command, "-shared", *map(str, objects)], path)
    return path


def _object_of(source: Path, digest: str) -> Path:
    own = hashlib.sha256(f"{digest}\0{source}".encode() + source.read_bytes()).hexdigest()
    return CACHE / f"{source.parent.name}-{source.name}-{own[:20]}.o"


def _run(command: Sequence[str], path: Path, waits: bool = True) -> bool:
    """Make a file that is not there yet; return False if another process makes it and `waits` is False."""
    if path.exists():
        return True
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}")
            done = subprocess.run([*command, "-o", str(partial)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            partial.replace(path)
    return True


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
