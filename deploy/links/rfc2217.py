"""A serial port over Telnet, RFC 2217: what ser2net serves unless its configuration says raw."""

from __future__ import annotations

import time

from deploy.links import Link
from deploy.links.telnet import Codec, encode, hello, set_port
from errors import LinkError

NEGOTIATION_S = 15.0
RETRY_S = 0.2


class _NotAsSet(LinkError):
    """Another try would end in the same way."""


class Rfc2217Link:
    """The serial port behind a stream to its server, at `baud` bits a second, 8N1."""

    def __init__(self, name: str, stream: Link, baud: int):
        self.name = name
        self._stream, self._baud = stream, baud
        self._codec = Codec(name)
        self._is_open = False
        self._arrived = b""

    @property
    def bytes_per_s(self) -> float:
        """What the line can carry: ten bits a byte."""
        return self._baud / 10

    def open(self) -> None:
        """Connect, and set the port. Raises LinkError if there is no RFC 2217 server, or it refuses the speed.

        A server that closes at once still has the connection before this one open: it is tried again for 15 s.
        """
        limit = time.monotonic() + NEGOTIATION_S
        while not self._is_open:
            self._stream.open()
            try:
                self._negotiate(limit)
                self._is_open = True
            except BaseException as e:
                self.close()
                if not isinstance(e, LinkError) or isinstance(e, _NotAsSet) or time.monotonic() >= limit:
                    raise
                time.sleep(RETRY_S)

    def _negotiate(self, limit: float) -> None:
        codec = self._codec = Codec(self.name)
        arrived = b""
        self._stream.write(hello() + set_port(self._baud))
        while not codec.is_ready:
            left = limit - time.monotonic()
            if left <= 0 or codec.is_refused:
                raise _NotAsSet(f"{self.name}: no RFC 2217 server answers there; if it is a raw port, use tcp://")
            arrived += self._decoded(self._stream.read(left))
        if codec.baud != self._baud:
            raise _NotAsSet(f"{self.name}: the port runs at {codec.baud} baud; say so with ?baud={codec.baud}")
        self._arrived = arrived

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        if self._arrived:
            data, self._arrived = self._arrived, b""
            return data
        return self._decoded(self._stream.read(timeout_s))

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self._stream.write(encode(data))

    def close(self) -> None:
        """See Link.close."""
        self._stream.close()
        self._is_open, self._arrived = False, b""

    def _decoded(self, data: bytes) -> bytes:
        plain = self._codec.decode(data)
        if self._codec.answer:
            self._stream.write(bytes(self._codec.answer))
            self._codec.answer.clear()
        return plain
