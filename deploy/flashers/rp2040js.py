"""rp2040js as a board: an emulator of the RP2040 for Node.js, whose UART or USB is a TCP port of this machine.

The arguments of the target's section [emulator] say which: none for the UART, `usb` for the USB serial port.
npm installs it once into build/, in the version and with the checksum of deploy/rp2040js/package-lock.json.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import process
from artifact import ROOT, Artifact, NoFacts, produce, sha256_of
from deploy.flashers.process import started
from deploy.running import RunningLink
from errors import DeployError
from target import Target

FOLDER = ROOT / "deploy" / "rp2040js"
PROGRAM = "bridge.mjs"
FILES = (PROGRAM, "lines.mjs", "rom.mjs", "package.json", "package-lock.json")
INSTALL_S = 300.0
# Its lines end with where its log is; those before say why.
TELLING = r"npm (ERR!|error) (?!A complete log)\S"
NEXT_STEP = "npm installs the emulator from its registry: see whether `npm ping` reaches it, then run again"
NODE, NPM = "nodejs", "npm"
"""Debian packages."""


class Rp2040Js:
    """Starts an image on the emulator. The image's .bin is taken, as flash holds it."""

    links: ClassVar[tuple[str, ...]] = ("tcp",)

    def __init__(self, target: Target):
        self._target = target

    def check(self) -> None:
        """Raise DeployError naming the Debian package if Node.js or npm is missing. See Flasher.check."""
        process.find("node", DeployError, NODE)
        process.find("npm", DeployError, NPM)

    def start(self, image: Path) -> RunningLink:
        """Start the emulator with an image; it runs once the link is opened. See Flasher.start.

        Raises DeployError if a tool is missing, if npm can't install the emulator, or if the chip would not start the
        image.
        """
        self.check()
        image = image.with_suffix(".bin")
        if not image.is_file():
            raise DeployError(f"{image}: no such image; build it first")
        bridge = install().path
        arguments = self._target.emulator.arguments if self._target.emulator else ()
        return started(f"{self._target.name} (rp2040js)", ["node", str(bridge), str(image.resolve()), *arguments])


def install() -> Artifact[NoFacts]:
    """Return the bridge with the emulator beside it, installed if it is not yet. Raises DeployError if npm fails."""
    files = {name: sha256_of(FOLDER / name) for name in FILES}

    def make(folder: Path) -> NoFacts:
        for name in FILES:
            shutil.copyfile(FOLDER / name, folder / name)
        finished = process.run(
            ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--no-update-notifier"],
            error=DeployError,
            timeout_s=INSTALL_S,
            name="npm ci",
            install=NPM,
            hint=NEXT_STEP,
            folder=folder,
            is_merged=True,
            check=False,
        )
        if finished.exit_code:
            raise DeployError(f"npm ci: {finished.last_line(TELLING)}; {NEXT_STEP}")
        return NoFacts()

    return produce("emulator", "rp2040js", PROGRAM, NoFacts, make, parameters={"files": dict(files)})


FLASHER = Rp2040Js
