"""The standard streams of a program on a board, over one channel of an open SSH connection."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deploy.links.channel import ChannelLink, plain
from deploy.links.descriptors import WRITE_TIMEOUT_S
from errors import LinkError

if TYPE_CHECKING:
    from paramiko import Transport
    from paramiko.channel import ChannelFile

EXIT_TIMEOUT_S = 3.0
LINE_BYTES = 4096
"""Of a longer line of standard error, each such piece is taken as one."""
NO_SUCH_PROGRAM = 127  # what a POSIX shell ends with


class SshLink(ChannelLink):
    """Starts `argv` on the board when opened, ends it when closed. The last lines of its standard error are kept.

    `transport` is that of a connection that stays open; `on_close` is called once when the link is closed for good.
    """

    def __init__(
        self, name: str, transport: Transport, argv: Sequence[str], *, on_close: Callable[[], None] | None = None
    ):
        super().__init__(name)
        self.stderr: deque[str] = deque(maxlen=50)
        self._command = shlex.join(argv)
        self._transport = transport
        self._on_close = on_close
        self._listener: threading.Thread | None = None

    def open(self) -> None:
        """Start the program. Raises LinkError if the connection is lost or the board gives no channel."""
        if self._channel:
            return
        try:
            channel = self._transport.open_session(timeout=WRITE_TIMEOUT_S)
            channel.exec_command(self._command)
        except Exception as e:  # paramiko raises its own, EOFError and OSError
            raise self._lost(e) from e
        self._channel = channel
        self._listener = threading.Thread(target=self._listen, args=(channel.makefile_stderr("rb"),), daemon=True)
        self._listener.start()

    def close(self) -> None:
        """Close the channel: the program's input ends, and so does the program."""
        channel, self._channel = self._channel, None
        if channel:
            with contextlib.suppress(Exception):
                channel.shutdown_write()
                channel.status_event.wait(EXIT_TIMEOUT_S)
            with contextlib.suppress(Exception):
                channel.close()
        on_close, self._on_close = self._on_close, None
        if on_close:
            on_close()

    def explained(self, code: int, last: str) -> LinkError | None:
        """Return what an exit code of this program means, with its last line of standard error; None if nothing."""
        return None

    def _listen(self, file: ChannelFile) -> None:
        with contextlib.suppress(Exception):  # the channel's end
            while line := file.readline(LINE_BYTES):
                self.stderr.append(line.decode(errors="replace").rstrip())

    def _ended(self) -> LinkError:
        channel = self._opened()
        limit = time.monotonic() + EXIT_TIMEOUT_S
        while time.monotonic() < limit and self._transport.is_active() and not channel.exit_status_ready():
            channel.status_event.wait(0.1)
        code = channel.exit_status if channel.exit_status_ready() else None
        if self._listener:
            self._listener.join(1.0)
        lines = [plain(line) for line in self.stderr if plain(line)][-1:]
        explained = self.explained(code, lines[0] if lines else "") if code else None
        if explained:
            return explained
        last = f"; last output: {lines[0]}" if lines else ""
        if code is None or (code == -1 and not self._transport.is_active()):
            return self._lost(self._transport.get_exception() or EOFError())
        if code == NO_SUCH_PROGRAM:
            return LinkError(f"{self.name}: no such program there{last}")
        how = "was killed" if code == -1 else f"ended with exit code {code}"
        return LinkError(f"{self.name}: the process {how}{last}")
