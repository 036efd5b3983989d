"""A process whose standard input and output are the line: the Linux agent, or an emulator."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from typing import IO

import process
from deploy.links.descriptors import READ_SIZE, wait_readable, write_all
from errors import LinkError

F_SETPIPE_SZ = 1031  # fcntl has it from Python 3.10 on, on Linux only
PIPE_BYTES = 1 << 20
CLOSE_TIMEOUT_S = 3.0


class ProcessLink:
    """Starts `argv` when opened, ends it when closed. The last lines of its standard error are kept.

    `env` replaces the environment. The process has a session of its own, so that Ctrl-C does not reach it.
    """

    def __init__(
        self, argv: Sequence[str], *, name: str = "", env: dict[str, str] | None = None, stderr_lines: int = 50
    ):
        if not argv:
            raise ValueError("argv is empty")
        self.argv = [os.fspath(a) for a in argv]
        self.name = name or f"exec:{os.path.basename(self.argv[0])}"
        self.stderr: deque[str] = deque(maxlen=stderr_lines)
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._in = self._out = -1
        self._arrived = b""

    @property
    def pid(self) -> int | None:
        """The process's number while it is open."""
        return self._process.pid if self._process else None

    def open(self) -> None:
        """Start the process. Raises LinkError if the program is missing or can't be started."""
        if self._process:
            return
        # The thread that opens a link may end before the link does; the process ends with its input anyway.
        child = process.start(
            self.argv, error=LinkError, name=self.name, environment=self._env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, outlives_us=True,
        )  # fmt: skip
        self._process = child
        self._in, self._out = _fileno(child.stdin), _fileno(child.stdout)
        os.set_blocking(self._in, False)
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):  # Only slower without.
                fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
        self._listener = threading.Thread(target=self._listen, args=(_fileno(child.stderr),), daemon=True)
        self._listener.start()

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        if self._arrived:
            data, self._arrived = self._arrived, b""
            return data
        self._opened()
        if not wait_readable(self._out, timeout_s):
            return b""
        data = os.read(self._out, READ_SIZE)
        if not data:
            raise self._ended()
        return data

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self._opened()
        try:
            self._arrived += write_all(self._in, data, self._out)
        except TimeoutError as e:
            raise LinkError(f"{self.name}: the process {e}; it hangs") from e
        except OSError as e:
            raise self._ended() from e

    def close(self) -> None:
        """End the process: its input is closed, and if it does not leave, its whole group is killed."""
        child, self._process, self._arrived = self._process, None, b""
        if not child:
            return
        if child.stdin:
            child.stdin.close()
        process.stop(child, CLOSE_TIMEOUT_S)
        if self._listener:
            self._listener.join(1.0)
        if child.stdout:
            child.stdout.close()
        if child.stderr and not (self._listener and self._listener.is_alive()):  # A grandchild may hold it open.
            child.stderr.close()

    def _listen(self, fd: int) -> None:
        rest = b""
        while data := os.read(fd, READ_SIZE):
            *lines, rest = (rest + data).split(b"\n")
            self.stderr.extend(line.decode(errors="replace").rstrip() for line in lines)
        if rest:
            self.stderr.append(rest.decode(errors="replace").rstrip())

    def _opened(self) -> subprocess.Popen[bytes]:
        if not self._process:
            raise LinkError(f"{self.name}: is closed; open it first")
        return self._process

    def _ended(self) -> LinkError:
        child = self._opened()
        try:
            code = child.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return LinkError(f"{self.name}: the process closed its output but still runs; see its log")
        if self._listener:
            self._listener.join(1.0)
        how = f"was {process.ending(code)}" if code < 0 else f"ended with {process.ending(code)}"
        lines = [line for line in self.stderr if line][-1:]
        return LinkError(f"{self.name}: the process {how}" + (f"; last output: {lines[0][:300]}" if lines else ""))


def _fileno(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise ValueError("not a pipe")
    return pipe.fileno()
