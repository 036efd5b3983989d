"""A program on a host over SSH that runs to its end: its exit code and output."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy.links.channel import plain
from deploy.links.descriptors import WRITE_TIMEOUT_S
from deploy.links.ssh import NO_SUCH_PROGRAM
from errors import LinkError

if TYPE_CHECKING:
    from paramiko import Channel, Transport

__all__ = ["NO_SUCH_PROGRAM", "run"]
MOST_BYTES = 1 << 22
"""How much of its output is kept; no compiler's log comes near it."""
POLL_S = 1.0


def run(
    transport: Transport, argv: Sequence[str], timeout_s: float, where: str, data: bytes = b"", name: str = ""
) -> tuple[int, str]:
    """Run `argv` with `data` as its input; return its exit code and both its streams as text.

    `name` is what errors call it, the program's own by default.

    Raises LinkError if the connection is lost, the program does not end in time, or it is killed.
    """
    limit, output, called = time.monotonic() + timeout_s, bytearray(), name or argv[0]
    try:
        with transport.open_session(timeout=WRITE_TIMEOUT_S) as channel:
            channel.set_combine_stderr(True)
            channel.exec_command(shlex.join(argv))
            _send(channel, data)
            channel.settimeout(POLL_S)
            while time.monotonic() < limit:
                try:
                    data = channel.recv(1 << 16)
                except TimeoutError:
                    continue
                if not data:
                    break
                output += data[: MOST_BYTES - len(output)]
            else:
                raise LinkError(
                    f"{where}: {called} did not end within {timeout_s:g} s; check whether it runs by itself there"
                )
            channel.status_event.wait(POLL_S * 10)
            code = int(channel.exit_status) if channel.exit_status_ready() else None
    except LinkError:
        raise
    except Exception as e:  # paramiko raises its own, EOFError and OSError
        why = plain(str(e)) or type(e).__name__
        raise LinkError(f"{where}: connection lost ({why[:200]}); check that it is on and reachable") from e
    if code is None or code < 0:
        raise LinkError(f"{where}: {called} was killed, or the connection was lost; run again")
    return code, output.decode("utf-8", "replace")


def _send(channel: Channel, data: bytes) -> None:
    """Send a program's input and its end. One that ends before it has read all has a reason, which is read later."""
    channel.settimeout(WRITE_TIMEOUT_S)
    with contextlib.suppress(OSError):
        channel.sendall(data)
        channel.shutdown_write()
