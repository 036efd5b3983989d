"""The C of an export: just the files that a network needs, with names and includes that fit into any program.

Each symbol of ours begins with the network's name, so that two exports link into one program; each include is relative
to the file that has it, so that no framework needs a search path for them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from artifact import ROOT
from compilers.aot.sets import folders as kernel_folders

FIRMWARE = ROOT / "firmware"
TEMPLATES = Path(__file__).parent / "templates"
PREFIX = "alpharho_"
COMPILED = (".c", ".S")
PROTOCOL = (
    "app/info.c", "app/serve.c", "engines/aot/engine.c", "port/line.c", "protocol/answer.c", "protocol/cobs.c",
    "protocol/coding.c", "protocol/crc32.c", "protocol/device.c", "protocol/format.c", "protocol/frame.c",
    "protocol/input.c", "protocol/parity.c", "protocol/tensors.c", "protocol/text.c",
)  # fmt: skip
TRACE = ("engines/trace.c", "engines/trace.h", "app/trace_request.c", "app/trace_request.h")
# Of our own images, which have a linker script of ours.
START_UP = ("port/ram.c", "port/ram.h")
CONFIG = "config.h"
# Where the firmware's own builds search for headers, beside the folder of the file.
_SEARCHED = ("", "public", "network", "kernels", "protocol", "app", "port", "engines")

_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_SYMBOL = re.compile(rf"\b{PREFIX}\w+")
# A function that other files may call: in C its head begins a line, in assembly it follows FUNCTION or another macro
# that makes one; or a table.
_DEFINED = re.compile(rf"^(?!static\b)[A-Za-z][^;{{}}#()]*\b({PREFIX}\w+)\([^;{{}}]*\)\s*\{{", re.MULTILINE)
_DEFINED_TABLE = re.compile(rf"^const struct \w+ ({PREFIX}\w+) = ", re.MULTILINE)
_DEFINED_IN_ASSEMBLY = re.compile(rf"^\s*(?!END_)[A-Z][A-Z0-9_]*\s+({PREFIX}\w+)", re.MULTILINE)


def firmware_files(kernels: str, with_protocol: bool, with_trace: bool = False) -> dict[str, str]:
    """Return the sources of the firmware that an export may take, by their path in `firmware/`."""
    folders = ["kernels", *(f"kernels/{folder}" for folder in kernel_folders(kernels))]
    folders += ["app", "engines", "engines/aot", "port", "protocol"] if with_protocol else []
    paths = [path for folder in folders for path in sorted((FIRMWARE / folder).iterdir())]
    paths += [FIRMWARE / name for name in TRACE if with_trace]
    suffixes = (*COMPILED, ".h", ".inc")
    named = {path.relative_to(FIRMWARE).as_posix(): path for path in paths if path.suffix in suffixes}
    left_out = START_UP if with_trace else (*START_UP, *TRACE)
    return {name: path.read_text() for name, path in named.items() if name not in left_out}


def source_digest(kernels: str) -> str:
    """Return a digest of all that an export with the protocol may be made of: the firmware's sources, the templates."""
    files = firmware_files(kernels, with_protocol=True)
    files |= {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.jinja")}
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def needed(pool: Mapping[str, str], roots: tuple[str, ...]) -> list[str]:
    """Return the paths in `pool` that the files `roots` need, themselves included, sorted.

    A file needs what it includes and each file that defines a function or table it names. The C and the assembly of
    one name belong together: which of them has the function depends on the core.
    """
    definers = _definers(pool)
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        text, pure = pool[path], PurePosixPath(path)
        waiting += [target for name in _INCLUDE.findall(text) if (target := _included(pool, path, name))]
        waiting += [str(twin) for suffix in COMPILED if str(twin := pure.with_suffix(suffix)) in pool]
        if pure.suffix != ".h":
            waiting += [definer for symbol in _SYMBOL.findall(text) for definer in definers[symbol]]
    return sorted(found)


def renamed(pool: Mapping[str, str], paths: list[str], identifier: str, places: Mapping[str, str]) -> dict[str, str]:
    """Return files of `pool` by their place in the export, with the network's names and includes that are relative.

    `places` has the place of each path that does not keep its own below `src/<identifier>/`.
    """

    def place(path: str) -> str:
        return places.get(path, f"src/{identifier}/{path}")

    def rewritten(path: str) -> str:
        folder = os.path.dirname(place(path))

        def include(match: re.Match[str]) -> str:
            target = _included(pool, path, match[1])
            return f'#include "{os.path.relpath(place(target), folder)}"' if target else match[0]

        return _SYMBOL.sub(lambda match: f"{identifier}_{match[0]}", _INCLUDE.sub(include, pool[path]))

    return {place(path): rewritten(path) for path in paths}


def configured(pool: Mapping[str, str]) -> dict[str, str]:
    """Return the files with CONFIG included first in each C file of the protocol, in place of compiler options."""
    return {path: f'#include "{CONFIG}"\n{text}' if path in PROTOCOL else text for path, text in pool.items()}


def _included(pool: Mapping[str, str], path: str, name: str) -> str | None:
    """Return the path of an include, None for a header that is not ours."""
    candidates = (os.path.normpath(os.path.join(folder, name)) for folder in (os.path.dirname(path), *_SEARCHED))
    return next((candidate for candidate in candidates if candidate in pool), None)


def _definers(pool: Mapping[str, str]) -> defaultdict[str, list[str]]:
    definers: defaultdict[str, list[str]] = defaultdict(list)
    for path, text in pool.items():
        for symbol in _defined(Path(path).suffix, text):
            definers[symbol].append(path)
    return definers


def _defined(suffix: str, text: str) -> Iterator[str]:
    if suffix == ".c":
        yield from _DEFINED.findall(text)
        yield from _DEFINED_TABLE.findall(text)
    elif suffix == ".S":
        yield from _DEFINED_IN_ASSEMBLY.findall(text)
