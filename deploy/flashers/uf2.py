"""A board whose boot loader shows itself as a drive and takes a UF2 file.

`[flash] uf2` in a target's TOML holds what the drive's INFO_UF2.TXT has in its line Board-ID or Model, and the chip's
family ID: RPI-RP2, 0xe48bff56.
"""

from __future__ import annotations

import errno
import os
import re
import time
from pathlib import Path

from deploy import images
from deploy.flash_tool import FlashTool, Job, Percent
from deploy.uf2_drives import Drive, drives
from errors import DeployError

WRITTEN_S = 20.0
"""How long a board may take to restart once its image is written."""
POLL_S = 0.1
# What a write returns when the board restarts before the system has written its last directory entry.
GONE = (errno.EIO, errno.ENODEV, errno.ENOENT, errno.ENXIO)


class Uf2Drive(FlashTool):
    """Copies a UF2 image to the drive, and judges it written when the drive is gone: the board has restarted."""

    program = ""
    package = ""
    image_suffix = ".uf2"
    reappears = True
    options_example = '["RPI-RP2", "0xe48bff56"]'

    def is_installed(self) -> bool:
        """See FlashTool.is_installed: it needs no program, but the drive."""
        return bool(self._matching())

    def check(self) -> None:
        """See FlashTool.check. The board's port may be gone while it is in its boot loader."""
        self.check_options()
        self.drive()

    def check_options(self) -> None:
        """See FlashTool.check_options."""
        super().check_options()
        if len(self.options) != 2 or not re.fullmatch(r"0x[0-9a-fA-F]{1,8}", self.options[1]):
            raise DeployError(
                f"{self.target.name}: [flash] uf2: expected a board ID and a family ID, as RPI-RP2, 0xe48bff56"
            )

    def drive(self) -> Drive:
        """Return the drive of the board. Raises DeployError if there is none, or more than one."""
        found = self._matching()
        if len(found) == 1:
            return found[0]
        if found:
            folders = ", ".join(str(drive.folder) for drive in found)
            raise DeployError(f"{self.target.name}: {len(found)} drives may be it: {folders}; unplug the others")
        others = ", ".join(f"{drive.folder} ({drive.board_id})" for drive in drives()) or "none"
        raise DeployError(
            f"{self.target.name}: no drive of a board {self.options[0]} (mounted: {others}); hold BOOTSEL while you "
            "plug it in, or press reset twice, and open its drive if your system does not mount it itself"
        )

    def in_form(self, image: Path, folder: Path) -> Path:
        """See FlashTool.in_form."""
        return images.in_form(image, ".uf2", folder, self.mcu, int(self.options[1], 16))

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command: there is none."""
        return []

    def flash(self, job: Job, percent: Percent = lambda percent: None) -> None:
        """See FlashTool.flash: copy, and wait until the drive is gone."""
        drive = self.drive()
        try:
            with (drive.folder / "firmware.uf2").open("wb") as file:
                file.write(job.image.read_bytes())
                file.flush()
                os.fsync(file.fileno())
        except OSError as e:
            if e.errno not in GONE or drive.is_there():
                raise DeployError(
                    f"{self.target.name}: {drive.folder}: can't be written ({e.strerror}); plug the board in again, "
                    "with its drive open, and flash it again"
                ) from e
        for _ in range(round(WRITTEN_S / POLL_S)):
            if not drive.is_there():
                return
            time.sleep(POLL_S)
        raise DeployError(
            f"{self.target.name}: {drive.folder}: the board did not restart within {WRITTEN_S:g} s, so it did not take "
            "the image; check that its family ID in [flash] uf2 is the chip's, and flash it again"
        )

    def _matching(self) -> list[Drive]:
        return [drive for drive in drives() if self.options and drive.is_of(self.options[0])]


FLASHER = Uf2Drive
