"""A board whose boot loader shows itself as a drive and takes a UF2 file.

A board that runs firmware of an SDK shows its port instead: opened at 1200 baud, it restarts into its boot loader.
`[flash] uf2` in a target's TOML holds what the drive's INFO_UF2.TXT has in its line Board-ID or Model, and the chip's
family ID: RPI-RP2, 0xe48bff56.
"""

from __future__ import annotations

import errno
import os
import re
import time
from pathlib import Path

from deploy import images, ports, usb_devices
from deploy.flash_job import Job
from deploy.flash_tool import FlashTool, Percent
from deploy.uf2_drives import Drive, drives
from errors import DeployError

WRITTEN_S = 20.0
"""How long a board may take to restart once its image is written."""
APPEAR_S = 15.0
"""How long a board may take to show its drive once it was sent to its boot loader, the desktop's mounting included."""
POLL_S = 0.1
BY_LABEL = Path("/dev/disk/by-label")
"""Where Linux lists drives by name, mounted or not. A board's drive has its board ID as its name."""
# What a write returns when the board restarts before the system has written its last directory entry.
GONE = (errno.EIO, errno.ENODEV, errno.ENOENT, errno.ENXIO)


class Uf2Drive(FlashTool):
    """Copies a UF2 image to the drive, and judges it written when the drive is gone: the board has restarted."""

    program = ""
    package = ""
    image_suffix = ".uf2"
    reappears = True
    return_step = "hold BOOTSEL while you plug the board in, and flash it again"
    options_example = '["RPI-RP2", "0xe48bff56"]'

    def is_installed(self) -> bool:
        """See FlashTool.is_installed: it needs no program, but the drive."""
        return bool(self._matching())

    def check(self) -> None:
        """See FlashTool.check. The board's port may be gone while it is in its boot loader."""
        self.check_options()
        if self.running() is None:
            self.drive()

    def check_options(self) -> None:
        """See FlashTool.check_options."""
        super().check_options()
        if len(self.options) != 2 or not re.fullmatch(r"0x[0-9a-fA-F]{1,8}", self.options[1]):
            raise DeployError(
                f"{self.target.name}: [flash] uf2: expected a board ID and a family ID, as RPI-RP2, 0xe48bff56"
            )

    def running(self) -> ports.Port | None:
        """Return the port of the board while its firmware runs and can restart it, None while it is in its boot loader.

        Raises DeployError if it may be one of several boards, and neither --link nor bench.toml names its line.
        """
        own = [port for port in ports.connected() if port.usb_id in self.target.usb and not usb_devices.is_probe(port)]
        named = [self.line] if self.line else list(self.unit().links)
        if named:
            port = self._port_of(named[0])
            return port if port in own else None
        boards = [port.device for port in own] + [str(drive.folder) for drive in self._matching()]
        if own and len(boards) > 1:
            raise DeployError(
                f"{self.target.name}: {len(boards)} boards may be it: {', '.join(boards)}; unplug the others, or name "
                "its line in bench.toml or with --link"
            )
        return own[0] if own else None

    def drive(self) -> Drive:
        """Return the drive of the board. Raises DeployError if there is none, or more than one."""
        found = self._matching()
        if len(found) == 1:
            return found[0]
        if found:
            folders = ", ".join(str(drive.folder) for drive in found)
            raise DeployError(f"{self.target.name}: {len(found)} drives may be it: {folders}; unplug the others")
        if step := self._mount_step():
            raise DeployError(f"{self.target.name}: the drive of its boot loader is not mounted; {step}")
        others = ", ".join(f"{drive.folder} ({drive.board_id})" for drive in drives()) or "none"
        raise DeployError(
            f"{self.target.name}: no drive of a board {self.options[0]} (mounted: {others}); hold BOOTSEL while you "
            "plug it in, or press reset twice, and open its drive if your system does not mount it itself"
        )

    def restart(self, port: ports.Port) -> Drive:
        """Restart a board into its boot loader and return its drive, which was not there before. Raises DeployError."""
        before = [drive.folder for drive in self._matching()]
        ports.touch(port, self.target.name)
        for _ in range(max(1, round(APPEAR_S / POLL_S))):
            for drive in self._matching():
                if drive.folder not in before:
                    return drive
            time.sleep(POLL_S)
        if any(port.is_same(other) and other.usb_id == port.usb_id for other in ports.connected()):
            raise DeployError(
                f"{self.target.name}: {port.device}: its firmware did not restart it into its boot loader; hold "
                "BOOTSEL while you plug it in, and flash it again"
            )
        step = self._mount_step() or f"open the drive {self.options[0]}, then run this again, or install picotool"
        raise DeployError(f"{self.target.name}: restarted, but no drive was mounted within {APPEAR_S:g} s; {step}")

    def _mount_step(self) -> str:
        """Return what mounts a drive that Linux sees, "" if it sees none."""
        device = BY_LABEL / self.options[0]
        return f"mount it: udisksctl mount -b {device}, then run this again" if device.exists() else ""

    def in_form(self, image: Path, folder: Path) -> Path:
        """See FlashTool.in_form."""
        return images.in_form(image, ".uf2", folder, self.mcu, int(self.options[1], 16))

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command: there is none."""
        return []

    def flash(self, job: Job, percent: Percent = lambda percent: None) -> None:
        """See FlashTool.flash: copy, and wait until the drive is gone."""
        port = self.running()
        drive = self.restart(port) if port else self.drive()
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
