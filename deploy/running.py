"""A program that is the device: started by its owner, ended with it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import process
from deploy.guard import ONE_CPU
from deploy.links.tcp import TcpLink
from errors import DeployError, LinkError

GUARD = Path(__file__).with_name("guard.py")
START_TIMEOUT_S = 20.0
END_TIMEOUT_S = 3.0
POLL_S = 0.02
LAST_LINES = 3


class Running:
    """A program behind a guard, which kills it when this object stops it or this process ends in any way.

    `name` is what errors call it; `is_noise` recognizes lines of its standard error that say nothing about a failure.
    With `on_one_cpu` its threads share a CPU, see deploy/guard.py.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        is_noise: Callable[[str], bool] = lambda line: False,
        *,
        on_one_cpu: bool = False,
    ):
        self.name = name
        self._is_noise = is_noise
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (stop closes it)
        guard = [sys.executable, "-I", "-S", str(GUARD), *([ONE_CPU] if on_one_cpu else []), *argv]
        self._guard = process.start(
            guard, error=DeployError, name=name, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._stderr, outlives_us=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """The guard's process number."""
        return self._guard.pid

    def has_ended(self) -> bool:
        """Whether the program has ended."""
        return self._guard.poll() is not None

    def last_output(self) -> str:
        """Return the last lines of its standard error as one, or its exit code."""
        if self._stderr.closed:
            return "stopped"
        self._stderr.seek(0)
        lines = [line.strip() for line in self._stderr.read().decode(errors="replace").splitlines()]
        relevant = [line for line in lines if line and not self._is_noise(line)]
        return " | ".join(relevant[-LAST_LINES:]) or f"exit code {self._guard.poll()}"

    def first_line(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Return the first line of its standard output. Raises DeployError if it ends before it has printed one."""
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline().decode(errors="replace").strip()
        if not line:
            self._guard.wait(timeout_s)
            raise DeployError(f"{self.name}: ended at once ({self.last_output()})")
        return line

    def stop(self) -> None:
        """End the program; does nothing if it has ended. Never raises."""
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe:
                pipe.close()
        process.stop(self._guard, END_TIMEOUT_S)
        self._stderr.close()


class RunningLink:
    """The TCP line to a program. Closing it ends the program; if that dies, errors show its last output."""

    def __init__(self, running: Running, port: int):
        self.name = running.name
        self.running = running
        self.uri = f"tcp://127.0.0.1:{port}"
        self._tcp = TcpLink(self.uri, "127.0.0.1", port)
        self._is_open = False

    def open(self) -> None:
        """Connect, waiting until the program listens. Raises LinkError if it ends or does not listen in time."""
        if self._is_open:
            return
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._tcp.open()
                self._is_open = True
                return
            except LinkError:
                problem = self._why_not_open(deadline)
            if problem:
                self.close()
                raise LinkError(f"{self.name}: {problem}")
            time.sleep(POLL_S)

    def _why_not_open(self, deadline: float) -> str:
        if self.running.has_ended():
            return f"ended before it listened ({self.running.last_output()})"
        return f"did not listen within {START_TIMEOUT_S:g} s" if time.monotonic() > deadline else ""

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        try:
            return self._tcp.read(timeout_s)
        except LinkError as e:
            raise self._explained(e) from e

    def write(self, data: bytes) -> None:
        """See Link.write."""
        try:
            self._tcp.write(data)
        except LinkError as e:
            raise self._explained(e) from e

    def close(self) -> None:
        """End the program; does nothing if it has ended. Never raises."""
        self._tcp.close()
        self._is_open = False
        self.running.stop()

    def _explained(self, e: LinkError) -> LinkError:
        deadline = time.monotonic() + END_TIMEOUT_S
        while not self.running.has_ended() and time.monotonic() < deadline:
            time.sleep(POLL_S)  # The connection breaks before the process is gone.
        if self.running.has_ended():
            return LinkError(f"{self.name}: died in mid-run ({self.running.last_output()}); start again")
        return e
