"""A board on a machine with one port, and an image for it: for the tests of what flashes boards."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import artifact
import target
from deploy import bench_file, images, ports, usb_devices
from deploy.flash_tool import FlashTool
from deploy.flashers import flasher_for
from deploy.images import Segment
from deploy.ports import Port

ORIGIN = 0x08000000
PORT = Port("/dev/ttyACM0", "0483:374b", "0668FF3")
ARGUMENTS = {
    "openocd": ("-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg"),
    "pyocd": ("-t", "nrf52840"),
    "esptool": ("esp32s3", "0x0"),
    "teensy-loader-cli": ("--mcu=TEENSY41",),
    "adafruit-nrfutil": ("--dev-type", "0x0052"),
    "jlink": ("-Device", "NRF52840_XXAA"),
    "uf2": ("Feather", "0x57755a57"),
}


def nucleo(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> target.Target:
    """Return a board on a serial line; bench.toml and what is built are in a folder, which has neither yet."""
    monkeypatch.setattr(bench_file, "BENCH", folder / "bench.toml")
    monkeypatch.setattr(artifact, "BUILD_DIR", folder / "build")
    facts = {"name": "nucleo", "link": "serial", "measured_on": "hardware", "flasher": "openocd"}
    more = {"flash_arguments": ARGUMENTS, **changes}
    return dataclasses.replace(target.load("netduinoplus2"), **facts, **more)  # type: ignore[arg-type]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> target.Target:
    """Return a board that shows its port, on a machine with nothing else."""
    monkeypatch.setattr(usb_devices, "SYSFS", tmp_path / "usb")
    monkeypatch.setattr(ports, "connected", lambda: [PORT])
    monkeypatch.setattr(ports, "RETURN_S", 0.1)
    return nucleo(tmp_path, monkeypatch, usb=(PORT.usb_id,))


def tool_of(board: target.Target, name: str) -> FlashTool:
    tool = flasher_for(board, name)
    assert isinstance(tool, FlashTool)
    return tool


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "f.hex"
    made.write_bytes(images.hex_of([Segment(ORIGIN, bytes(range(200)))]))
    made.with_suffix(".elf").write_bytes(b"\x7fELF")
    return made
