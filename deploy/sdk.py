"""Boards that the user's own SDK builds for and flashes.

The image is the manifest of an export with the protocol (`compilers.export.artifact`); the SDK builds its program
`serve`, and flashes it only once it is built.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import artifact
import process
from deploy import flashed, ports, sdk_run
from deploy.bench_file import unit_of
from deploy.flash_job import Failure
from deploy.links import Link, make_link
from errors import DeployError
from target import Target

BUILD_S = 1800.0
"""A first build compiles the whole SDK."""
FLASH_S = 300.0
ASK_S = 60.0
BAUD = ports.SDK_BAUD

Say = Callable[[str], None]
Version = tuple[int, int]


class SdkFlasher(ABC):
    """Builds an export with the user's SDK, flashes it, and returns the link to the board. See deploy.flashers.Flasher.

    `program` is the SDK's, `install` says how to get it. `variable` is what the SDK's own set-up script sets, `least`
    the oldest version whose commands these are; `own_usb` begins the USB IDs of its own programs. `failures` are known
    reasons why the board's flash tool fails.
    """

    links: ClassVar[tuple[str, ...]] = ("serial",)
    program: ClassVar[str]
    install: ClassVar[str]
    least: ClassVar[Version]
    own_usb: ClassVar[str] = ""
    variable: ClassVar[str] = ""
    set_up: ClassVar[str] = ""

    def __init__(self, target: Target, say: Say | None = None, failures: tuple[Failure, ...] = ()):
        self.target = target
        self.say: Say = say or (lambda text: None)
        self.failures = failures

    @property
    def board(self) -> str:
        """The board as the SDK names it."""
        assert self.target.sdk is not None
        return self.target.sdk.board

    @property
    def workspace(self) -> Path | None:
        """The folder in which the SDK's commands run, None for any."""
        return None

    @abstractmethod
    def build(self, exported: Path, folder: Path) -> None:
        """Build the program `serve` of an export in `folder`. Raises DeployError."""

    @abstractmethod
    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """Return the command that flashes what was built."""

    @abstractmethod
    def version(self) -> str:
        """Return the text that has the SDK's version, "" where it is not known. Raises DeployError."""

    def check(self) -> None:
        """Raise DeployError if the SDK is missing, too old or not set up, or if the board's line can't be used."""
        assert self.target.sdk is not None
        others = ", ".join(f"--target {other}" for other in self.target.sdk.others)
        install = f"{self.install}; or take another SDK: {others}" if others else self.install
        process.find(self.program, DeployError, install, self.target.name)
        if self.variable and not Path(os.environ.get(self.variable) or "/nowhere").is_dir():
            raise DeployError(f"{self.target.name}: {self.variable} is not set to a folder that exists; {self.set_up}")
        self._check_version()
        self._check_port(self.uri())

    def _check_version(self) -> None:
        """Raise DeployError if the SDK is too old; a version that can't be read is not judged."""
        found = re.search(r"(\d+)\.(\d+)", self.version())
        if found and (int(found[1]), int(found[2])) < self.least:
            least = ".".join(map(str, self.least))
            raise DeployError(
                f"{self.target.name}: {self.program} {found[0]} is too old, expected {least} or newer; {self.install}"
            )

    def _check_port(self, uri: str) -> None:
        device = _device_of(uri)
        if device and os.path.exists(device) and not os.access(device, os.R_OK | os.W_OK):
            raise DeployError(f"{self.target.name}: {device} may not be opened; {ports.rights_step(device)}")

    def uri(self) -> str:
        """Return the URI of the board's line: of bench.toml, of the port with a USB ID of the target, of the only one.

        Raises DeployError if there is none, or more than one.
        """
        unit = unit_of(self.target.name)
        if unit.flasher:
            raise DeployError(f"{self.target.name}: its SDK flashes it; remove flasher from its table in bench.toml")
        if unit.links:
            return unit.links[0]
        connected = [port for port in ports.connected() if port.usb_id]
        own = [port for port in connected if self.own_usb and port.usb_id.startswith(self.own_usb)]
        if len(own) == 1 and not any(port.usb_id in self.target.usb for port in connected):
            return f"serial://{own[0].device}?baud={BAUD}"
        if self.target.usb:
            return f"serial://{ports.find_port(self.target).device}?baud={BAUD}"
        if len(connected) == 1:
            return f"serial://{connected[0].device}?baud={BAUD}"
        names = ", ".join(port.device for port in connected) or "none"
        raise DeployError(
            f"{self.target.name}: its line is not known (USB serial ports: {names}); name it in bench.toml: "
            f'["{self.target.name}"] link = "serial:///dev/ttyACM0?baud={BAUD}"'
        )

    def port(self) -> ports.Port | None:
        """Return the connected port of the board's line, None if the line is none of this machine's."""
        device = _device_of(self.uri())
        return next((p for p in ports.connected() if device and p.device == os.path.realpath(device)), None)

    def start(self, image: Path) -> Link:
        """Build and flash an export and return the link to it. Raises DeployError with the SDK's own words."""
        self.check()
        uri = self.uri()
        if flashed.is_there(uri, make_link(uri), image):
            self.say(f"{self.target.name}: runs this network already; it is not flashed again")
            return make_link(uri)
        exported = image.parent.resolve()
        folder = self.folder(exported)
        folder.mkdir(parents=True, exist_ok=True)
        self.say(f"{self.target.name}: building with {self.program} in {folder}")
        self.build(exported, folder)
        flashed.remember(uri, None)
        port, device, before = self.port(), _device_of(uri), ports.connected()
        self.run(
            self.flash_command(exported, folder, device), "flash", FLASH_S, "the board's cable, port and boot loader"
        )
        if port:
            uri = uri.replace(device, ports.wait_for(port, self.target.name, before=before).device, 1)
        flashed.remember(uri, image)
        return make_link(uri)

    def folder(self, exported: Path) -> Path:
        """Return the folder in which an export is built."""
        return artifact.BUILD_DIR.resolve() / "sdk" / exported.name

    def run(self, command: list[str], step: str, timeout_s: float, check: str) -> process.Finished:
        """Run a command of the SDK to its end. Raises DeployError with the line of its output that explains a failure.

        `step` names the log of its output; `check` is what to look at where it never ends.
        """
        verb = next((word for word in command[1:] if re.fullmatch(r"[a-z]+", word)), "")
        log = artifact.BUILD_DIR.resolve() / "sdk" / "logs" / f"{self.target.name.replace(':', '-')}-{step}.log"
        called = f"{self.target.name}: {self.program} {verb}".rstrip()
        return sdk_run.run(
            command, sdk_run.Run(called, self.install, timeout_s, check, log, self.workspace, self.failures)
        )


def _device_of(uri: str) -> str:
    return urlsplit(uri).path if uri.startswith("serial:") else ""
