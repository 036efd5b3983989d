"""Flashing alone: a board gets an image that the user names, or what the steps build for a model."""

from __future__ import annotations

from pathlib import Path

import artifact
import console
import target as targets
from deploy import images
from deploy.flash_tool import FlashTool
from deploy.flashers import Flasher, flasher_for
from deploy.lab.address import LabAddress
from errors import ConfigError, DeployError
from pipeline import lab, preflight
from pipeline.steps import Steps
from pipeline.task_requests import FlashRequest
from target import Target

UF2_ARGUMENTS = 2
"""Board and family ID: see deploy/flashers/uf2.py."""


def run(request: FlashRequest) -> None:
    """Flash the board of a request, unless it runs the image already, and say where it can be reached.

    Raises ConfigError if the target is not flashed by a program, DeployError as FlashTool.start.
    """
    board = targets.load(request.target)
    if board.sdk is not None:
        _flash_by_sdk(request, board)
        return
    if board.mcu is None or board.link != "serial":
        raise ConfigError(
            f"--target {board.name}: is not flashed: it is an emulator, this host or a Linux board; "
            f"`./inv deploy {board.name}` starts it"
        )
    request = lab.with_link(request, board)
    if address := lab.address_of(request):
        _flash_in_lab(request, board, address)
        return
    flasher = flasher_for(
        board, request.flasher or "", console.note, console.percent_bar, allow_mismatch=request.allow_mismatch
    )
    if not isinstance(flasher, FlashTool):
        raise DeployError(f"{board.name}: {request.flasher} does not flash boards; see --flasher in --help")
    flasher.line = request.link or ""
    if request.image is not None:
        images.check_fits(board, request.image)
    _flash(request, board, flasher)


def _flash(request: FlashRequest, board: Target, flasher: Flasher) -> None:
    """Flash the image of a request, which is built if it names none, with a program of this machine."""
    flasher.check()
    image = _image(request)
    with console.step("flash") as line:
        place = flasher.start(image).name
        line.text = f"{board.name}: {place}"
    _print_form(request, image, place)


def _image(request: FlashRequest) -> Path:
    return request.image or Steps(preflight.check(request, preflight.Goal.COMPILED)).build_firmware().path


def _print_form(request: FlashRequest, image: Path, place: str) -> None:
    """With --json print what was flashed, and where the board can be reached."""
    if request.json:
        console.print_json({"target": request.target, "image": str(image), "link": place})


def _flash_in_lab(request: FlashRequest, board: Target, address: LabAddress) -> None:
    """Flash a board of a lab through its exporter's host."""
    if request.image is not None:
        images.check_fits(board, request.image)
    lab.check(address, request)
    image = _image(request)
    with lab.holding(request, board) as held, console.step("flash") as line:
        assert held is not None
        if not lab.flash(held, request, image):
            raise DeployError(
                f"--link {request.link}: place {held.holding.place} has no debug probe (NetworkUSBDebugger), through "
                "which its board would be flashed; let its exporter share one"
            )
        line.text = f"{board.name}: {held.uri} of place {held.holding.place}"
    _print_form(request, image, held.uri)


def _flash_by_sdk(request: FlashRequest, board: Target) -> None:
    """Build and flash what the steps export, with the user's own SDK."""
    if request.image is not None or request.link is not None:
        raise ConfigError(
            f"--target {board.name}: its SDK builds the image, bench.toml has its line; leave --image and --link out"
        )
    _flash(request, board, flasher_for(board, request.flasher or "", console.note))


def forms(image: Path, board: Target) -> list[Path]:
    """Return an image and its other forms: .hex and .bin beside it, and .uf2 for a board that takes one."""
    found = [image, *(path for s in images.SUFFIXES if (path := image.with_suffix(s)) != image and path.is_file())]
    arguments = board.flash_arguments.get("uf2", ())
    if board.mcu and len(arguments) == UF2_ARGUMENTS and image.with_suffix(".uf2") not in found:
        folder = artifact.BUILD_DIR / "uf2" / image.parent.name
        found.append(images.in_form(image, ".uf2", folder, board.mcu, int(arguments[1], 16)))
    return found
