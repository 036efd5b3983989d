"""Running other programs: argument lists, time limits, bounded output, and errors of one line.

A program that is started here ends with this process: on a time limit or Ctrl-C its whole group is killed. On Linux,
when this process is killed, the kernel kills the program (where `setpriv` exists), and a reaper the rest of its group.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from errors import Error
from process import reaper

KEPT_BYTES = 1 << 24
"""What is kept of each stream of a program unless the caller says otherwise; the end is kept."""
SHOWN_CHARACTERS = 300
READ_BYTES = 1 << 16
POLL_S = 0.1
END_S = 3.0
"""How long a program gets to end after its input was closed, and its pipes to close after it ended."""

Command = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Finished:
    """How a program ended. `exit_code` is negative if a signal ended it; `stderr` is empty where it was merged."""

    exit_code: int
    stdout: str
    stderr: str = ""

    @property
    def lines(self) -> list[str]:
        """All lines that are not empty, without the space around them, those of standard error last."""
        return [line.strip() for line in (self.stdout + "\n" + self.stderr).splitlines() if line.strip()]

    def last_line(self, telling: str = "") -> str:
        """Return its last line, of those that match the pattern `telling` if any does; else how it ended."""
        lines = self.lines
        chosen = [line for line in lines if re.search(telling, line)] or lines or [ending(self.exit_code)]
        return chosen[-1][:SHOWN_CHARACTERS]


def ending(exit_code: int) -> str:
    """Return how a program ended, such as `exit code 1` or `killed by SIGSEGV`."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def find(program: str | os.PathLike[str], error: type[Error], install: str = "", name: str = "") -> str:
    """Return the path of a program. Raises `error` naming the next step: a Debian package, or a sentence of its own.

    `name` is what needs the program, where that is not clear from the program itself.
    """
    words = os.fspath(program)
    path = shutil.which(words)
    if path is None:
        step = f"install it with: apt install {install}" if install and " " not in install else install
        prefix = f"{name}: " if name and name != os.path.basename(words) else ""
        raise error(f"{prefix}{words}: not found; {step or 'install it, or correct its path'}")
    return path


def run(
    command: Command,
    *,
    error: type[Error],
    timeout_s: float,
    name: str = "",
    install: str = "",
    hint: str = "",
    check: bool = True,
    telling: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: bytes = b"",
    is_merged: bool = False,
    kept_bytes: int = KEPT_BYTES,
    on_line: Callable[[str], None] | None = None,
    on_text: Callable[[str], None] | None = None,
) -> Finished:
    """Run a program to its end and return its exit code and output.

    `name` is what errors call it, the program's own by default; `install` the Debian package or sentence that follows
    "not found"; `hint` ends the error of a time limit; `telling` is the pattern of the output line that explains a
    failure. `environment` replaces this process's; `is_merged` puts standard error into `stdout`; `on_line` receives
    each line of standard output, or of both streams if merged, as it arrives, `on_text` the text as it comes. Raises
    `error` if the program can't be started, takes longer than `timeout_s`, or, with `check`, ends with another code
    than 0.
    """
    called, pipe = name or os.path.basename(os.fspath(command[0])), subprocess.PIPE
    with _input(stdin) as source:
        child = start(
            command, error=error, name=called, install=install, environment=environment, folder=folder, stdin=source,
            stdout=pipe, stderr=subprocess.STDOUT if is_merged else pipe,
        )  # fmt: skip
    with _stopped(child):
        out, err = _Stream(child.stdout, kept_bytes, on_line, on_text), _Stream(child.stderr, kept_bytes)
        if not _read_to_end(child, [out, err], time.monotonic() + timeout_s):
            raise error(f"{called}: did not end within {timeout_s:g} s" + (f"; {hint}" if hint else ""))
    finished = Finished(child.returncode, out.text, err.text)
    if check and finished.exit_code:
        raise error(f"{called}: {finished.last_line(telling)}")
    return finished


