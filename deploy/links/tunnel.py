"""A TCP port that only another host reaches: one channel of an SSH connection to that host, and no port on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.links.channel import ChannelLink
from errors import LinkError

if TYPE_CHECKING:
    from fabric import Connection

CONNECT_TIMEOUT_S = 10.0


class TunnelLink(ChannelLink):
    """The port `host:port` as the host of the SSH address `via` (`[USER@]HOST[:PORT]`) reaches it."""

    def __init__(self, name: str, via: str, host: str, port: int):
        super().__init__(name)
        self._via, self._address = via, (host, port)
        self._connection: Connection | None = None

    def open(self) -> None:
        """Log in and connect. Raises LinkError if the host is not reached, or nothing listens at the port."""
        if self._channel:
            return
        from deploy.remote.connect import connect, parse_address

        self._connection = connect(parse_address(f"ssh://{self._via}"))
        host, port = self._address
        try:
            self._channel = self._connection.transport.open_channel(
                "direct-tcpip", self._address, ("127.0.0.1", 0), timeout=CONNECT_TIMEOUT_S
            )
        except Exception as e:  # paramiko raises its own, EOFError and OSError
            self.close()
            raise LinkError(
                f"{self.name}: {self._via} does not reach {host}:{port} ({e}); check that the port's server runs there"
            ) from e

    def close(self) -> None:
        """See Link.close."""
        from deploy.remote.connect import close

        self._close_channel()
        connection, self._connection = self._connection, None
        if connection is not None:
            close(connection)
