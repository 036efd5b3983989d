"""st-flash of the open ST-Link tools (stlink-tools), for STM32 alone."""

from __future__ import annotations

import re

from deploy import chips
from deploy.chips import Chip
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.usb_devices import ST_LINK


class StLinkTools(FlashTool):
    """Writes, verifies and starts a binary image. Texts: stlink 1.7, src/stlink-lib."""

    program = "st-flash"
    package = "stlink-tools"
    image_suffix = ".bin"
    probes = (ST_LINK,)
    success = r"Flash written and verified! jolly good!"
    failures = (
        Failure(
            r"Couldn't find any ST-Link devices|[Uu]nable to (find|open)",
            "connect the board's ST-Link, check who may use it (udev rules of stlink-tools), and end other programs "
            "that use it",
        ),
        Failure(r"unknown chip id", "another chip is on the probe, or it is not powered; connect the target's board"),
        Failure(
            r"write protected|Failed to unlock flash|[Rr]ead.?out protection",
            "the chip is locked: unlock it, which erases it (openocd: stm32f4x unlock 0), then flash it again",
        ),
        Failure(r"Failed to (connect|enter SWD)", "check power and wires; hold reset while it connects"),
        Failure(r"Verification of flash failed", "flash it again; if it fails again, its flash is worn out"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command."""
        probe = ["--serial", job.probe] if job.probe else []
        return [self.program, "--reset", *self.options, *probe, "write", job.image.name, f"{self.mcu.flash_origin:#x}"]

    def chip_command(self, job: Job, chip: Chip) -> list[str]:
        """See FlashTool.chip_command. It lists all ST-Links, and the chip that is on each."""
        return ["st-info", "--probe"]

    def received_chip(self, job: Job, chip: Chip, text: str) -> str:
        """See FlashTool.received_chip."""
        parts = [part for part in re.split(r"(?m)^(?=\s*version:)", text) if "chipid:" in part]
        of_probe = [part for part in parts if not job.probe or job.probe.lower() in part.lower()]
        word = chips.first_word(r"chipid:\s+(0x[0-9a-f]+)", of_probe[0]) if len(of_probe) == 1 else None
        return chips.received(chip, word) if word else ""


FLASHER = StLinkTools
