"""Boards of the Pico SDK on this desk: sent to their boot loader, given a UF2 file, and found again on another port.

`Desk` stands for boards, USB and the desktop that mounts drives: what it shows is what the real ones would.
"""

from __future__ import annotations

import os
import pty
import termios
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import artifact
import target
from deploy import bench_file, flashed, images, inventory, ports, reach, uf2_drives, usb_devices
from deploy.flash_tool import FlashTool
from deploy.flashers import flasher_for, uf2
from deploy.images import Segment
from deploy.ports import Port
from deploy.uf2_drives import Drive
from errors import DeployError

ORIGIN = 0x10000000
PICO = target.load("pico")


@dataclass
class Board:
    """A Pico. `refuses` what: "touch", "mount", "copy" (it is unplugged in the middle) or "start"."""

    desk: Desk
    folder: Path
    serial_number: str
    device: str = "/dev/ttyACM0"
    refuses: str = ""
    is_running: bool = True
    flash: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> Port:
        return Port(self.device, "2e8a:000a", self.serial_number, "Pico")

    def enter_boot_loader(self) -> None:
        self.is_running = False
        self.folder.mkdir(exist_ok=True)

    def drive(self) -> BoardDrive:
        return BoardDrive(self.folder, "RPI-RP2", "Raspberry Pi RP2", self)


@dataclass(frozen=True)
class BoardDrive(Drive):
    """The drive of a board, which starts what was copied to it."""

    board: Board

    def is_there(self) -> bool:
        copied = self.folder / "firmware.uf2"
        if copied.exists() and not self.board.is_running and self.board.refuses != "start":
            self.board.flash.append(copied.read_bytes())
            copied.unlink()
            self.board.is_running = self.board.refuses != "copy"
            self.board.device = "/dev/ttyACM7"
        return not self.board.flash


@dataclass
class Desk:
    """What is plugged in."""

    root: Path
    boards: list[Board] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    def add(self, serial_number: str, **more: str | bool) -> Board:
        device = f"/dev/ttyACM{len(self.boards)}"
        board = Board(self, self.root / f"RPI-RP2-{serial_number}", serial_number, device)
        for name, value in more.items():
            setattr(board, name, value)
        self.boards.append(board)
        return board

    def ports(self) -> list[Port]:
        return [board.port for board in self.boards if board.is_running]

    def drives(self) -> list[Drive]:
        return [b.drive() for b in self.boards if b.folder.exists() and not b.is_running and b.refuses != "mount"]

    def touch(self, port: Port, name: str) -> None:
        self.touched.append(port.device)
        for board in self.boards:
            if board.port == port and board.refuses != "touch":
                board.enter_boot_loader()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setattr(bench_file, "BENCH", tmp_path / "bench.toml")
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path / "build")
    monkeypatch.setattr(usb_devices, "SYSFS", tmp_path / "usb")
    monkeypatch.setattr(uf2, "BY_LABEL", tmp_path / "by-label")
    monkeypatch.setattr(ports, "connected", desk.ports)
    monkeypatch.setattr(ports, "touch", desk.touch)
    for module in (uf2, uf2_drives):
        monkeypatch.setattr(module, "drives", desk.drives)
    for module, name in ((ports, "RETURN_S"), (uf2, "APPEAR_S"), (uf2, "WRITTEN_S")):
        monkeypatch.setattr(module, name, 0.2)
    monkeypatch.setattr(ports, "POLL_S", 0.01)
    monkeypatch.setattr(uf2, "POLL_S", 0.01)
    return desk


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "f.hex"
    path.write_bytes(images.hex_of([Segment(ORIGIN, bytes(range(256)) * 3)]))
    return path


def tool() -> FlashTool:
    made = flasher_for(PICO, "uf2")
    assert isinstance(made, FlashTool)
    return made


def bench(desk: Desk, device: str) -> None:
    (desk.root / "bench.toml").write_text(f'[pico]\nlink = "serial://{device}?baud=115200"\n')


def test_a_running_board_is_restarted_flashed_and_found_by_its_serial_number(desk: Desk, image: Path) -> None:
    board = desk.add("E6614")
    flasher = tool()
    flasher.check()
    said: list[str] = []
    flasher.say = said.append
    assert flasher.start(image).name == "serial:///dev/ttyACM7?baud=115200"
    assert desk.touched == ["/dev/ttyACM0"]
    (taken,) = board.flash
    assert len(taken) == 3 * 512
    assert taken[28:32] == (0xE48BFF56).to_bytes(4, "little")
    assert said[0].startswith("pico: flashed with uf2 in ")


def test_a_board_in_its_boot_loader_is_flashed_and_shows_its_port_then(desk: Desk, image: Path) -> None:
    desk.add("E6614").enter_boot_loader()
    flasher = tool()
    flasher.check()
    assert flasher.start(image).name == "serial:///dev/ttyACM7?baud=115200"
    assert not desk.touched


