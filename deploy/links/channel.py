"""A channel of an SSH connection as a byte stream: what a program's streams and a forwarded port have in common."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deploy.links.descriptors import READ_SIZE, WRITE_TIMEOUT_S
from errors import LinkError

if TYPE_CHECKING:
    from paramiko import Channel


def plain(text: str) -> str:
    """Return text of the other side for an error's line: printable, on one line, at most 300 characters."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text[:3000].split()))[:300].strip()


class ChannelLink:
    """Reads and writes `_channel`, which a subclass opens. `name` is what errors call it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._channel: Channel | None = None

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        channel = self._opened()
        channel.settimeout(max(0.0, timeout_s))
        try:
            data: bytes = channel.recv(READ_SIZE)
        except TimeoutError:
            return b""
        except Exception as e:
            raise self._lost(e) from e
        if not data:
            raise self._ended()
        return data

    def write(self, data: bytes) -> None:
        """See Link.write."""
        channel = self._opened()
        channel.settimeout(WRITE_TIMEOUT_S)
        try:
            channel.sendall(data)
        except TimeoutError as e:
            raise LinkError(f"{self.name}: accepted no byte in {WRITE_TIMEOUT_S:g} s; it hangs") from e
        except Exception as e:  # OSError if the channel is closed, EOFError or paramiko's own if the connection is
            raise self._ended() from e

    def _opened(self) -> Channel:
        if not self._channel:
            raise LinkError(f"{self.name}: is closed; open it first")
        return self._channel

    def _ended(self) -> LinkError:
        """Return the error of a channel that the other side has closed."""
        return self._lost(EOFError())

    def _lost(self, error: BaseException) -> LinkError:
        why = plain(str(error)) or "closed by the other side"
        return LinkError(f"{self.name}: connection lost ({why[:200]}); check that the board is on and reachable")

    def _close_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel:
            with contextlib.suppress(Exception):
                channel.close()
