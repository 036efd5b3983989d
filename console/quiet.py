"""TensorFlow prints hundreds of lines: they go to a file, where they can be read when something is wrong."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path


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
