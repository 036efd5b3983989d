"""adafruit-nrfutil: nRF52 boards with Adafruit's serial boot loader. `[flash]` holds the package's arguments."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import process
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from errors import DeployError

PACKAGE = "package.zip"
PACKAGE_S = 30.0


class AdafruitNrfUtil(FlashTool):
    """Makes a DFU package of a HEX image, sends it and starts it. Texts: adafruit-nrfutil 0.5.3.

    It exits with 0 when it fails: the text decides. The boot loader checks the package's CRC.
    """

    program = "adafruit-nrfutil"
    package = "install it with: pip install adafruit-nrfutil"
    image_suffix = ".hex"
    reappears = True
    success = r"Device programmed\."
    refusals = r"Failed to upgrade target"
    options_example = '["--dev-type", "0x0052"]'
    timeout_s = 300.0
    failures = (
        Failure(
            r"Serial port could not be opened on .*",
            "check the port in bench.toml (./inv devices lists them), and close other programs that have it open",
        ),
        Failure(
            r"No data received on serial port|Target is not in DFU mode",
            "press reset twice, so that the board's drive appears, then flash it again",
        ),
    )

    def prepare(self, job: Job, folder: Path) -> Job:
        """See FlashTool.prepare: the package."""
        made = folder / PACKAGE
        process.run(
            [self.program, "dfu", "genpkg", *self.options, "--application", str(job.image.resolve()), str(made)],
            error=DeployError,
            timeout_s=PACKAGE_S,
            name=f"{self.target.name}: {self.program}",
            install=self.package,
        )
        return dataclasses.replace(job, image=made)

    def command(self, job: Job) -> list[str]:
        """See FlashTool.command. The touch at 1200 baud restarts a board into its boot loader."""
        serial = ["-p", job.port, "-b", "115200", "--touch", "1200"]
        return [self.program, "dfu", "serial", "-pkg", job.image.name, *serial]


FLASHER = AdafruitNrfUtil
