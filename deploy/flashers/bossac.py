"""bossac (BOSSA): boards with a SAM-BA boot loader, such as the Nano 33 BLE and SAMD boards."""

from __future__ import annotations

from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool


class Bossac(FlashTool):
    """Erases, writes, verifies and starts a binary image. Texts: BOSSA 1.9.1."""

    program = "bossac"
    package = "bossa-cli"
    image_suffix = ".bin"
    reappears = True
    success = r"Verify successful"
    failures = (
        Failure(
            r"No device found on|Failed to open port",
            "press reset twice, so that its light fades in and out, and see ./inv devices for its port",
        ),
        Failure(r"Device unsupported|unsupported", "another chip is on that port; give --target its name"),
        Failure(r"(?i)flash .*lock|security", "the chip is locked: erase it over its debug port, then flash it again"),
        Failure(r"exceeds flash size|FileSize", "take a smaller model or a board with more flash"),
        Failure(r"Verify failed|Page errors", "flash it again; if it fails again, its flash is worn out"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command."""
        return [self.program, "-p", job.port, *self.options, "-e", "-w", "-v", "-b", "-R", job.image.name]


FLASHER = Bossac
