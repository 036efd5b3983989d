"""SEGGER's J-Link Commander. `[flash] jlink` in a target's TOML holds the chip: -Device NRF52840_XXAA."""

from __future__ import annotations

from deploy import chips
from deploy.chips import Chip
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.usb_devices import J_LINK


class JLink(FlashTool):
    """Writes, verifies and starts a HEX image. Texts: SEGGER's manual UM08001; not tried here."""

    program = "JLinkExe"
    package = "install the J-Link Software of segger.com"
    image_suffix = ".hex"
    probes = (J_LINK,)
    success = r"(?m)^O\.K\.|Flash download: .*(Program|Contents already match)"
    refusals = r"(?m)^(ERROR|\*\*\*\*\*\* Error)"
    options_example = '["-Device", "NRF52840_XXAA"]'
    failures = (
        Failure(
            r"Connecting to J-Link via USB.*FAILED|Cannot connect to (the )?(probe|J-Link)",
            "connect the J-Link, add SEGGER's udev rules, and end other programs that use it",
        ),
        Failure(r"Unknown device|is unknown to this", "correct [flash] jlink in the target's TOML"),
        Failure(
            r"(?i)read protection|APPROTECT|is secured|device is locked",
            "the chip is locked: `unlock` of J-Link Commander, or nrfutil device recover, erases it",
        ),
        Failure(
            r"Cannot connect to target|Could not (find core|connect)|VTref",
            "check the board's power and the probe's wires, and that it is the board that --target names",
        ),
        Failure(r"(?i)verif\w+ failed|Failed to (download|program)", "flash it again; its flash may be protected"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. The commands come from standard input."""
        serial = ["-SelectEmuBySN", job.probe] if job.probe else []
        connect = ["-NoGui", "1", "-ExitOnError", "1", "-AutoConnect", "1", "-If", "SWD", "-Speed", "4000"]
        return [self.program, *connect, *serial, *self.options]

    def script(self, job: Job) -> str:
        """See FlashTool.script: write with verification, reset, run."""
        return f"loadfile {job.image.name}\nr\ng\nexit\n"

    def chip_command(self, job: Job, chip: Chip) -> list[str]:
        """See FlashTool.chip_command."""
        return self.command(job)

    def chip_script(self, job: Job, chip: Chip) -> str:
        """See FlashTool.chip_script."""
        return f"mem32 {chip.address:#x},1\nexit\n"

    def received_chip(self, job: Job, chip: Chip, text: str) -> str:
        """See FlashTool.received_chip."""
        word = chips.first_word(rf"(?i){chip.address:08x} = ([0-9a-f]{{8}})", text)
        return "" if word is None else chips.received(chip, word)


FLASHER = JLink
