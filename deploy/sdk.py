"""Boards that the user's own SDK builds for and flashes: Zephyr's west, arduino-cli, PlatformIO, ESP-IDF's idf.py.

The image is the manifest of an export with the protocol (`compilers.export.artifact`); the SDK builds its program
`serve`, and flashes it only once it is built.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import artifact
import process
from deploy import flashed, ports
from deploy.bench_file import unit_of
from deploy.links import Link, make_link
from errors import DeployError
from target import Target

BUILD_S = 1800.0
"""A first build compiles the whole SDK."""
FLASH_S = 300.0
ASK_S = 60.0
BAUD = ports.SDK_BAUD
ERRORS = r"(?i)(fatal error|error)\b"

Say = Callable[[str], None]


class SdkFlasher(ABC):
    """Builds an export with the user's SDK, flashes it, and returns the link to the board. See deploy.flashers.Flasher.

    `program` is the SDK's, `install` says how to get it. `variable` is what the SDK's own set-up script sets.
    """

    links: ClassVar[tuple[str, ...]] = ("serial",)
    program: ClassVar[str]
    install: ClassVar[str]
    variable: ClassVar[str] = ""
    set_up: ClassVar[str] = ""

    def __init__(self, target: Target, say: Say | None = None):
        self.target = target
        self.say: Say = say or (lambda text: None)

    @property
    def board(self) -> str:
        """The board as the SDK names it."""
        assert self.target.sdk is not None
        return self.target.sdk.board

    @abstractmethod
    def build(self, exported: Path, folder: Path) -> None:
        """Build the program `serve` of an export in `folder`. Raises DeployError."""

    @abstractmethod
    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """Return the command that flashes what was built."""

    def check(self) -> None:
        """Raise DeployError if the SDK is missing or not set up, or if the board's line is not known."""
        assert self.target.sdk is not None
        others = ", ".join(f"--target {other}" for other in self.target.sdk.others)
        install = f"{self.install}; or take another SDK: {others}" if others else self.install
        process.find(self.program, DeployError, install, self.target.name)
        if self.variable and not os.environ.get(self.variable):
            raise DeployError(f"{self.target.name}: {self.variable} is not set; {self.set_up}")
        self.uri()

    def uri(self) -> str:
        """Return the URI of the board's line: of bench.toml, of the port with a USB ID of the target, of the only one.

        Raises DeployError if there is none, or more than one.
        """
        links = unit_of(self.target.name).links
        if links:
            return links[0]
        if self.target.usb:
            return f"serial://{ports.find_port(self.target).device}?baud={BAUD}"
        connected = [port for port in ports.connected() if port.usb_id]
        if len(connected) == 1:
            return f"serial://{connected[0].device}?baud={BAUD}"
        names = ", ".join(port.device for port in connected) or "none"
        raise DeployError(
            f"{self.target.name}: its line is not known (USB serial ports: {names}); name it in bench.toml: "
            f'["{self.target.name}"] link = "serial:///dev/ttyACM0?baud={BAUD}"'
        )

    def start(self, image: Path) -> Link:
        """Build and flash an export and return the link to it. Raises DeployError with the SDK's own words."""
        self.check()
        uri = self.uri()
        if flashed.is_there(uri, make_link(uri), image):
            self.say(f"{self.target.name}: runs this network already; it is not flashed again")
            return make_link(uri)
        exported = image.parent.resolve()
        folder = artifact.BUILD_DIR.resolve() / "sdk" / exported.name
        folder.mkdir(parents=True, exist_ok=True)
        self.say(f"{self.target.name}: building with {self.program} in {folder}")
        self.build(exported, folder)
        flashed.remember(uri, None)
        device = urlsplit(uri).path if uri.startswith("serial:") else ""
        port = next((port for port in ports.connected() if device and port.device == os.path.realpath(device)), None)
        self.run(self.flash_command(exported, folder, device), FLASH_S, "the board's cable, port and boot loader")
        if port:
            uri = uri.replace(device, ports.wait_for(port, self.target.name).device, 1)
        flashed.remember(uri, image)
        return make_link(uri)

    def run(self, command: list[str], timeout_s: float, check: str, folder: Path | None = None) -> process.Finished:
        """Run a command of the SDK to its end. Raises DeployError with the line of its output that says most."""
        return process.run(
            command,
            error=DeployError,
            timeout_s=timeout_s,
            name=f"{self.target.name}: {self.program} {command[1] if command[1:] else ''}".rstrip(),
            install=self.install,
            hint=f"run it yourself to see where it waits, and check {check}",
            telling=ERRORS,
            folder=folder,
            is_merged=True,
        )


