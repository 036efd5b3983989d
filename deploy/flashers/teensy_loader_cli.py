"""teensy_loader_cli: PJRC's Teensy boards in their HalfKay boot loader. `[flash]` holds the board: --mcu=TEENSY41."""

from __future__ import annotations

from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool


class TeensyLoader(FlashTool):
    """Writes and starts a HEX image; the boot loader verifies it itself. Texts: teensy_loader_cli 2.2."""

    program = "teensy_loader_cli"
    package = "teensy-loader-cli"
    image_suffix = ".hex"
    reappears = True
    success = r"Booting"
    options_example = '["--mcu=TEENSY41"]'
    failures = (
        Failure(r"Unable to open device", "press the button on the Teensy, then flash it again"),
        Failure(
            r"Found device but unable to open|Unable to claim interface",
            "add PJRC's udev rules (00-teensy.rules), and plug the board in again",
        ),
        Failure(r"error reading intel hex file|HEX parse error", "build the image again"),
        Failure(r"error writing to Teensy", "press its button and flash it again"),
        Failure(r"(?i)unknown MCU type", "correct [flash] teensy-loader-cli in the target's TOML"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. `-s` restarts a Teensy 3 or 4 into its boot loader."""
        return [self.program, *self.options, "-s", "-v", job.image.name]


FLASHER = TeensyLoader
