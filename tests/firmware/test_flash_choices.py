"""What is flashed, and through which probe and port: images that do not fit, ports that come back, two probes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import target
from deploy import images, ports, usb_devices
from deploy.images import Segment
from deploy.ports import Port
from errors import DeployError
from tests.firmware.flash_setup import ORIGIN, PORT, board, image, tool_of

__all__ = ["board", "image"]  # fixtures


def test_a_port_that_comes_back_under_another_name(
    board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter([[PORT], [], [dataclasses.replace(PORT, device="/dev/ttyACM7", usb_id="0483:5740")]])
    last: list[Port] = []

    def connected() -> list[Port]:
        nonlocal last
        last = next(seen, last)
        return last

    returned = ports.wait_for(PORT, "nucleo", 1.0, connected, sleep=lambda seconds: None)
    assert returned.device == "/dev/ttyACM0"
    returned = ports.wait_for(PORT, "nucleo", 1.0, connected, sleep=lambda seconds: None)
    assert returned.device == "/dev/ttyACM7"
    with pytest.raises(DeployError, match=r"^nucleo: its port /dev/ttyACM0 did not come back within 1 s after"):
        ports.wait_for(PORT, "nucleo", 1.0, list, sleep=lambda seconds: None)


def test_no_port_and_two_ports(board: target.Target) -> None:
    with pytest.raises(DeployError, match=r"^nucleo: no serial port with USB ID 0483:374b \(connected: none\); plug"):
        ports.find_port(board, [])
    second = dataclasses.replace(PORT, device="/dev/ttyACM1", serial_number="0667")
    with pytest.raises(DeployError, match=r"2 ports may be it: /dev/ttyACM0 \(serial number 0668FF3\), /dev/ttyACM1 "):
        ports.find_port(board, [PORT, second])
    assert ports.find_port(board, [PORT, Port("/dev/ttyS0")]) == PORT


def add_usb(folder: Path, name: str, usb_id: str, serial: str, product: str = "") -> None:
    device = folder / name
    device.mkdir(parents=True)
    vendor, _, number = usb_id.partition(":")
    for file, text in (("idVendor", vendor), ("idProduct", number), ("serial", serial), ("product", product)):
        (device / file).write_text(text + "\n")


def test_one_of_two_probes_has_to_be_named(board: target.Target, tmp_path: Path) -> None:
    usb = tmp_path / "usb"
    add_usb(usb, "1-1", "0483:374b", "0667")
    add_usb(usb, "1-2", "0403:6001", "not a probe")
    add_usb(usb, "1-3", "1209:0001", "DAP1", "Some CMSIS-DAP probe")
    assert [device.kind for device in usb_devices.connected()] == ["ST-Link", "CMSIS-DAP"]
    uri = "serial:///dev/ttyACM0?baud=1"
    assert tool_of(board, "stlink").choose_probe(uri) == ""  # the only ST-Link
    with pytest.raises(DeployError, match=r"^nucleo: 2 probes are connected: ST-Link 0667, CMSIS-DAP DAP1; name one"):
        tool_of(board, "openocd").choose_probe(uri)
    (tmp_path / "bench.toml").write_text('[nucleo]\nprobe = "DAP1"\n')
    assert tool_of(board, "openocd").choose_probe(uri) == "DAP1"
    (tmp_path / "bench.toml").write_text('[nucleo]\nprobe = "DAP2"\n')
    with pytest.raises(DeployError, match=r"^nucleo: no probe with serial number DAP2 \(connected: 0667, DAP1\)"):
        tool_of(board, "openocd").choose_probe(uri)


def test_the_probe_on_the_board_has_the_serial_number_of_its_port(board: target.Target, tmp_path: Path) -> None:
    add_usb(tmp_path / "usb", "1-1", "0483:374b", "0667")
    add_usb(tmp_path / "usb", "1-2", "0483:374b", PORT.serial_number)
    assert tool_of(board, "openocd").choose_probe("serial:///dev/ttyACM0?baud=1") == PORT.serial_number


def test_an_image_has_to_fit_and_be_of_the_board(board: target.Target, tmp_path: Path) -> None:
    assert board.mcu
    image = tmp_path / "f.bin"
    image.write_bytes(bytes(board.mcu.flash_bytes))
    images.check_fits(board, image)
    image.write_bytes(bytes(board.mcu.flash_bytes + 3))
    with pytest.raises(DeployError, match=r"^f.bin: 3 bytes too large for nucleo, whose flash has 1,048,576; take"):
        images.check_fits(board, image)
    other = tmp_path / "f.hex"
    other.write_bytes(images.hex_of([Segment(0, b"abc")]))
    with pytest.raises(DeployError, match=r"^f.hex: writes to 0x00000000, outside the flash of nucleo "):
        images.check_fits(board, other)


@pytest.mark.parametrize("suffix", images.SUFFIXES)
def test_a_file_that_is_no_image_is_refused(suffix: str, tmp_path: Path) -> None:
    image = tmp_path / f"f{suffix}"
    with pytest.raises(DeployError, match="no such image; build it first"):
        images.read_segments(image)
    image.write_bytes(b"" if suffix == ".bin" else b":x\xff")
    with pytest.raises(DeployError, match=r"build it again$"):
        images.read_segments(image)


def test_each_form_of_an_image_holds_the_same_bytes(board: target.Target, tmp_path: Path) -> None:
    assert board.mcu
    data = bytes(i * 7 & 0xFF for i in range(70_001))
    (tmp_path / "f.bin").write_bytes(data)
    for suffix in (".hex", ".uf2"):
        made = images.in_form(tmp_path / "f.bin", suffix, tmp_path, board.mcu, 0x57755A57)
        segments = images.read_segments(made)
        assert images.flat(segments, ORIGIN)[: len(data)] == data
        assert segments[0].address == ORIGIN
