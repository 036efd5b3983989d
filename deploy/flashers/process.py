"""The firmware built for this machine: a process that listens on a TCP port, which it chooses and prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from deploy.flashers.qemu import free_port
from deploy.running import Running, RunningLink
from errors import DeployError
from target import Target

_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


class ProcessFlasher:
    """Starts the image of `host-fw`. `port` is the TCP port to listen on; the system chooses one without it."""

    links: ClassVar[tuple[str, ...]] = ("tcp",)

    def __init__(self, target: Target, port: int | None = None):
        self._target, self._port = target, port

    def check(self) -> None:
        """See Flasher.check: nothing is needed."""

    def start(self, image: Path) -> RunningLink:
        """Start the image, which is a program of this machine. See Flasher.start.

        Raises DeployError if it is not one, or if the port is taken by another program.
        """
        if not image.is_file():
            raise DeployError(f"{image}: no such image; build it first")
        port = free_port(self._port) if self._port else 0
        return started(self._target.name, [str(image.resolve()), str(port)])


def started(name: str, command: Sequence[str]) -> RunningLink:
    """Start a program that prints the port it listens on, and return the link to it, not yet open.

    `name` is what errors call it. Raises DeployError if it ends or prints anything else.
    """
    running = Running(name, command)
    try:
        line = running.first_line()
        listening = _LISTENING.fullmatch(line)
        if not listening:
            raise DeployError(f"{name}: expected `listening on 127.0.0.1:PORT`, got {line[:80]!r}")
    except DeployError:
        running.stop()
        raise
    return RunningLink(running, int(listening[1]))


FLASHER = ProcessFlasher
