"""Flashers: what puts an image on a board, or starts an emulator with it, and returns the link to it.

Each module here is one flasher: its name in a target's TOML is the module's, and `FLASHER` is its class. A flasher that
runs a program of its own (OpenOCD, dfu-util ...) inherits deploy.flash_tool.FlashTool.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import ClassVar, Protocol

from deploy.bench_file import unit_of
from deploy.flash_job import Failure
from deploy.flash_tool import FlashTool, Say, Watch, unwatched
from deploy.links import Link
from deploy.sdks import sdk_flasher
from errors import DeployError, nearest
from target import Target
from target.sections import flashers


class Flasher(Protocol):
    """One way to bring a firmware image to a board. `links` are the kinds of link of the targets it serves."""

    links: ClassVar[tuple[str, ...]]

    def check(self) -> None:
        """Raise DeployError if a tool is missing or the target lacks what this flasher needs; starts nothing."""

    def start(self, image: Path) -> Link:
        """Load `image`, let it run, and return the link to it, not yet open.

        Closing the link ends what was started. Raises DeployError if the image can't be brought there.
        """


def flasher_for(
    target: Target, name: str = "", say: Say | None = None, watch: Watch = unwatched, allow_mismatch: bool = False
) -> Flasher:
    """Return the flasher of this name, else the one of bench.toml, else the target's first whose program is installed.

    `say` is called with each line about what is flashed, `watch` shows how far it is; with `allow_mismatch` a chip that
    is not the target's is flashed as well. Raises DeployError if the target has none, or if the flasher does not serve
    targets of its link.
    """
    if target.sdk is not None:
        if name:
            raise DeployError(f"{target.name}: its SDK flashes it; leave --flasher {name} out")
        return sdk_flasher(target, say, _failures(target.flasher))

    def made(name: str) -> Flasher:
        flasher = _make(target, name)
        if isinstance(flasher, FlashTool):
            flasher.say, flasher.watch, flasher.allow_mismatch = say or flasher.say, watch, allow_mismatch
        return flasher

    name = name or (unit_of(target.name).flasher if target.link == "serial" else "")
    if name:
        return made(name)
    if not target.flasher:
        raise DeployError(
            f"{target.name}: has no flasher; add the key flasher to targets/{target.name}.toml "
            f"({nearest('', flashers())}), or flash it yourself and give its line with --link"
        )
    usual = made(target.flasher)
    for flasher in (usual, *(made(other) for other in target.other_flashers)):
        if not isinstance(flasher, FlashTool) or flasher.is_installed():
            return flasher
    return usual


def _failures(name: str) -> tuple[Failure, ...]:
    """Return known reasons why a flasher fails, which an SDK calls; none if its name is ""."""
    flasher = import_module(f"deploy.flashers.{name.replace('-', '_')}").FLASHER if name else FlashTool
    return getattr(flasher, "failures", ())


def _make(target: Target, name: str) -> Flasher:
    if name not in flashers():
        raise DeployError(f"{target.name}: no flasher {name}; {nearest(name, flashers())}")
    flasher = import_module(f"deploy.flashers.{name.replace('-', '_')}").FLASHER
    if target.link not in flasher.links:
        raise DeployError(
            f"{target.name}: flasher {name} serves targets with link {' or '.join(flasher.links)}, not {target.link}; "
            f"correct flasher or link in targets/{target.name}.toml"
        )
    made: Flasher = flasher(target)
    return made
