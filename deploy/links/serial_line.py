"""A serial port: 8 data bits, no parity, one stop bit, no flow control."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from deploy.links.descriptors import READ_SIZE, WRITE_TIMEOUT_S, wait_readable
from deploy.ports import rights_step
from errors import LinkError

if TYPE_CHECKING:
    from serial import Serial


class SerialLink:
    """The serial port `device` at `baud` bits a second, locked against other programs."""

    def __init__(self, name: str, device: str, baud: int):
        self.name = name
        self.device = device
        self.baud = baud
        self._port: Serial | None = None

    @property
    def bytes_per_s(self) -> float:
        """What the line can carry: ten bits a byte."""
        return self.baud / 10

    def open(self) -> None:
        """Open and lock the port. Raises LinkError if it is absent, forbidden, taken, or can't run at that speed."""
        if self._port:
            return
        import serial

        try:
            self._port = serial.Serial(self.device, self.baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as e:
            raise LinkError(f"{self.name}: {self._why(e)}") from e

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        port = self._opened()
        try:
            if not wait_readable(port.fileno(), timeout_s):
                return b""
            data: bytes = port.read(READ_SIZE)
        except OSError as e:  # serial.SerialException is one
            raise self._gone(e) from e
        return data

    def write(self, data: bytes) -> None:
        """See Link.write."""
        port = self._opened()
        try:
            port.write(data)
        except OSError as e:
            raise self._gone(e) from e

    def close(self) -> None:
        """See Link.close."""
        port, self._port = self._port, None
        if port:
            with contextlib.suppress(OSError):
                port.close()

    def _opened(self) -> Serial:
        if not self._port:
            raise LinkError(f"{self.name}: is closed; open it first")
        return self._port

    def _gone(self, e: OSError) -> LinkError:
        return LinkError(f"{self.name}: serial line lost ({e}); see whether the board is plugged in and powered")

    def _why(self, e: Exception) -> str:
        inner = e.__context__  # pyserial wraps the terminal's own error, number and all
        number = getattr(e, "errno", None) or (inner.args[0] if inner and inner.args else None)
        if number == errno.ENOENT:
            return f"no such serial port; {_ports()}"
        if number in (errno.EACCES, errno.EPERM):
            return f"no right to open it; {rights_step(self.device)}"
        if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(e):
            return "taken by another program; close the terminal or the run that holds it"
        if number == errno.ENOTTY or isinstance(e, ValueError):
            return f"no serial port, or none that runs at {self.baud} baud ({e})"
        return f"can't be opened ({e})"


def _ports() -> str:
    from serial.tools import list_ports

    ports = sorted(port.device for port in list_ports.comports())
    return "connected: " + ", ".join(ports) if ports else "none is connected"
