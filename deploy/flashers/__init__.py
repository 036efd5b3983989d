"""Flashers: what puts an image on a board, or starts an emulator with it, and gives the line to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from deploy.links import Link
from errors import DeployError
from target import Target


class Flasher(Protocol):
    """One way to bring a firmware image to a board."""

    def start(self, image: Path) -> Link:
        """Load `image`, let it run, and return the link to it, not yet open.

        Closing the link ends what was started. Raises DeployError if the image can't be brought there.
        """


def _qemu(target: Target) -> Flasher:
    from deploy.flashers.qemu import QemuFlasher

    return QemuFlasher(target)


def _process(target: Target) -> Flasher:
    from deploy.flashers.process import ProcessFlasher

    return ProcessFlasher(target)


FLASHERS: dict[str, Callable[[Target], Flasher]] = {"qemu": _qemu, "tcp": _process}
"""By a target's `link`: what makes the flasher of such a target."""


def flasher_for(target: Target) -> Flasher:
    """Return the flasher of a target. Raises DeployError if there is none for its kind of link."""
    if target.link not in FLASHERS:
        raise DeployError(
            f"{target.name}: nothing here flashes over {target.link}; flash it yourself and give its line with --link"
        )
    return FLASHERS[target.link](target)
