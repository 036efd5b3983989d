"""What the helper on a board answers, checked before it is believed: a board may be damaged, or lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fields import INTEGER_LIMIT, Fields

ANSWER_BYTES = 1 << 20
"""The longest line that is read; no answer comes near it."""
MOST_LIBRARIES = 16
MOST_FILES = 1024
MOST_CORES = 1 << 16
_PATH = re.compile(r"/[^\x00-\x1f\x7f]*")
_MACHINE = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_PYTHON = re.compile(r"\d{1,3}\.\d{1,3}[\w.+-]{0,40}", re.ASCII)
_LIBC = re.compile(r"[\w .+-]{0,64}", re.ASCII)
_GLIBC = re.compile(r"glibc \d{1,2}\.\d{1,3}(\.\d{1,3})?", re.ASCII)
_VERSION = re.compile(r"\d{1,6}(\.[\w+!-]{1,40}){0,8}", re.ASCII)
_DISTRIBUTION = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BoardFacts:
    """Facts of a board: our folder there, the machine as in uname, its Python and C library.

    `libraries` are the versions of those that a runtime needs, by distribution.
    """

    folder: str
    machine: str
    python: str
    implementation: str
    libc: str
    cores: int
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A path on the board, and whether it exists there."""

    path: str
    found: bool = True


@dataclass(frozen=True)
class ListedFile:
    """A file on the board: bytes and sha256."""

    size: int
    sha256: str


def parse_facts(answer: Fields) -> BoardFacts:
    """Return the facts of a board. Raises the source's error naming the first key that can't be right."""
    libraries = answer.table("libraries")
    if len(libraries.values) > MOST_LIBRARIES:
        raise answer.wrong("libraries", f"at most {MOST_LIBRARIES} libraries", libraries.values)
    for name in libraries.values:
        if not _DISTRIBUTION.fullmatch(name):
            raise answer.wrong("libraries", "names of distributions", name)
    libc = answer.values.get("libc")
    if not isinstance(libc, str) or not _LIBC.fullmatch(libc):
        raise answer.wrong("libc", "the name and version of a C library", libc)
    if libc.startswith("glibc") and not _GLIBC.fullmatch(libc):
        raise answer.wrong("libc", "a version of glibc, such as glibc 2.36", libc)
    return BoardFacts(
        folder=_path(answer, "folder"),
        machine=answer.text("machine", pattern=_MACHINE, expected="a machine as in uname, such as aarch64"),
        python=answer.text("python", pattern=_PYTHON, expected="a version of Python, such as 3.11.2"),
        implementation=answer.text("implementation", pattern=_MACHINE, expected="a Python, such as cpython"),
        libc=libc,
        cores=answer.integer("cores", 1, MOST_CORES),
        libraries={name: libraries.text(name, pattern=_VERSION, expected="a version") for name in libraries.values},
    )


def parse_entry(answer: Fields) -> Entry:
    """Return what the helper says of a file or a folder. Raises as `parse_facts`."""
    return Entry(_path(answer, "path"), answer.boolean("found", default=True))


def parse_listing(answer: Fields) -> dict[str, ListedFile]:
    """Return the files in a folder, by name. Raises as `parse_facts`."""
    if len(answer.values) > MOST_FILES:
        raise answer.source.wrong(f"expected at most {MOST_FILES} files, got {len(answer.values)}")
    files = {name: answer.table(name) for name in answer.values}
    return {
        name: ListedFile(
            file.integer("size", 0, INTEGER_LIMIT), file.text("sha256", pattern=_SHA256, expected="64 hex digits")
        )
        for name, file in files.items()
    }


def _path(answer: Fields, key: str) -> str:
    """Take an absolute path; a home folder may have a long name in any language."""
    value = answer.values.get(key)
    if not isinstance(value, str) or len(value) > 4096 or not _PATH.fullmatch(value):
        raise answer.wrong(key, "an absolute path", value)
    return value
