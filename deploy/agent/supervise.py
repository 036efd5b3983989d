"""A parent process of the agent that explains its death: libedgetpu aborts when its device is unplugged in a run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

Report = Callable[[str], None]
"""Sends the parent the file whose absence explains a death, and the message for it: `<path> <TAB> <text>`."""


def supervise() -> Report | int:
    """Fork. Return a Report in the child; in the parent the child's exit code, once it has ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        return lambda text: _send(writer, text)
    os.close(writer)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # the child's alone, so that it sees their end
        os.dup2(nothing, stream)
    report = b""
    while True:
        data = os.read(reader, 4096)
        if not data:
            break
        report += data
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    name = signal.Signals(os.WTERMSIG(status)).name
    path, _, text = report.decode("utf-8", "replace").partition("\t")
    if path.startswith("/") and not os.path.exists(path):
        print(f"agent: {text}", file=sys.stderr, flush=True)
    else:
        print(f"agent: was killed by {name}; libedgetpu's own message, if any, is above", file=sys.stderr, flush=True)
    return 1


def _send(writer: int, text: str) -> None:
    os.write(writer, text.encode()[:4096])
