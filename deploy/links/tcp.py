"""TCP: an emulator's serial port, or the firmware built for this machine."""

from __future__ import annotations

import socket

from deploy.links.descriptors import READ_SIZE, wait_readable, write_all
from errors import LinkError

CONNECT_TIMEOUT_S = 5.0


class TcpLink:
    """A TCP connection to `host:port`, with Nagle's delay off: a frame waits for nothing."""

    def __init__(self, name: str, host: str, port: int):
        self.name = name
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._arrived = b""

    def open(self) -> None:
        """Connect. Raises LinkError if the port is closed or no answer comes in 5 s."""
        if self._socket:
            return
        try:
            self._socket = socket.create_connection(self._address, CONNECT_TIMEOUT_S)
        except TimeoutError as e:
            raise LinkError(f"{self.name}: no connection in {CONNECT_TIMEOUT_S:g} s; check the address") from e
        except ConnectionRefusedError as e:
            raise LinkError(
                f"{self.name}: nothing listens there; start the device or emulator, or correct the port"
            ) from e
        except OSError as e:
            raise LinkError(f"{self.name}: can't connect ({e.strerror or e}); check the address") from e
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        if self._arrived:
            data, self._arrived = self._arrived, b""
            return data
        sock = self._opened()
        try:
            if not wait_readable(sock.fileno(), timeout_s):
                return b""
            data = sock.recv(READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as e:
            raise self._gone(e) from e
        if not data:
            raise LinkError(f"{self.name}: the device closed the connection; check whether it still runs")
        return data

    def write(self, data: bytes) -> None:
        """See Link.write."""
        sock = self._opened()
        try:
            self._arrived += write_all(sock.fileno(), data, sock.fileno())
        except OSError as e:
            raise self._gone(e) from e

    def close(self) -> None:
        """See Link.close."""
        if self._socket:
            self._socket.close()
        self._socket, self._arrived = None, b""

    def _opened(self) -> socket.socket:
        if not self._socket:
            raise LinkError(f"{self.name}: is closed; open it first")
        return self._socket

    def _gone(self, e: OSError) -> LinkError:
        return LinkError(f"{self.name}: connection lost ({e.strerror or e}); check whether the device still runs")
