"""Nordic's nrfutil with its command `device`: nRF boards with a J-Link on them."""

from __future__ import annotations

from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.usb_devices import J_LINK


class NrfUtil(FlashTool):
    """Writes, verifies and starts a HEX image. Texts: Nordic's documentation of nrfutil 7; not tried here."""

    program = "nrfutil"
    package = "install nrfutil of nordicsemi.com, then run: nrfutil install device"
    image_suffix = ".hex"
    probes = (J_LINK,)
    refusals = r"(?m)^Error:"
    failures = (
        Failure(r"(?i)no devices? (found|connected|matching)", "connect the board's debug port and switch it on"),
        Failure(
            r"(?i)protect",
            "the chip is locked: `nrfutil device recover` unlocks and erases it, then flash it again",
        ),
        Failure(r"(?i)unrecognized subcommand|not found.*device", "run: nrfutil install device"),
        Failure(r"(?i)verif", "flash it again; if it fails again, its flash is worn out"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command."""
        options = "chip_erase_mode=ERASE_RANGES_TOUCHED_BY_FIRMWARE,verify=VERIFY_READ,reset=RESET_SYSTEM"
        serial = ["--serial-number", job.probe] if job.probe else []
        program = ["device", "program", "--firmware", job.image.name, "--options", options]
        return [self.program, *program, *serial, *self.options]


FLASHER = NrfUtil
