"""Flashers: what puts an image on a board, or starts an emulator with it, and gives the line to it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from deploy.links import Link


class Flasher(Protocol):
    """One way to bring a firmware image to a board."""

    def start(self, image: Path) -> Link:
        """Load `image`, let it run, and return the link to it, not yet open.

        Closing the link ends what was started. Raises DeployError if the image can't be brought there.
        """
