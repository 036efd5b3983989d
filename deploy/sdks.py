"""The SDKs of users: Zephyr's west, arduino-cli, PlatformIO, ESP-IDF's idf.py."""

from __future__ import annotations

import json
import os
from pathlib import Path

import artifact
from deploy.flash_job import Failure
from deploy.sdk import ASK_S, BUILD_S, Say, SdkFlasher
from errors import DeployError
from target import Target

USB_JTAG = "303a:1001"
"""The USB Serial/JTAG of an ESP32-S3, C3, C6 and P4."""


class West(SdkFlasher):
    """Zephyr: the sample `serve` of the module."""

    program = "west"
    install = "install Zephyr 3.7 or newer as its Getting Started Guide says, and activate its Python environment"
    least = (3, 7)
    own_usb = "2fe3:"
    variable = "ZEPHYR_BASE"
    set_up = "source zephyr-env.sh of your Zephyr tree"

    @property
    def workspace(self) -> Path:
        """See SdkFlasher.workspace. West finds its workspace from Zephyr's own folder."""
        return Path(os.environ["ZEPHYR_BASE"])

    def version(self) -> str:
        """See SdkFlasher.version. The file VERSION of Zephyr's tree says it."""
        return _assigned(self.workspace / "VERSION", "VERSION_MAJOR", "VERSION_MINOR")

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build."""
        sample = str(exported / "samples" / "serve")
        command = ["west", "build", "-p", "auto", "-b", self.board, "-d", str(folder), sample]
        self.run(command, "build", BUILD_S, "the board's name (west boards)")

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        return ["west", "flash", "-d", str(folder)]


class ArduinoCli(SdkFlasher):
    """Arduino: the sketch `Serve` of the library."""

    program = "arduino-cli"
    install = "install it from Arduino, then the board's core: arduino-cli core install PACKAGER:ARCHITECTURE"
    least = (0, 19)

    def version(self) -> str:
        """See SdkFlasher.version."""
        return self.run(["arduino-cli", "version"], "version", ASK_S, "whether it starts").stdout

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build."""
        command = ["arduino-cli", "compile", "--fqbn", self.board, "--library", str(exported)]
        sketch = str(exported / "examples" / "Serve")
        self.run(
            [*command, "--build-path", str(folder), sketch], "build", BUILD_S, "the FQBN (arduino-cli board listall)"
        )

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        command = ["arduino-cli", "upload", "--fqbn", self.board, "--port", port, "--input-dir", str(folder)]
        return [*command, str(exported / "examples" / "Serve")]


class PlatformIo(SdkFlasher):
    """PlatformIO: a project of the program `serve` for the board, in the build folder."""

    program = "pio"
    install = "install it with: pip install --upgrade platformio"
    least = (6, 0)

    def version(self) -> str:
        """See SdkFlasher.version."""
        return self.run(["pio", "--version"], "version", ASK_S, "whether it starts").stdout

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build."""
        lines = [
            f"[env:{self.board}]", f"platform = {self._platform()}", f"board = {self.board}", "framework = arduino",
            f"lib_deps = symlink://{exported}", "",
        ]  # fmt: skip
        artifact.write_atomic(folder / "platformio.ini", "\n".join(lines))
        main = exported / "examples" / "serve" / "src" / "main.cpp"
        artifact.write_atomic(folder / "src" / "main.cpp", main.read_bytes())
        self.run(["pio", "run", "-d", str(folder)], "build", BUILD_S, "whether it can download what it installs")

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        return ["pio", "run", "-d", str(folder), "-t", "upload", "--upload-port", port]

    def _platform(self) -> str:
        """Return the platform of the board, as PlatformIO says it."""
        answer = self.run(["pio", "boards", "--json-output", self.board], "boards", ASK_S, "the network").stdout
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
    least = (5, 3)
    variable = "IDF_PATH"
    set_up = "source export.sh of your ESP-IDF"

    def version(self) -> str:
        """See SdkFlasher.version. Its tree says it, faster than idf.py."""
        file = Path(os.environ["IDF_PATH"]) / "tools" / "cmake" / "version.cmake"
        return _assigned(file, "IDF_VERSION_MAJOR", "IDF_VERSION_MINOR")

    def folder(self, exported: Path) -> Path:
        """See SdkFlasher.folder. One for each console, which sdkconfig keeps from the first build on."""
        folder = super().folder(exported)
        return folder.with_name(f"{folder.name}-usb") if self._is_usb_jtag() else folder

    def build(self, exported: Path, folder: Path) -> None:
        """See SdkFlasher.build. The console is what the board's port is: a UART, or the chip's USB Serial/JTAG."""
        definitions = [f"-DIDF_TARGET={self.board}", f"-DSDKCONFIG={folder / 'sdkconfig'}"]
        if self._is_usb_jtag():
            artifact.write_atomic(folder / "sdkconfig.usb", "CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG=y\n")
            usual = exported / "examples" / "serve" / "sdkconfig.defaults"
            definitions.append(f"-DSDKCONFIG_DEFAULTS={usual};{folder / 'sdkconfig.usb'}")
        command = ["idf.py", "-C", str(exported / "examples" / "serve"), "-B", str(folder), *definitions, "build"]
        self.run(command, "build", BUILD_S, "the chip's name (idf.py --list-targets)")

    def flash_command(self, exported: Path, folder: Path, port: str) -> list[str]:
        """See SdkFlasher.flash_command."""
        serve = str(exported / "examples" / "serve")
        return ["idf.py", "-C", serve, "-B", str(folder), "-p", port, "flash"]

    def _is_usb_jtag(self) -> bool:
        port = self.port()
        return port is not None and port.usb_id == USB_JTAG


SDKS: dict[str, type[SdkFlasher]] = {"zephyr": West, "arduino": ArduinoCli, "pio": PlatformIo, "idf": IdfPy}
"""By the name before the colon in a target's name."""


def sdk_flasher(target: Target, say: Say | None = None, failures: tuple[Failure, ...] = ()) -> SdkFlasher:
    """Return the flasher of a target that the user's SDK builds for."""
    assert target.sdk is not None
    return SDKS[target.sdk.name](target, say, failures)


def _assigned(file: Path, *names: str) -> str:
    """Return the numbers that a file assigns to names, joined by dots; "" if it does not."""
    try:
        words = file.read_text(encoding="utf-8").replace("=", " ").replace("(", " ").replace(")", " ").split()
    except (OSError, ValueError):
        return ""
    found = [words[words.index(name) + 1] for name in names if name in words[:-1]]
    return ".".join(found) if len(found) == len(names) else ""
