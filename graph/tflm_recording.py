"""The output of TFLite-Micro's RecordingMicroAllocator: bytes of its arena, read back from standard error.

The agent brings this module to devices: it imports the standard library of Python 3.9 alone.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable

_PARTS = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_KINDS = re.compile(r"'([^']+)' used (\d+) bytes .*?\(requested \d+ bytes for (\d+) ")


def captured_stderr(body: Callable[[], object]) -> str:
    """Call `body` and return what was meanwhile written to file descriptor 2, by C++ too."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            body()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return file.read().decode(errors="replace")


def arena_parts(text: str) -> dict[str, int]:
    """Return bytes of `total`, `head` (activations, reused) and `tail` (structures, kept). Raises ValueError."""
    found = {name: int(size) for name, size in _PARTS.findall(text)}
    if found.keys() != {"total", "head", "tail"}:
        raise ValueError(f"no arena in what TFLite-Micro printed: {text.strip()[-200:]!r}")
    return found


def arena_kinds(text: str) -> dict[str, tuple[int, int]]:
    """Return the tail's structures by TFLite-Micro's own names: (bytes, allocations)."""
    return {name: (int(size), int(count)) for name, size, count in _KINDS.findall(text)}
