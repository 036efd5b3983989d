"""TensorFlow prints hundreds of lines: they go to a file, where they can be read when something is wrong."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send what this process and its libraries write to stdout and stderr into a file meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(fd) for fd in (1, 2)]
    try:
        with log.open("a") as file, redirect_stdout(file), redirect_stderr(file), warnings.catch_warnings():
            for fd in (1, 2):
                os.dup2(file.fileno(), fd)
            warnings.simplefilter("default")  # to the log as well, also where the caller makes errors of them
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:  # on a full disk closing the log fails, and what comes next must be seen
        for fd, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, fd)
            os.close(copy)


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed since: code in C++ may swallow the KeyboardInterrupt."""
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_usual or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGINT, before)
