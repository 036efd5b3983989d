"""esptool: Espressif's chips over their serial port. `[flash] esptool` holds chip and address: esp32s3, 0x0."""

from __future__ import annotations

import re

import process
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from errors import DeployError

ARGUMENTS = 2
OTHER_CHIP = r"This chip is (\S+), not ([^\s.]+)"


class Esptool(FlashTool):
    """Writes and verifies a binary image and restarts the chip. Texts: esptool 5."""

    program = "esptool"
    package = "install it with: pip install esptool"
    image_suffix = ".bin"
    reappears = True
    success = r"Hash of data verified"
    options_example = '["esp32s3", "0x0"]'
    timeout_s = 300.0
    failures = (
        Failure(r"This chip is \S+, not \S+|Unexpected chip", "another chip is on that port; give --target its name"),
        Failure(
            r"No serial data received|Failed to connect|Wrong boot mode|Invalid head of packet",
            "hold BOOT, press and release RESET, then flash it again; a USB cable may also carry power alone",
        ),
        Failure(
            r"port is busy or doesn't exist",
            "check the port in bench.toml (./inv devices lists them), and close other programs that have it open",
        ),
        Failure(r"(?i)secure download mode|secure boot", "the chip is locked; use another board"),
        Failure(r"(?i)does not fit in|too large|exceed", "take a smaller model or a board with more flash"),
    )

    def check_options(self) -> None:
        """See FlashTool.check_options."""
        super().check_options()
        if len(self.options) < ARGUMENTS:
            raise DeployError(f"{self.target.name}: [flash] esptool: expected a chip and an address, as esp32s3, 0x0")

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. A line over TCP can't reset the chip."""
        chip, address, *more = self.options
        chip = "auto" if self.allow_mismatch else chip
        reset = ["--before", "no-reset", "--after", "no-reset"] if job.port.startswith("socket:") else []
        return [
            self.program, "--chip", chip, "--port", job.port, *reset, *more, "write-flash", address, job.image.name
        ]  # fmt: skip

    def judge(self, finished: process.Finished) -> None:
        """See FlashTool.judge. It looks at the chip before it writes."""
        if match := re.search(OTHER_CHIP, finished.stdout):
            self.refuse(match[2], match[1])
        super().judge(finished)


FLASHER = Esptool
