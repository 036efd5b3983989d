"""QEMU as a board: it loads the image, and its first serial port is a TCP socket of this machine."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import socket
from pathlib import Path
from typing import ClassVar

import process
from deploy.running import Running, RunningLink
from errors import DeployError
from target import Target

# One instruction is one nanosecond of virtual time: that makes the boards' counters count instructions.
COUNT_INSTRUCTIONS = ("-icount", "shift=0")
# Below those that systems give to connections and to whoever asks for any port: between the choice and the start of the
# emulator no other program gets it. Each process begins elsewhere and takes the next one each time.
_PORTS = range(20_000, 32_000)
_NEXT_PORT = itertools.count(secrets.randbelow(len(_PORTS)))


class QemuFlasher:
    """Starts the emulator of a target. `port` is the TCP port of its serial line; a free one is chosen without it."""

    links: ClassVar[tuple[str, ...]] = ("qemu",)

    def __init__(self, target: Target, port: int | None = None):
        if target.emulator is None:
            raise DeployError(
                f"{target.name}: flasher qemu needs a section [emulator]; add it to targets/{target.name}.toml"
            )
        self._target, self._emulator, self._port = target, target.emulator, port

    def start(self, image: Path) -> RunningLink:
        """Start QEMU with an ELF image; it runs once the link is opened. See Flasher.start.

        Raises DeployError naming the package if QEMU is missing, or if the port is taken by another program.
        """
        program = self._program()
        if not image.is_file():
            raise DeployError(f"{image}: no such image; build it first")
        port = free_port(self._port)
        name, command = f"{self._target.name} (QEMU on port {port})", [program, *self.arguments(image, port)]
        running = Running(name, command, is_noise=_is_noise, on_one_cpu=True)
        return RunningLink(running, port)

    def check(self) -> None:
        """Raise DeployError naming the package if QEMU is missing. See Flasher.check."""
        self._program()

    def _program(self) -> str:
        return process.find(self._emulator.program, DeployError, self._emulator.package)

    def arguments(self, image: Path, port: int) -> list[str]:
        """Return QEMU's arguments. It waits for the connection, so that no byte of the boot is lost."""
        line = f"socket,id=line,host=127.0.0.1,port={port},server=on,wait=on,nodelay=on"
        # A comma in a file's name would end QEMU's option; -kernel takes the name as it is.
        return [
            "-machine", self._emulator.machine, *COUNT_INSTRUCTIONS, *self._emulator.arguments,
            "-nographic", "-monitor", "none", "-kernel", str(image), "-chardev", line, "-serial", "chardev:line",
        ]  # fmt: skip


def free_port(wanted: int | None = None) -> int:
    """Return a free TCP port of 127.0.0.1: `wanted`, or any. Raises DeployError if it is taken."""
    if wanted:
        _try_port(wanted)
        return wanted
    for number in itertools.islice(_NEXT_PORT, len(_PORTS)):
        port = _PORTS[number % len(_PORTS)]
        with contextlib.suppress(DeployError):
            _try_port(port)
            return port
    raise DeployError(f"ports {_PORTS[0]} to {_PORTS[-1]} of 127.0.0.1: all are taken; end programs that have them")


def _try_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            # Binding alone may succeed beside a listener that allows it.
            probe.listen(1)
        except OSError as e:
            raise DeployError(
                f"port {port} of 127.0.0.1: {e.strerror}; end the program that has it, or choose another port"
            ) from e


def _is_noise(line: str) -> bool:
    """Whether a line from QEMU does not say why it ended: registers, or that it waits for the connection."""
    return "info: QEMU waiting for connection" in line or not line.startswith(("qemu", "ERROR"))


FLASHER = QemuFlasher
