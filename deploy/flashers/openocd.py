"""OpenOCD over a debug probe. `[flash] openocd` in a target's TOML holds its scripts: -f interface/... -f target/..."""

from __future__ import annotations

from pathlib import Path

from deploy.flash_tool import Failure, FlashTool
from errors import DeployError


class OpenOcd(FlashTool):
    """Writes, verifies and starts an ELF image. Texts: OpenOCD 0.12, src/flash/startup.tcl and its adapter drivers."""

    program = "openocd"
    package = "openocd"
    image_suffix = ".elf"
    success = r"\*\* Verified OK \*\*"
    failures = (
        Failure(
            r"open failed|unable to find a matching CMSIS-DAP device|no device found",
            "connect the board's debug probe, check who may use it (udev rules), and end other programs that use it",
        ),
        Failure(r"Can't find \S+\.cfg", "correct [flash] openocd in the target's TOML"),
        Failure(
            r"init mode failed|Error connecting DP|cannot read IDR|UNKNOWN: 0x|target voltage",
            "check the board's power and the probe's wires, and hold reset while it connects",
        ),
        Failure(r"\*\* Verify Failed \*\*", "flash it again; if it fails again, its flash is protected or worn out"),
        Failure(r"\*\* Programming Failed \*\*", "remove the flash's write protection, then flash it again"),
    )

    def check(self) -> None:
        """See FlashTool.check."""
        if not self.options:
            raise DeployError(
                f"{self.target.name}: flasher openocd needs its scripts; add to targets/{self.target.name}.toml: "
                '[flash] openocd = ["-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg"]'
            )
        super().check()

    def command(self, image: Path, uri: str) -> list[str]:
        """See FlashTool.command. The image's name alone, as Tcl would split a path with spaces."""
        return [self.program, *self.options, "-c", f"program {image.name} verify reset exit"]


FLASHER = OpenOcd