class West(SdkFlasher):
    """Zephyr: the sample `serve` of the module."""

    program = "west"
    install = "install Zephyr as its Getting Started Guide says, and activate its Python environment"
    variable = "ZEPHYR_BASE"
    set_up = "source zephyr-env.sh of your Zephyr tree"

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build. West finds its workspace from Zephyr's own folder."""
        sample = str(exported / "samples" / "serve")
        command = ["west", "build", "-p", "auto", "-b", self.board, "-d", str(folder), sample]
        self.run(command, BUILD_S, "the board's name (west boards)", Path(os.environ["ZEPHYR_BASE"]))

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        return ["west", "flash", "-d", str(folder)]

    def run(self, command: list[str], timeout_s: float, check: str, folder: Path | None = None) -> process.Finished:
        """See SdkFlasher.run."""
        return super().run(command, timeout_s, check, folder or Path(os.environ["ZEPHYR_BASE"]))


class ArduinoCli(SdkFlasher):
    """Arduino: the sketch `Serve` of the library."""

    program = "arduino-cli"
    install = "install it from Arduino, then the board's core: arduino-cli core install PACKAGER:ARCHITECTURE"

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build."""
        command = ["arduino-cli", "compile", "--fqbn", self.board, "--library", str(exported)]
        sketch = str(exported / "examples" / "Serve")
        self.run([*command, "--build-path", str(folder), sketch], BUILD_S, "the FQBN (arduino-cli board listall)")

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        command = ["arduino-cli", "upload", "--fqbn", self.board, "--port", port, "--input-dir", str(folder)]
        return [*command, str(exported / "examples" / "Serve")]


class PlatformIo(SdkFlasher):
    """PlatformIO: a project of the program `serve` for the board, in the build folder."""

    program = "pio"
    install = "install it with: pip install platformio"

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build."""
        lines = [
            f"[env:{self.board}]", f"platform = {self._platform()}", f"board = {self.board}", "framework = arduino",
            f"lib_deps = symlink://{exported}", "",
        ]  # fmt: skip
        artifact.write_atomic(folder / "platformio.ini", "\n".join(lines))
        main = exported / "examples" / "serve" / "src" / "main.cpp"
        artifact.write_atomic(folder / "src" / "main.cpp", main.read_bytes())
        self.run(["pio", "run", "-d", str(folder)], BUILD_S, "whether it can download what it installs")

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        return ["pio", "run", "-d", str(folder), "-t", "upload", "--upload-port", port]

    def _platform(self) -> str:
        """Return the platform of the board, as PlatformIO says it."""
        answer = self.run(["pio", "boards", "--json-output", self.board], ASK_S, "the network").stdout
        try:
            return next(str(entry["platform"]) for entry in json.loads(answer) if entry["id"] == self.board)
        except (ValueError, KeyError, TypeError, StopIteration) as e:
            raise DeployError(
                f"{self.target.name}: PlatformIO knows no board {self.board}; list them with: pio boards"
            ) from e


class IdfPy(SdkFlasher):
    """ESP-IDF: the project `serve` of the component."""

    program = "idf.py"
    install = "install ESP-IDF 5.3 or newer, and source its export.sh"
    variable = "IDF_PATH"
    set_up = "source export.sh of your ESP-IDF"

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build."""
        definitions = [f"-DIDF_TARGET={self.board}", f"-DSDKCONFIG={folder / 'sdkconfig'}"]
        command = ["idf.py", "-C", str(exported / "examples" / "serve"), "-B", str(folder), *definitions, "build"]
        self.run(command, BUILD_S, "the chip's name (idf.py --list-targets)")

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        serve = str(exported / "examples" / "serve")
        return ["idf.py", "-C", serve, "-B", str(folder), "-p", port, "flash"]


SDKS: dict[str, type[SdkFlasher]] = {"zephyr": West, "arduino": ArduinoCli, "pio": PlatformIo, "idf": IdfPy}
"""By the name before the colon in a target's name."""


def sdk_flasher(target: Target, say: Say | None = None) -> SdkFlasher:
    """Return the flasher of a target that the user's SDK builds for."""
    assert target.sdk is not None
    return SDKS[target.sdk.name](target, say)
