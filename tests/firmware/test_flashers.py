"""Starting emulators and processes, and that they end: with the link, with their owner, and in mid-run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import target
from artifact import ROOT
from deploy.flashers import flasher_for
from deploy.flashers.process import ProcessFlasher
from deploy.flashers.qemu import QemuFlasher
from deploy.running import RunningLink
from deploy.session import Session
from errors import DeployError, LinkError
from tests.firmware.conftest import Images
from tests.firmware.standin import INPUT_BYTES, expected_output

QEMU = pytest.param("qemu-m4", marks=pytest.mark.emulated)
NAMES = [QEMU, "host-fw"]
INPUT = bytes(INPUT_BYTES)
OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import target
from pathlib import Path
from deploy.flashers import flasher_for
link = flasher_for(target.load(sys.argv[2])).start(Path(sys.argv[3]))
link.open()
print(link.running.pid, flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def started(name: str, image: Path) -> tuple[RunningLink, int]:
    """Return an open link and the number of the process that is the device."""
    link = flasher_for(target.load(name)).start(image)
    assert isinstance(link, RunningLink)
    link.open()
    (device,) = children(link.running.pid)
    return link, device


def read_for_ever(link: RunningLink) -> None:
    link.open()
    while True:
        link.read(10)


@pytest.mark.parametrize("name", NAMES)
def test_closing_the_link_ends_the_device(name: str, images: Images) -> None:
    link, device = started(name, images(name).elf)
    link.open()
    assert is_alive(device)
    link.close()
    link.close()
    wait_until(lambda: not is_alive(device))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", NAMES)
def test_the_device_dies_with_its_owner(name: str, images: Images, how: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(ROOT), name, str(images(name).elf)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout
    guard = int(owner.stdout.readline())
    (device,) = children(guard)
    owner.send_signal(how)
    owner.wait(60)
    owner.stdout.close()
    wait_until(lambda: not is_alive(device) and not is_alive(guard))


@pytest.mark.parametrize("name", NAMES)
def test_the_device_dies_with_its_guard(name: str, images: Images) -> None:
    link, device = started(name, images(name).elf)
    os.kill(link.running.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(device))
    link.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_device_that_dies_in_mid_run_is_an_error(name: str, images: Images) -> None:
    link = flasher_for(target.load(name)).start(images(name).elf)
    assert isinstance(link, RunningLink)
    with Session(link) as session:
        assert session.infer(INPUT).output_bytes == expected_output(INPUT)
        (device,) = children(link.running.pid)
        os.kill(device, signal.SIGKILL)
        with pytest.raises(LinkError, match=r"died in mid-run \(exit code 137\); start again"):
            session.infer(INPUT)


@pytest.mark.emulated
def test_an_image_that_qemu_rejects_shows_its_output(tmp_path: Path) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(bytes(1024))
    link = QemuFlasher(target.load("qemu-m4")).start(image)
    with contextlib.closing(link), pytest.raises(LinkError, match=r"^qemu-m4 \(QEMU on port \d+\): .*Lockup"):
        read_for_ever(link)


def test_an_image_that_is_not_a_program_is_an_error(tmp_path: Path) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(b"no program")
    with pytest.raises(DeployError, match=r"^host-fw: ended at once \(.*\)$"):
        flasher_for(target.load("host-fw")).start(image)
    image.write_text("#!/bin/sh\necho hello\nsleep 30\n")
    image.chmod(0o755)
    with pytest.raises(DeployError, match=r"expected `listening on 127.0.0.1:PORT`, got 'hello'"):
        flasher_for(target.load("host-fw")).start(image)


@pytest.mark.parametrize("name", ["qemu-m4", "host-fw"])
def test_a_missing_image_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"no such image; build it first$"):
        flasher_for(target.load(name)).start(tmp_path / "nothing.elf")


@pytest.mark.parametrize("name", NAMES)
def test_a_port_in_use_is_an_error(name: str, images: Images) -> None:
    flasher = QemuFlasher if name == "qemu-m4" else ProcessFlasher
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            DeployError, match=rf"^port {port} of 127.0.0.1: .*; end the program that has it, or choose"
        ):
            flasher(target.load(name), port).start(images(name).elf)
    with contextlib.closing(flasher(target.load(name), port).start(images(name).elf)) as link:
        link.open()


def test_a_missing_emulator_names_its_package(tmp_path: Path) -> None:
    board = target.load("qemu-m4")
    assert board.emulator
    missing = dataclasses.replace(board, emulator=dataclasses.replace(board.emulator, program="qemu-system-nothing"))
    with pytest.raises(
        DeployError, match=r"^qemu-system-nothing: not found; install it with: apt install qemu-system-arm$"
    ):
        flasher_for(missing).start(tmp_path)
