"""Telnet's commands and those of RFC 2217, which sets a serial port over Telnet: bytes in, bytes out, no socket."""

from __future__ import annotations

import struct

from errors import LinkError

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
BINARY, ECHO, SUPPRESS, COM_PORT = 0, 1, 3, 44
SET_BAUD, SET_DATA, SET_PARITY, SET_STOP, SET_CONTROL = 1, 2, 3, 4, 5
FROM_SERVER = 100
"""What a server adds to the number of a COM-PORT command in its answer."""
WANTED = frozenset({BINARY, SUPPRESS, COM_PORT})
COMMAND_BYTES = 4096
"""How long an unfinished command may be; those of RFC 2217 are below ten bytes."""
_IAC = bytes([IAC])


class Codec:
    """Takes Telnet's commands out of what arrives, and doubles 255 in what is sent.

    `answer` must be sent to the server and cleared. `granted` and `refused` are (command, option) as the server said,
    `settings` its answers to COM-PORT commands, by command. A LinkError begins with `name`.
    """

    def __init__(self, name: str) -> None:
        self.answer = bytearray()
        self.granted: set[tuple[int, int]] = set()
        self.refused: set[tuple[int, int]] = set()
        self.settings: dict[int, bytes] = {}
        self._name = name
        self._rest = b""

    @property
    def is_ready(self) -> bool:
        """Whether the server sends and takes eight bits, and has set the port."""
        return SET_CONTROL in self.settings and {(DO, BINARY), (WILL, BINARY)} <= self.granted

    @property
    def is_refused(self) -> bool:
        """Whether the server takes no COM-PORT commands."""
        return (DONT, COM_PORT) in self.refused

    @property
    def baud(self) -> int | None:
        """The speed that the server says, None if it has not."""
        answer = self.settings.get(SET_BAUD, b"")
        return int.from_bytes(answer, "big") if len(answer) == 4 else None

    def decode(self, data: bytes) -> bytes:
        """Return the bytes of the port in what arrived. Raises LinkError for a command without an end."""
        data, self._rest = self._rest + data, b""
        if _IAC not in data:
            return data
        plain, begin = bytearray(), 0
        while (mark := data.find(_IAC, begin)) >= 0:
            plain += data[begin:mark]
            end = self._command(data, mark)
            if end is None:
                self._rest = data[mark:]
                if len(self._rest) > COMMAND_BYTES:
                    raise LinkError(f"{self._name}: not Telnet: a command has no end; for a plain port use tcp://")
                return bytes(plain)
            if data[mark + 1] == IAC:
                plain.append(IAC)
            begin = end
        return bytes(plain + data[begin:])

    def _command(self, data: bytes, mark: int) -> int | None:
        """Take the command at `mark`; return where it ends, None if that has not arrived."""
        command = data[mark + 1] if len(data) > mark + 1 else None
        if command in (WILL, WONT, DO, DONT):
            if len(data) < mark + 3:
                return None
            self._take_option(command, data[mark + 2])
            return mark + 3
        if command == SB:
            return self._take_subnegotiation(data, mark + 2)
        return None if command is None else mark + 2

    def _take_subnegotiation(self, data: bytes, begin: int) -> int | None:
        at = begin
        while 0 <= (at := data.find(_IAC, at)) < len(data) - 1:
            if data[at + 1] == SE:
                body = data[begin:at].replace(b"\xff\xff", b"\xff")
                if body[:1] == bytes([COM_PORT]) and len(body) > 1:
                    self.settings[body[1] - FROM_SERVER] = body[2:]
                return at + 2
            at += 2
        return None

    def _take_option(self, command: int, option: int) -> None:
        if command in (WONT, DONT):
            self.refused.add((command, option))
        elif option in WANTED:
            self.granted.add((command, option))  # hello() asked for it: an answer would be answered again, forever
        else:
            self.answer += bytes([IAC, DONT if command == WILL else WONT, option])


def hello() -> bytes:
    """Return what asks a server for eight bits both ways and for COM-PORT commands."""
    wanted = ((WILL, COM_PORT), (WILL, BINARY), (DO, BINARY), (WILL, SUPPRESS), (DO, SUPPRESS))
    return b"".join(bytes([IAC, command, option]) for command, option in wanted)


def set_port(baud: int) -> bytes:
    """Return what sets a port to `baud` bits a second, 8N1, without flow control."""
    values = {SET_BAUD: struct.pack(">I", baud), SET_DATA: b"\x08", SET_PARITY: b"\x01", SET_STOP: b"\x01"}
    values[SET_CONTROL] = b"\x01"
    return b"".join(bytes([IAC, SB, COM_PORT, c]) + encode(v) + bytes([IAC, SE]) for c, v in values.items())


def encode(data: bytes) -> bytes:
    """Return bytes of the port as they are sent."""
    return data.replace(_IAC, _IAC + _IAC)
