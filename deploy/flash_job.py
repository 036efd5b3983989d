"""One flashing, and what a user can do where it fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Failure:
    """A pattern in the output of a flash tool that failed, and what the user can do then."""

    pattern: str
    next_step: str


@dataclass(frozen=True)
class Job:
    """One flashing: the image, the URI of the board's line, and the serial number of the probe ("": the only one).

    `usb_path` is where a probe without a number is plugged in, such as 1-2.3.
    """

    image: Path
    uri: str = ""
    probe: str = ""
    usb_path: str = ""

    @property
    def port(self) -> str:
        """The board's port as the tools name it: a device file, or socket://HOST:PORT."""
        parts = urlsplit(self.uri)
        return parts.path if parts.scheme == "serial" else f"socket://{parts.netloc}"


NOT_ALLOWED = Failure(
    r"LIBUSB_ERROR_ACCESS|(?i:permission denied|access denied|insufficient permissions)",
    "add the udev rules of the tool, or join the group of the device (plugdev or dialout), then plug it in again",
)
