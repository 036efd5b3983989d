"""OpenOCD over a debug probe. `[flash] openocd` in a target's TOML holds its scripts: -f interface/... -f target/..."""

from __future__ import annotations

import process
from deploy import chips
from deploy.chips import Chip
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.usb_devices import PROBES

OTHER_CHIP = r"\*\* Chip (0x[0-9a-f]+) \*\*"


class OpenOcd(FlashTool):
    """Writes, verifies and starts an ELF image. Texts: OpenOCD 0.12, src/flash/startup.tcl and its adapter drivers."""

    program = "openocd"
    package = "openocd"
    image_suffix = ".elf"
    probes = PROBES
    takes_usb_path = True
    success = r"\*\* Verified OK \*\*"
    options_example = '["-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg"]'
    failures = (
        Failure(
            r"LIBUSB_ERROR_ACCESS",
            "let your user open the probe: copy OpenOCD's 60-openocd.rules to /etc/udev/rules.d, join the group "
            "plugdev, and plug the probe in again",
        ),
        Failure(
            r"open failed|unable to find a matching CMSIS-DAP device|no device found|No J-Link device found",
            "connect the board's debug probe, check who may use it (udev rules), and end other programs that use it",
        ),
        Failure(r"Can't find \S+\.cfg", "correct [flash] openocd in the target's TOML"),
        Failure(
            r"UNEXPECTED idcode|Cannot identify target|auto_probe failed|unknown device",
            "another chip is on the probe; connect the board that --target names",
        ),
        Failure(
            r"(?i)device protected|readout protect|approtect|AP lock|flash is protected",
            "the chip is locked: unlock it, which erases it (stm32f4x unlock 0, nrf52_recover), then flash it again",
        ),
        Failure(
            r"init mode failed|Error connecting DP|cannot read IDR|UNKNOWN: 0x|target voltage",
            "check the board's power and the probe's wires, and hold reset while it connects",
        ),
        Failure(r"\*\* Verify Failed \*\*", "flash it again; if it fails again, its flash is protected or worn out"),
        Failure(r"\*\* Programming Failed \*\*", "remove the flash's write protection, then flash it again"),
    )

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. The image's name alone, as Tcl would split a path with spaces."""
        probe = ["-c", f"adapter serial {job.probe}"] if job.probe else []
        probe += ["-c", f"adapter usb location {job.usb_path}"] if job.usb_path and not job.probe else []
        check = ["-c", _chip_check(self.chip)] if self.chip else []
        return [self.program, *self.options, *probe, *check, "-c", f"program {job.image.name} verify reset exit"]

    def judge(self, finished: process.Finished) -> None:
        """See FlashTool.judge. It has read the chip's register before it wrote anything."""
        word = chips.first_word(OTHER_CHIP, finished.stdout)
        if self.chip and word is not None:
            self.refuse(self.chip.name, chips.received(self.chip, word))
        super().judge(finished)


def _chip_check(chip: Chip) -> str:
    """Return Tcl that ends OpenOCD if another chip is there; OpenOCD before 0.12 has no read_memory, and goes on."""
    word = f"[read_memory {chip.address:#x} 32 1] & {chip.mask:#x}"
    return (
        f"init; if {{![catch {{set chip [expr {{{word}}}]}}] && $chip != {chip.value:#x}}} "
        "{echo [format {** Chip 0x%x **} $chip]; shutdown error}"
    )


FLASHER = OpenOcd
