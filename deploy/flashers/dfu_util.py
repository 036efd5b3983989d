"""dfu-util: the USB boot loader of an STM32 (and of other boards that speak DFU)."""

from __future__ import annotations

from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool


class DfuUtil(FlashTool):
    """Writes and starts a binary image of a board that was put into its boot loader by hand. Texts: dfu-util 0.11.

    An ST boot loader leaves as soon as it is told to, which dfu-util then takes for an error: the text decides.
    """

    program = "dfu-util"
    package = "dfu-util"
    image_suffix = ".bin"
    reappears = True
    exit_codes = (0, 74)
    refusals = r"Verification failed|errVERIFY"
    success = r"File downloaded successfully"
    failures = (
        Failure(
            r"No DFU capable USB device available",
            "put the board into its boot loader (hold BOOT0 or BOOT, press and release reset), then flash it again",
        ),
        Failure(
            r"More than one DFU capable USB device",
            'unplug the others, or name the serial number in bench.toml, as probe = "..."',
        ),
        Failure(r"(?i)Cannot open DFU device", "let your user open it: a udev rule for USB ID 0483:df11"),
        Failure(
            r"(?i)not writeable|errVENDOR|read.?protect",
            "the chip is locked or the address is not its flash: `dfu-util -s 0x08000000:unprotect:force` erases it",
        ),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command."""
        options = self.options or ("-d", "0483:df11", "-a", "0")
        serial = ["-S", job.probe] if job.probe else []
        return [
            self.program, *options, *serial, "-s", f"{self.mcu.flash_origin:#010x}:leave", "-D", job.image.name
        ]  # fmt: skip


FLASHER = DfuUtil