def test_a_board_of_bench_toml_may_be_in_its_boot_loader(
    desk: Desk, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = desk.add("E6614", device=str(desk.root / "ttyACM0"))
    bench(desk, board.device)
    board.enter_boot_loader()
    reach.check_device(PICO, None)
    with pytest.raises(
        DeployError, match=r"its port .*/ttyACM0 did not come back within 0.2 s after flashing; hold BOO"
    ):
        tool().start(image)
    board.flash.clear()
    board.is_running = False
    Path(desk.root / "ttyACM0").touch()
    assert tool().start(image).name == f"serial://{desk.root}/ttyACM0?baud=115200"


def test_bench_toml_says_which_of_two_boards_is_restarted(desk: Desk, image: Path) -> None:
    first, second = desk.add("A"), desk.add("B")
    with pytest.raises(
        DeployError, match=r"^pico: 2 boards may be it: /dev/ttyACM0, /dev/ttyACM1; unplug the others, or"
    ):
        tool().check()
    bench(desk, second.device)
    tool().check()
    tool().start(image)
    assert (len(first.flash), len(second.flash)) == (0, 1)


def test_a_running_board_is_not_restarted_for_another_one_in_its_boot_loader(desk: Desk) -> None:
    desk.add("A")
    desk.add("B").enter_boot_loader()
    with pytest.raises(
        DeployError, match=r"^pico: 2 boards may be it: /dev/ttyACM0, .*RPI-RP2-B; unplug the others, or"
    ):
        tool().check()


def test_the_drive_of_another_board_is_left_alone(desk: Desk, image: Path) -> None:
    first, second = desk.add("A"), desk.add("B")
    first.enter_boot_loader()
    bench(desk, second.device)
    tool().start(image)
    assert (len(first.flash), len(second.flash)) == (0, 1)


def test_two_boards_in_their_boot_loaders(desk: Desk) -> None:
    for serial_number in "AB":
        desk.add(serial_number).enter_boot_loader()
    with pytest.raises(DeployError, match=r"^pico: 2 drives may be it: .*-A, .*-B; unplug the others$"):
        tool().check()


def test_no_board(desk: Desk) -> None:
    with pytest.raises(DeployError, match=r"^pico: no drive of a board RPI-RP2 \(mounted: none\); hold BOOTSEL while"):
        tool().check()


def test_a_drive_that_is_not_mounted_is_named(desk: Desk, image: Path) -> None:
    (desk.root / "by-label").mkdir()
    board = desk.add("A", refuses="mount")
    step = r"mount it: udisksctl mount -b .*/by-label/RPI-RP2, then run this again$"
    with pytest.raises(
        DeployError, match=r"^pico: restarted, but no drive was mounted within 0.2 s; open the drive RPI"
    ):
        tool().start(image)
    (desk.root / "by-label" / "RPI-RP2").touch()
    with pytest.raises(DeployError, match=rf"^pico: the drive of its boot loader is not mounted; {step}"):
        tool().check()
    board.is_running = True
    with pytest.raises(DeployError, match=rf"^pico: restarted, but no drive was mounted within 0.2 s; {step}"):
        tool().start(image)


def test_firmware_that_does_not_restart_the_board(desk: Desk, image: Path) -> None:
    desk.add("A", refuses="touch")
    with pytest.raises(
        DeployError, match=r"/dev/ttyACM0: its firmware did not restart it into its boot loader; hold BOO"
    ):
        tool().start(image)


def test_a_board_that_was_unplugged_while_it_was_written_is_written_by_the_next_run(desk: Desk, image: Path) -> None:
    board = desk.add("A", refuses="copy")
    with pytest.raises(
        DeployError, match=r"did not come back within 0.2 s after flashing; hold BOOTSEL while you plug"
    ):
        tool().start(image)
    board.refuses, board.flash = "", []
    assert tool().start(image).name == "serial:///dev/ttyACM7?baud=115200"
    assert len(board.flash) == 1


def test_an_image_that_is_larger_than_the_flash_touches_no_board(desk: Desk, tmp_path: Path) -> None:
    desk.add("A")
    assert PICO.mcu
    (tmp_path / "f.bin").write_bytes(bytes(PICO.mcu.flash_bytes + 1))
    with pytest.raises(DeployError, match=r"^f.bin: 1 bytes too large for pico, whose flash has 2,097,152; take"):
        tool().start(tmp_path / "f.bin")
    assert not desk.touched


def test_an_image_that_the_board_runs_is_left_there(desk: Desk, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add("A")
    monkeypatch.setattr(flashed, "is_there", lambda uri, link, path: uri == "serial:///dev/ttyACM0?baud=115200")
    tool().start(image)
    assert not desk.touched


def test_the_devices_on_the_desk_name_their_targets(desk: Desk) -> None:
    desk.add("A")
    desk.add("B").enter_boot_loader()
    device = desk.root / "usb" / "1-1"
    device.mkdir(parents=True)
    for name, text in (("idVendor", "2e8a"), ("idProduct", "000f"), ("serial", "AFE1"), ("product", "RP2350 Boot")):
        (device / name).write_text(text + "\n")
    items = inventory.look([target.load(name) for name in ("pico", "pico-w", "pico2", "pico-serial", "rpi4")])
    assert [(item.kind, item.targets) for item in items] == [
        ("port", ("pico", "pico-w")),
        ("boot loader", ("pico2",)),
        ("drive", ("pico", "pico-w", "pico-serial")),
    ]


def test_a_port_is_touched_at_1200_baud() -> None:
    board, line = pty.openpty()
    try:
        ports.touch(Port(os.ttyname(line)), "pico")
        assert termios.tcgetattr(board)[5] == termios.B1200
    finally:
        os.close(board)
        os.close(line)


def test_a_port_that_vanishes_at_once_was_touched(tmp_path: Path) -> None:
    ports.touch(Port(str(tmp_path / "ttyACM0")), "pico")
