"""pyOCD over a debug probe. `[flash] pyocd` in a target's TOML holds its target: -t nrf52840."""

from __future__ import annotations

from deploy import chips
from deploy.chips import Chip
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.usb_devices import PROBES


class PyOcd(FlashTool):
    """Writes and starts a HEX image; it programs only what differs and checks it. Texts: pyOCD 0.36 to 0.46."""

    program = "pyocd"
    package = "install it with: pip install pyocd"
    image_suffix = ".hex"
    probes = PROBES
    refusals = r"(?m)^\d+ [EC] "
    options_example = '["-t", "nrf52840"]'
    failures = (
        Failure(
            r"No connected debug probes|No target device available|[Uu]nable to open",
            "connect the board's debug probe, check who may use it (udev rules), and end other programs that use it",
        ),
        Failure(
            r"Target type \S+ not recognized",
            "its device pack is missing: run `pyocd pack install` with the chip's name, or use --flasher openocd",
        ),
        Failure(
            r"(?i)APPROTECT|is locked|auto.unlock|readout protection",
            "the chip is locked: `pyocd erase --mass` unlocks and erases it, then flash it again",
        ),
        Failure(
            r"(?i)no cores were discovered|No ACK|Memory transfer fault|invalid IDCODE|unexpected part",
            "another chip is on the probe, or it is not powered; connect the board that --target names",
        ),
        Failure(r"(?i)verify|flash program .*failure|flash erase .*failure", "flash it again; its flash is protected"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. Without --no-wait it waits for a probe forever."""
        probe = ["-u", job.probe] if job.probe else []
        return [self.program, "flash", "--no-wait", *self.options, *probe, job.image.name]

    def chip_command(self, job: Job, chip: Chip) -> list[str]:
        """See FlashTool.chip_command."""
        probe = ["-u", job.probe] if job.probe else []
        return [self.program, "cmd", "--no-wait", *self.options, *probe, "-c", f"read32 {chip.address:#x}"]

    def received_chip(self, job: Job, chip: Chip, text: str) -> str:
        """See FlashTool.received_chip."""
        word = chips.first_word(rf"(?im)^{chip.address:08x}:\s+([0-9a-f]{{8}})", text)
        return "" if word is None else chips.received(chip, word)


FLASHER = PyOcd
