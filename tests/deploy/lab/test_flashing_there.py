"""Flashing a board of a lab on its exporter's host over SSH, with a stand-in for the flash tool there."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import target
from artifact import sha256_of
from deploy import flashed
from deploy.flash_tool import FlashTool
from deploy.lab import flashing
from deploy.lab.facts import LINE, Holding, Resource
from deploy.lab.flashing import flash_there, host_of, lab_flasher
from errors import DeployError, LinkError
from tests.deploy.sshd import Sshd

NUCLEO = target.load("nucleo-f446re")
PROBE = Resource("lab", "board", "probe", "NetworkUSBDebugger", host="board", usb_path="9-2.3")
SERIAL = Resource("lab", "board", "line", LINE, host="127.0.0.1", port=1, protocol="raw")


class Place:
    """A held place; `checks` counts how often it was asked whether it still is."""

    uri = "tcp://127.0.0.1:1"
    checks = 0

    def __init__(self, board: target.Target = NUCLEO, *resources: Resource):
        self.target = board
        self.holding = Holding("desk-1", "lab.example:20408", "me", resources or (SERIAL, PROBE))

    @property
    def probe(self) -> Resource | None:
        return next((r for r in self.holding.resources if r.usb_path), None)

    def check(self) -> None:
        self.checks += 1


def tool_of(place: Any, name: str = "openocd") -> FlashTool:
    tool = lab_flasher(place, name, allow_mismatch=True)
    assert tool is not None
    return tool


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An ELF file with eight bytes at the begin of the flash."""
    header = struct.pack(
        "<4sBBBB8xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 2, 40, 1, 0x08000000, 52, 0, 0, 52, 32, 1, 0, 0, 0
    )
    segment = struct.pack("<8I", 1, 84, 0x08000000, 0x08000000, 8, 8, 5, 4)
    path = tmp_path / "it's firmware.elf"
    path.write_bytes(header + segment + b"\x00\x00\x02\x20\x01\x00\x00\x08")
    return path


@pytest.fixture
def openocd(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], list[tuple[list[str], list[str]]]]:
    """Let openocd on the exporter's host write down its arguments and the sha256 of what it finds; return the calls."""
    monkeypatch.setattr(flashing, "FOLDER", str(sshd.home / "flash"))  # a login begins in this machine's own home
    log = sshd.home / "calls"
    log.unlink(missing_ok=True)

    def answers(code: int, text: str) -> list[tuple[list[str], list[str]]]:
        (sshd.bin / "openocd").write_text(
            f"#!{sys.executable} -IS\n"
            "import glob, hashlib, json, os, sys\n"
            "sums = [hashlib.sha256(open(name, 'rb').read()).hexdigest() for name in sorted(glob.glob('*'))]\n"
            f"open({str(log)!r}, 'a').write(json.dumps([sums, sys.argv[1:]]) + '\\n')\n"
            f"print({text!r})\nsys.exit({code})\n"
        )
        (sshd.bin / "openocd").chmod(0o755)
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    return answers


def test_the_image_goes_to_the_host_and_the_tool_runs_there(
    image: Path, openocd: Callable[[int, str], list[tuple[list[str], list[str]]]], sshd: Sshd
) -> None:
    openocd(0, "** Verified OK **")
    place: Any = Place()
    said: list[str] = []
    tool = tool_of(place)
    tool.say = said.append
    flash_there(place, tool, image)
    flash_there(place, tool, image)  # the image is there already
    first, second = openocd(0, "")
    assert first == second
    assert first[0] == [sha256_of(image)]
    assert first[1][-2:] == ["-c", f"program {image.name} verify reset exit"]
    assert "adapter usb location 9-2.3" in first[1]
    assert [path.name for path in (sshd.home / "flash").glob("*/*")] == [image.name]
    assert said[0].startswith("nucleo-f446re: flashed with openocd on board in ")
    assert place.checks == 4


def test_a_tool_that_fails_or_is_missing_is_one_line(
    image: Path, openocd: Callable[[int, str], list[tuple[list[str], list[str]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    place: Any = Place()
    openocd(1, "Error: open failed")
    with pytest.raises(DeployError, match=r"openocd: Error: open failed \(exit code 1\); connect the board's debug"):
        flash_there(place, tool_of(place), image)
    missing = tool_of(place)
    monkeypatch.setattr(missing, "program", "no-openocd", raising=False)
    with pytest.raises(DeployError, match="board: no no-openocd there; install it on that host: apt install openocd"):
        flash_there(place, missing, image)
    with pytest.raises(DeployError, match="the probe at USB 9-2.3 of board has no serial number, by which pyocd would"):
        flash_there(place, tool_of(place, "pyocd"), image)
    odd: Any = Place(NUCLEO, SERIAL, replace(PROBE, usb_path="../1-2"))
    with pytest.raises(DeployError, match="'../1-2' is not the place of a USB device"):
        flash_there(odd, tool_of(odd), image)


def test_a_board_that_runs_the_image_is_not_flashed_again(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flashed, "answers_with", lambda link, path: path == image)
    monkeypatch.setattr(flashing, "connect", lambda *a: pytest.fail("logged in"))
    place: Any = Place()
    flash_there(place, tool_of(place), image)


def test_what_flashes_the_board_of_a_place() -> None:
    without: Any = Place(NUCLEO, SERIAL)
    assert lab_flasher(without) is None
    emulated: Any = Place(target.load("qemu-m4"))
    assert lab_flasher(emulated) is None
    place: Any = Place()
    usual = lab_flasher(place)
    assert usual is not None
    assert usual.name == NUCLEO.flasher
    with pytest.raises(DeployError, match="dfu-util flashes without a debug probe, which is what place desk-1 shares"):
        lab_flasher(place, "dfu-util")
    assert host_of(replace(PROBE, is_isolated=True, proxy="me@desk"), "lab:1") == "me@desk"
    with pytest.raises(LinkError, match="which would be this machine"):
        host_of(replace(PROBE, host="localhost"), "lab:1")
