"""picotool: an RP2040 or RP2350 in BOOTSEL mode, or one whose firmware lets itself be restarted into it."""

from __future__ import annotations

import re

from deploy.chips import Chip
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool


class Picotool(FlashTool):
    """Writes, verifies and starts an ELF image. Texts: picotool 1.1 to 2.1, main.cpp; not tried here."""

    program = "picotool"
    package = "picotool"
    image_suffix = ".elf"
    reappears = True
    failures = (
        Failure(
            r"No accessible RP\S* devices in BOOTSEL mode",
            "hold BOOTSEL while you plug the board in, then flash it again; on Linux it needs picotool's udev rules",
        ),
        Failure(r"Multiple RP\S* devices|multiple devices", "unplug the others, or flash with --flasher uf2"),
        Failure(r"(?i)not supported by|family ID .* cannot be|wrong family", "it was built for another chip"),
        Failure(r"(?i)verify.*failed|did not match", "flash it again; if it fails again, its flash is worn out"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. `-f` restarts a board of the SDK's USB serial port into BOOTSEL."""
        serial = ["--ser", job.probe] if job.probe else []
        return [self.program, "load", "-f", *serial, *self.options, "-v", "-x", job.image.name]

    def chip_command(self, job: Job, chip: Chip) -> list[str]:
        """See FlashTool.chip_command. `-F` restarts a board of the SDK as -f does, and leaves it in BOOTSEL."""
        serial = ["--ser", job.probe] if job.probe else []
        return [self.program, "info", "-d", "-F", *serial]

    def received_chip(self, job: Job, chip: Chip, text: str) -> str:
        """See FlashTool.received_chip."""
        match = re.search(r"(?m)^\s*type:\s+(RP\d+)", text)
        return match[1] if match else ""


FLASHER = Picotool
