"""Flashing that is interrupted: the next flash replaces what it left, with each flasher that there is.

Programs of flash tools are stand-ins that write into a file, the board's flash. esptool is the real one, before a model
of Espressif's boot loader. Emulators and this machine's processes are real.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import target
from deploy import flashed, images
from deploy.flash_tool import FlashTool, Percent
from deploy.flashers import flasher_for
from deploy.flashers.qemu import free_port
from deploy.images import Segment
from deploy.links import Link
from deploy.session import Session
from errors import DeployError, Error, LinkError
from target import sections
from tests.firmware import esptool_programs
from tests.firmware.conftest import Images
from tests.firmware.flash_setup import ORIGIN, board, tool_of
from tests.firmware.flash_stand_in import TRANSCRIPTS
from tests.firmware.standin import INPUT_BYTES, expected_output
from tests.firmware.test_flash_commands import SUCCESSES
from tests.firmware.test_flashers import started
from tests.firmware.test_pico_flashing import Desk, desk, tool

__all__ = ["board", "desk"]  # fixtures

URI = "serial:///dev/ttyACM0?baud=921600"
EMULATORS = {"qemu": "qemu-m4", "process": "host-fw", "rp2040js": "pico-uart"}
INTERRUPTIONS = ("killed", "cut", "stopped")
PROGRAM = """#!{python} -IS
import os, shutil, signal, sys, time
words = " ".join(sys.argv[1:]) + " " + ("" if sys.stdin.isatty() else sys.stdin.read())
if "genpkg" in words:
    shutil.copy(sys.argv[-2], sys.argv[-1])
    sys.exit(0)
names = [name for name in os.listdir() if name in words]
if not names:
    sys.exit(0)  # it is to say which chip is there
with open(names[0], "rb") as file:
    image = file.read()
with open({mode!r}) as file:
    mode = file.read()
