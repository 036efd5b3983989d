"""A process in front of the agent that says why it died: libedgetpu aborts when its device is unplugged in a run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

Tell = Callable[[str], None]
"""Tells the process in front the file whose absence explains a death, and what to say then: `<path> <TAB> <text>`."""


def supervise() -> Tell | int:
    """Fork. In the child return how to tell what it depends on; in the parent its exit code, once it has ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        return lambda text: _tell(writer, text)
    os.close(writer)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # the child's alone: their end is its end
        os.dup2(nothing, stream)
    told = b""
    while True:
        data = os.read(reader, 4096)
        if not data:
            break
        told += data
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    name = signal.Signals(os.WTERMSIG(status)).name
    path, _, text = told.decode("utf-8", "replace").partition("\t")
    if path.startswith("/") and not os.path.exists(path):
        print(f"agent: {text}", file=sys.stderr, flush=True)
    else:
        print(f"agent: was killed by {name}, in libedgetpu if it said so above", file=sys.stderr, flush=True)
    return 1


def _tell(writer: int, text: str) -> None:
    os.write(writer, text.encode()[:4096])
