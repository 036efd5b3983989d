"""Another chip on the probe is refused before anything is written, and what a flasher shows meanwhile.

The programs are stand-ins, whose texts are composed from their sources and manuals; OpenOCD's Tcl is run by OpenOCD.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import target
from compilers.image.firmware import FIRMWARE_DIR
from deploy import chips, flashed, images
from deploy.chips import Chip
from deploy.flash_job import Job
from deploy.flash_tool import FlashTool, Percent
from deploy.flashers import flasher_for
from deploy.flashers.openocd import _chip_check
from errors import DeployError
from tests.firmware.flash_setup import ARGUMENTS, board, image, tool_of
from tests.firmware.flash_stand_in import StandIn

__all__ = ["board", "image"]

BOARDS = [name for name in target.names() if target.load(name).mcu and target.load(name).link == "serial"]
TWO_ST_LINKS = """Found 2 stlink programmers
  version:    V2J37S27
  serial:     0667FF
  chipid:     0x433
  version:    V2J37S27
  serial:     0668FF3
  chipid:     0x{:x}
"""
# What each program says of a chip, with the number of the chip in its place.
SAID = [
    ("openocd", "Info : clock speed 2000 kHz\n** Chip 0x{:x} **\nshutdown command invoked\n"),
    ("pyocd", "e0042000:  1000 6{:x}    |...d3|\n".replace("1000 6", "10006")),
    ("jlink", "J-Link>mem32 0xe0042000,1\nE0042000 = 10006{:X}\nJ-Link>exit\n"),
    ("stm32cubeprogrammer", "ST-LINK SN  : 0668FF3\nDevice ID   : 0x{:x}\nRevision ID : Rev Z\n"),
    ("stlink", TWO_ST_LINKS),
]


@pytest.fixture
def nucleo(board: target.Target) -> target.Target:
    """Return a board with an F446."""
    return dataclasses.replace(target.load("nucleo-f446re"), name="nucleo", flash_arguments=ARGUMENTS)


class Programs:
    """Stand-ins for a flash tool and, with ST-Links, st-info."""

    def __init__(self, tool: FlashTool, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.says_chip = "st-info" if tool.name == "stlink" else tool.program
        self.of_chip = StandIn(self.says_chip, folder, monkeypatch)
        self.writes = self.of_chip
        if tool.name == "stlink":
            (folder / "st-flash").mkdir()
            self.writes = StandIn(tool.program, folder / "st-flash", monkeypatch)


def write(tool: FlashTool, job: Job) -> None:
    tool.check_chip(job)
    tool.flash(job)


@pytest.mark.parametrize("name", BOARDS)
def test_the_chip_of_each_board_is_that_of_its_firmware(name: str) -> None:
    loaded = target.load(name)
    chip = chips.expected(loaded)
    assert chip, f"{name}: deploy/chips.py does not know {loaded.expect.machine}"
    assert loaded.mcu
    if loaded.mcu.family.startswith("stm32"):
        family = FIRMWARE_DIR / "families" / loaded.mcu.family
        sources = [FIRMWARE_DIR / "boards" / loaded.mcu.board / "board.h", *family.glob("*.h")]
        text = "".join(path.read_text() for path in sources)
        assert f'"{chip.name}"' in text
        numbers = [int(number, 16) for number in re.findall(r"CHIP_ID(?:_ADDRESS)?\s+(0x[0-9A-F]+)u", text, re.I)]
        assert {chip.value, chip.address} <= set(numbers)


@pytest.mark.parametrize(("name", "said"), SAID)
def test_another_chip_is_refused_and_nothing_is_written(
    name: str, said: str, nucleo: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tool_of(nucleo, name)
    programs = Programs(tool, tmp_path, monkeypatch)
    programs.of_chip.answers(1 if name == "openocd" else 0, said.format(0x433))
    job = Job(image, "serial:///dev/ttyACM0", "0668FF3")
    with pytest.raises(
        DeployError,
        match=rf"^nucleo: {tool.program}: another chip is there: expected STM32F446, received STM32F401xE; connect .* "
        r"--allow-mismatch to flash it all the same$",
    ):
        write(tool, job)
    assert len(programs.of_chip.calls()) == 1
    if name == "openocd":  # it looks and writes in one call
        assert "$chip != 0x421" in " ".join(programs.of_chip.calls()[0])
    else:
        assert not {"flash", "write", "-w"} & set(programs.of_chip.calls()[0])


@pytest.mark.parametrize(("name", "said"), SAID[1:])
def test_the_right_chip_passes_and_one_that_is_not_known_does_not(
    name: str, said: str, nucleo: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tool_of(nucleo, name)
    programs, job = Programs(tool, tmp_path, monkeypatch), Job(image, "serial:///dev/ttyACM0", "0668FF3")
    programs.of_chip.answers(0, said.format(0x421))
    tool.check_chip(job)
    programs.of_chip.answers(0, said.format(0x466))
    with pytest.raises(DeployError, match="expected STM32F446, received a chip with ID 0x466; "):
        tool.check_chip(job)
    programs.of_chip.answers(1, "Error: no probe\n")  # the flashing itself will say so
    tool.check_chip(job)
    tool.allow_mismatch = True
    programs.of_chip.answers(0, said.format(0x433))
    tool.check_chip(job)
    assert len(programs.of_chip.calls()) == 3


def test_with_two_st_links_and_none_named_the_chip_is_not_known(
    nucleo: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tool_of(nucleo, "stlink")
    Programs(tool, tmp_path, monkeypatch).of_chip.answers(0, TWO_ST_LINKS.format(0x433))
    tool.check_chip(Job(image))


def test_picotool_names_the_chip(
    board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tool_of(dataclasses.replace(target.load("pico-serial"), name="pico"), "picotool")
    stand_in = StandIn("picotool", tmp_path, monkeypatch)
    stand_in.answers(0, "Device Information\n type:      RP2040\n revision:  B2\n")
    tool.check_chip(Job(image))
    stand_in.answers(0, "Device Information\n type:                   RP2350\n package:                QFN60\n")
    with pytest.raises(
        DeployError, match=r"^pico: picotool: another chip is there: expected RP2040, received RP2350; "
    ):
        tool.check_chip(Job(image))
    assert stand_in.calls()[-1][1:] == ["info", "-d", "-F"]


def test_esptool_takes_any_chip_only_if_that_is_allowed(board: target.Target, image: Path) -> None:
    tool, job = tool_of(board, "esptool"), Job(image, "serial:///dev/ttyACM0")
    assert tool.command(job)[:3] == ["esptool", "--chip", "esp32s3"]
    tool.allow_mismatch = True
    assert tool.command(job)[:3] == ["esptool", "--chip", "auto"]


@pytest.mark.skipif(not shutil.which("openocd"), reason="needs openocd")
@pytest.mark.parametrize(("word", "expected"), [(0x10006421, 0), (0x10006433, 1), (None, 0)])
def test_openocd_runs_its_check(word: int | None, expected: int) -> None:
    """With a memory of one word: without one, as in OpenOCD before 0.12, it goes on."""
    memory = [] if word is None else ["-c", f"proc read_memory {{address width count}} {{return {word:#x}}}"]
    done = subprocess.run(
        [
            "openocd", *memory, "-c", "adapter driver dummy", "-c", "transport select jtag",
            "-c", _chip_check(Chip("", 0xE0042000, 0xFFF, 0x421)).removeprefix("init; "),
            "-c", "echo written; shutdown",
        ],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == expected
    assert ("written" in done.stderr) == (not expected)
    assert ("** Chip 0x433 **" in done.stderr) == bool(expected)


# --- What is shown meanwhile, and a cable that is pulled -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "esptool",
            "Writing at 0x0 ━━━╸ 12.5% 1/8\rWriting at 0x8 ━━ 100.0% 8/8\nHash of data verified.\n",
            [12.5, 100],
        ),
        ("bossac", "[====] 36% (4/11 pages)\r[==] 100% (11/11 pages)\nVerify successful\n", [36, 100]),
        ("stlink", "  5/ 10 pages written\r 10/10 pages written\nFlash written and verified! jolly good!\n", [50, 100]),
        ("openocd", "** Verified OK **\n", []),
    ],
)
def test_the_tool_s_own_percentages_are_shown(
    name: str, text: str, expected: list[float], board: target.Target, image: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tool = tool_of(board, name)
    shown: list[str | float] = []
    StandIn(tool.program, tmp_path, monkeypatch).answers(0, text)

    @contextmanager
    def watch(label: str) -> Iterator[Percent]:
        shown.append(label)
        yield shown.append

    tool.watch = watch
    tool.write(image, "serial:///dev/ttyACM0?baud=1")
    assert shown == [name, *expected]


@pytest.mark.parametrize("name", ["openocd", "esptool", "bossac", "dfu-util", "stlink"])
def test_a_cable_that_was_pulled_is_flashed_by_the_next_run(
    name: str, board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the board answers with the image that it ran before, for then half of another may be in its flash."""
    tool, uri = tool_of(board, name), "serial:///dev/ttyACM0?baud=1"
    stand_in, elf = StandIn(tool.program, tmp_path, monkeypatch), image.with_suffix(".elf")
    monkeypatch.setattr(images, "check_fits", lambda board, image: None)
    monkeypatch.setattr(images, "in_form", lambda *arguments: image)
    monkeypatch.setattr(flashed, "answers_with", lambda link, image: True)
    flashed.remember(uri, elf)
    elf.write_bytes(b"\x7fELF of another network")
    stand_in.answers(1, "Writing 40%\nError: libusb: device disconnected\n")
    with pytest.raises(
        DeployError, match=rf"^nucleo: {tool.program}: Error: libusb: device disconnected \(exit code 1"
    ):
        tool.start(elf)
    elf.write_bytes(b"\x7fELF")
    stand_in.answers(
        0, "** Verified OK **\nHash of data verified\nVerify successful\nFile downloaded successfully\njolly"
    )
    monkeypatch.setattr(type(tool), "success", "Verif|successfully")
    tool.start(elf)
    assert len(stand_in.calls()) == 2
    tool.start(elf)
    assert len(stand_in.calls()) == 2