with open({flash!r}, "wb") as file:
    file.write(image if mode == "whole" else image[:len(image) // 2])
if mode == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if mode == "cut":
    sys.exit("Error: the probe is gone")
if mode == "stopped":
    print("50 %", flush=True)
    time.sleep(600)
sys.stderr.write({success!r})
sys.exit({code})
"""


class Board:
    """A board whose flash is a file, behind a flash tool that does what `mode` says."""

    def __init__(self, tool: FlashTool, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.flash, self._mode = folder / "flash", folder / "mode"
        code, _, success = (TRANSCRIPTS / f"{SUCCESSES[tool.name]}.txt").read_text().partition("\n")
        path = folder / "bin" / tool.program
        path.parent.mkdir()
        values = {"mode": str(self._mode), "flash": str(self.flash), "success": success, "code": code}
        path.write_text(PROGRAM.format(python=sys.executable, **values))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent), prepend=":")

    def does(self, mode: str) -> None:
        """Let the tool write the whole image, or half of it and be killed, cut or stopped by the user."""
        self._mode.write_text(mode)


@contextlib.contextmanager
def stopped_at_half(name: str) -> Iterator[Percent]:
    """Stand for a user who presses Ctrl-C as soon as half of it is done."""

    def percent(done: float) -> None:
        if done == 50.0:
            raise KeyboardInterrupt

    yield percent


def image_of(folder: Path, content: bytes) -> Path:
    """Write an image in all forms of which another can be made."""
    folder.mkdir()
    (folder / "f.hex").write_bytes(images.hex_of([Segment(ORIGIN, content)]))
    (folder / "f.elf").write_bytes(b"\x7fELF" + content)
    return folder / "f.hex"


def test_each_flasher_is_interrupted_here() -> None:
    assert set(sections.flashers()) == {*SUCCESSES, *EMULATORS, "uf2"}


@pytest.mark.parametrize("name", SUCCESSES)
def test_what_an_interrupted_flash_leaves_the_next_one_replaces(
    name: str, board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board answers with the first image all the time, as one whose second half is still the old one may."""
    monkeypatch.setattr(images, "check_fits", lambda target, image: None)
    monkeypatch.setattr(flashed, "answers_with", lambda link, image: True)
    tool, old, new = tool_of(board, name), *(image_of(tmp_path / name, bytes(range(100)) * 3) for name in "ab")
    there = Board(tool, tmp_path, monkeypatch)
    tool.watch = stopped_at_half
    there.does("whole")
    tool.start(old)
    whole = there.flash.read_bytes()
    for how in INTERRUPTIONS:
        there.does(how)
        with pytest.raises(KeyboardInterrupt if how == "stopped" else DeployError) as caught:
            tool.write(new, URI)
        assert "\n" not in str(caught.value)
        assert len(there.flash.read_bytes()) == len(whole) // 2, how
        there.does("whole")
        tool.start(old)
        assert there.flash.read_bytes() == whole, how
    there.does("killed")
    tool.start(old)  # it is there: nothing is written
    assert there.flash.read_bytes() == whole


def test_a_uf2_drive_that_is_unplugged_takes_the_next_image(desk: Desk, tmp_path: Path) -> None:
    unit = desk.add("A", refuses="copy")
    image = image_of(tmp_path / "image", bytes(range(256)) * 3).rename(tmp_path / "f.hex")
    image.write_bytes(images.hex_of([Segment(0x10000000, bytes(range(256)) * 3)]))
    with pytest.raises(DeployError, match="did not come back within 0.2 s after flashing; hold BOOTSEL"):
        tool().start(image)
    assert flashed.store().read_text() == "{}"
    unit.refuses, unit.flash = "", []
    assert tool().start(image).name == "serial:///dev/ttyACM7?baud=115200"
    assert len(unit.flash) == 1


def test_the_real_esptool_is_stopped_in_the_middle_and_writes_all_then(
    board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package esp32-mock-bootloader speaks the protocol of the ROM's boot loader, and keeps what is written."""
    esptool_programs.use(monkeypatch)
    (tmp_path / "f.bin").write_bytes(random.Random(1).randbytes(1 << 16))  # four blocks: it does not get smaller
    port = free_port()
    words = ["esp32-mock-bootloader", "run", "--chip", "esp32s3", "--port", str(port), "--timeout", "1200"]
    stopped, uri = tool_of(board, "esptool"), f"tcp://127.0.0.1:{port}"
    stopped.watch = stopped_once_it_writes
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as model:
        try:
            wait_until_it_listens(port)
            with pytest.raises(KeyboardInterrupt):
                stopped.write(tmp_path / "f.bin", uri)
            assert flashed.store().read_text() == "{}"
            assert tool_of(board, "esptool").write(tmp_path / "f.bin", uri) == uri
            assert uri in flashed.store().read_text()
            other = dataclasses.replace(board, flash_arguments={"esptool": ("esp32c3", "0x0")})
            with pytest.raises(DeployError, match=r"another chip is there: expected ESP32-C3, received ESP32-S3; "):
                tool_of(other, "esptool").write(tmp_path / "f.bin", uri)
        finally:
            model.kill()


def wait_until_it_listens(port: int) -> None:
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on port {port}")


@contextlib.contextmanager
def stopped_once_it_writes(name: str) -> Iterator[Percent]:
    """Stand for a user who presses Ctrl-C when the first part is written."""

    def percent(done: float) -> None:
        if 0 < done < 100:
            raise KeyboardInterrupt

    yield percent


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.emulated if name != "process" else ()) for name in EMULATORS]
)
def test_an_emulator_that_is_killed_or_gets_a_wrong_image_starts_again(
    name: str, images: Images, tmp_path: Path
) -> None:
    board, data = target.load(EMULATORS[name]), bytes(INPUT_BYTES)
    good, wrong = images(board.name), tmp_path / "wrong.elf"
    for path in (wrong, wrong.with_suffix(".bin")):
        path.write_bytes(bytes(1024))
    with pytest.raises(Error) as caught:
        read_to_the_end(flasher_for(board).start(wrong))
    assert "\n" not in str(caught.value)
    link, device = started(board.name, good.elf)
    os.kill(device, signal.SIGKILL)
    with pytest.raises(LinkError, match="start again"):
        read_to_the_end(link)
    again = flasher_for(board).start(good.elf)
    with Session(again) as session:
        assert session.infer(data).output_bytes == expected_output(data)


def read_to_the_end(link: Link) -> None:
    """Read until the link breaks, and close it."""
    with contextlib.closing(link):
        link.open()
        while True:
            link.read(10)
