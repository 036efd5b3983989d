"""ST's STM32CubeProgrammer over an ST-Link, its command line."""

from __future__ import annotations

from deploy import chips
from deploy.chips import Chip
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.usb_devices import ST_LINK


class CubeProgrammer(FlashTool):
    """Writes, verifies and starts a HEX image. Texts: ST's user manual UM2237; not tried here."""

    program = "STM32_Programmer_CLI"
    package = "install STM32CubeProgrammer of st.com and add its folder bin to PATH"
    image_suffix = ".hex"
    probes = (ST_LINK,)
    success = r"Download verified successfully"
    refusals = r"(?m)^\s*Error:"
    failures = (
        Failure(r"No debug probe detected|No ST-LINK detected", "connect the board's ST-Link and close CubeIDE"),
        Failure(r"No STM32 target found|Unable to get core ID", "check the board's power and the probe's wires"),
        Failure(
            r"(?i)read.?out protection|RDP",
            "the chip is locked: `STM32_Programmer_CLI -c port=SWD -rdu` unlocks and erases it, then flash it again",
        ),
        Failure(r"(?i)Data mismatch|verify failed", "flash it again; if it fails again, its flash is worn out"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command."""
        return [*self._connect(job), "-w", job.image.name, "-v", "-rst"]

    def chip_command(self, job: Job, chip: Chip) -> list[str]:
        """See FlashTool.chip_command: it says what is there whenever it connects."""
        return self._connect(job)

    def received_chip(self, job: Job, chip: Chip, text: str) -> str:
        """See FlashTool.received_chip."""
        word = chips.first_word(r"Device ID\s*: (0x[0-9A-Fa-f]+)", text)
        return "" if word is None else chips.received(chip, word)

    def _connect(self, job: Job) -> list[str]:
        probe = [f"sn={job.probe}"] if job.probe else []
        return [self.program, "-c", "port=SWD", *probe, "mode=UR", "reset=HWrst", *self.options]


FLASHER = CubeProgrammer