# --- Each kind of trouble, for each tool -----------------------------------------------------------------------------

LOCKED = "the chip is locked"
TROUBLE = [
    ("stm32cubeprogrammer", 1, "Error: Data read failed, RDP level 1\n", LOCKED),
    ("jlink", 1, "Error: device is locked (APPROTECT)\n", LOCKED),
    ("nrfutil", 1, "Error: Device is protected\n", LOCKED),
    ("dfu-util", 74, "dfu-util: Error during special command: errVENDOR\n", "the chip is locked or the address"),
    ("esptool", 2, "A fatal error occurred: This chip is in Secure Download Mode\n", LOCKED),
    ("bossac", 1, "Cannot write: flash region is locked\n", LOCKED),
    ("dfu-util", 74, "dfu-util: More than one DFU capable USB device found\n", "unplug the others, or name"),
    ("picotool", 249, "Multiple RP-series devices in BOOTSEL mode found:\n", "unplug the others"),
    ("openocd", 1, "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\n", "let your user open the probe"),
    ("pyocd", 1, "0000400 C Permission denied: USB access\n", "add the udev rules"),
    ("stlink", 255, "libusb: error [get_usbfs_fd] insufficient permissions\n", "add the udev rules"),
    ("stm32cubeprogrammer", 1, "Error: ST-LINK: Access denied\n", "add the udev rules"),
    ("dfu-util", 74, "dfu-util: Cannot open DFU device 0483:df11 (LIBUSB_ERROR_ACCESS)\n", "let your user open it"),
    ("picotool", 248, "RP2040 device at bus 1: Permission denied\n", "add the udev rules"),
    ("esptool", 2, "Could not open /dev/ttyACM0, the port is busy: Permission denied\n", "join the group"),
    ("bossac", 1, "Permission denied: /dev/ttyACM0\n", "join the group"),
    ("teensy-loader-cli", 1, "Found device but unable to open\n", "add PJRC's udev rules"),
    ("nrfutil", 1, "Error: Permission denied\n", "add the udev rules"),
    ("adafruit-nrfutil", 0, "Failed to upgrade target. Permission denied: '/dev/ttyACM0'\n", "join the group"),
    ("jlink", 1, "Cannot open USB: access denied\n", "add the udev rules"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "code", "text", "message"), TROUBLE)
def test_locked_two_and_not_allowed(
    name: str, code: int, text: str, message: str, board: target.Target, image: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tool = tool_of(board, name)
    StandIn(tool.program, tmp_path, monkeypatch).answers(code, text)
    with pytest.raises(DeployError, match=rf"^nucleo: {tool.program}: .*{message}") as caught:
        tool.flash(Job(image, "serial:///dev/ttyACM0"))
    assert "\n" not in str(caught.value)


def test_every_flasher_that_can_say_the_chip_does() -> None:
    silent = {"dfu-util", "bossac", "nrfutil", "teensy-loader-cli", "adafruit-nrfutil", "uf2", "esptool", "openocd"}
    loaded = target.load("nucleo-f446re")
    chip = chips.expected(loaded)
    assert chip
    for name in set(ARGUMENTS) | {name for name, _ in SAID} | {"picotool"}:
        tool = flasher_for(dataclasses.replace(loaded, flash_arguments=ARGUMENTS), name)
        assert isinstance(tool, FlashTool)
        assert bool(tool.chip_command(Job(Path("f.elf")), chip)) == (name not in silent), name