@contextlib.contextmanager
def _input(data: bytes) -> Iterator[int | IO[bytes]]:
    """Yield what a program reads `data` from: a file, so that neither side waits for the other."""
    if not data:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def show(
    command: Command,
    *,
    error: type[Error],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: IO[str] | None = None,
) -> int:
    """Run a program on this terminal, its output not captured, and return its exit code. Raises `error` as `start`.

    With `output`, such as sys.stderr, its standard output goes there.
    """
    child = start(command, error=error, environment=environment, folder=folder, own_session=False, stdout=output)
    try:
        return child.wait()
    except KeyboardInterrupt:  # it reached the program as well, which may have something left to write
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_S)
        raise
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def start(
    command: Command,
    *,
    error: type[Error],
    name: str = "",
    install: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] | IO[str] | None = None,
    stderr: int | IO[bytes] | None = None,
    own_session: bool = True,
    outlives_us: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program and return it running; `stop` ends it.

    With a session of its own Ctrl-C does not reach it. It is killed when the thread that called this ends, unless it
    `outlives_us`. Raises `error` if it is missing or can't be started.
    """
    words = [os.fspath(word) for word in command]
    path = find(words[0], error, install, name)
    words[0] = os.path.abspath(path) if folder else path
    setpriv = None if outlives_us else shutil.which("setpriv")
    try:
        child = subprocess.Popen(
            [setpriv, "--pdeathsig", "KILL", "--", *words] if setpriv else words,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=None if environment is None else dict(environment),
            cwd=folder,
            bufsize=0,
            start_new_session=own_session,
        )
    except OSError as e:
        called = name or os.path.basename(words[0])
        raise error(f"{called}: can't be started ({e.strerror or e})") from e
    if own_session and not outlives_us:
        reaper.watch(child.pid)
    return child


def stop(child: subprocess.Popen[bytes], grace_s: float = END_S) -> None:
    """Wait for a program that has its own session; kill its whole group after `grace_s`. Never raises."""
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            child.kill()
        child.wait()
    reaper.forget(child.pid)


@contextlib.contextmanager
def _stopped(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a program that still runs when the body ends, however it ends, and close its pipes."""
    try:
        yield
    finally:
        stop(child, 0)
        for pipe in (child.stdout, child.stderr):
            if pipe:
                pipe.close()


@dataclass
class _Stream:
    """One output stream of a program: the end of what came, and lines for whoever listens."""

    pipe: IO[bytes] | None
    kept_bytes: int
    on_line: Callable[[str], None] | None = None
    on_text: Callable[[str], None] | None = None
    data: bytearray = field(default_factory=bytearray)
    rest: bytes = b""

    def take(self, data: bytes) -> None:
        """Keep what came, and give out its whole lines."""
        self.data += data
        if len(self.data) > 2 * self.kept_bytes:
            del self.data[: -self.kept_bytes]
        if self.on_text:
            self.on_text(data.decode("utf-8", "replace"))
        if self.on_line:
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                self.on_line(line.decode("utf-8", "replace").rstrip("\r"))
            self.rest = self.rest[-self.kept_bytes :]

    def close(self) -> None:
        """Give out a last line that has no end."""
        if self.on_line and self.rest:
            self.on_line(self.rest.decode("utf-8", "replace"))
            self.rest = b""

    @property
    def text(self) -> str:
        """What was kept."""
        return self.data[-self.kept_bytes :].decode("utf-8", "replace")


def _read_to_end(child: subprocess.Popen[bytes], streams: Sequence[_Stream], deadline: float) -> bool:
    """Read all that a program says until it ends; return False if the deadline came first."""
    pipes_open_until = None
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            if stream.pipe:
                selector.register(stream.pipe, selectors.EVENT_READ, stream)
        while selector.get_map():
            for key, _ in selector.select(POLL_S):
                data = os.read(key.fd, READ_BYTES)
                if data:
                    key.data.take(data)
                else:
                    selector.unregister(key.fileobj)
            now = time.monotonic()
            if now > deadline:
                return False
            if child.poll() is not None and pipes_open_until is None:
                pipes_open_until = now + END_S  # what it started may hold them open forever
            if pipes_open_until is not None and now > pipes_open_until:
                break
    for stream in streams:
        stream.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(max(0.0, deadline - time.monotonic()))
    return child.returncode is not None
