"""Each flash tool: its command, what counts as success, and what follows a failure. The programs are stand-ins."""

from __future__ import annotations

import dataclasses
import threading
from importlib import import_module
from pathlib import Path

import pytest

import target
from deploy import flashed, images
from deploy.flash_job import Job
from deploy.flash_tool import FlashTool
from deploy.flashers import uf2
from deploy.images import Segment
from deploy.uf2_drives import Drive, drives
from errors import DeployError
from target import sections
from tests.firmware.flash_setup import ORIGIN, board, image, tool_of
from tests.firmware.flash_stand_in import StandIn

__all__ = ["board", "image"]  # fixtures


COMMANDS = {
    "openocd": "-f interface/stlink.cfg -f target/stm32f4x.cfg -c|adapter serial S1 -c|program f.elf verify reset exit",
    "pyocd": "flash --no-wait -t nrf52840 -u S1 f.hex",
    "stlink": "--reset --serial S1 write f.bin 0x8000000",
    "stm32cubeprogrammer": "-c port=SWD sn=S1 mode=UR reset=HWrst -w f.hex -v -rst",
    "dfu-util": "-d 0483:df11 -a 0 -S S1 -s 0x08000000:leave -D f.bin",
    "picotool": "load -f --ser S1 -v -x f.elf",
    "esptool": "--chip esp32s3 --port /dev/ttyACM0 write-flash 0x0 f.bin",
    "bossac": "-p /dev/ttyACM0 -e -w -v -b -R f.bin",
    "teensy-loader-cli": "--mcu=TEENSY41 -s -v f.hex",
    "nrfutil": "device program --firmware f.hex --options chip_erase_mode=ERASE_RANGES_TOUCHED_BY_FIRMWARE,"
    "verify=VERIFY_READ,reset=RESET_SYSTEM --serial-number S1",
    "adafruit-nrfutil": "dfu serial -pkg f.hex -p /dev/ttyACM0 -b 115200 --touch 1200",
    "jlink": "-NoGui 1 -ExitOnError 1 -AutoConnect 1 -If SWD -Speed 4000 -SelectEmuBySN S1 -Device NRF52840_XXAA",
}
SUCCESSES = {
    "openocd": "openocd_success",
    "pyocd": "pyocd_success",
    "stlink": "stlink_success",
    "stm32cubeprogrammer": "cube_success",
    "dfu-util": "dfu_util_success",
    "picotool": "picotool_success",
    "esptool": "esptool_success",
    "bossac": "bossac_success",
    "teensy-loader-cli": "teensy_success",
    "nrfutil": "nrfutil_success",
    "adafruit-nrfutil": "adafruit_nrfutil_success",
    "jlink": "jlink_success",
}
FAILURES = [
    ("openocd", "openocd_no_rights", r"LIBUSB_ERROR_ACCESS \(exit code 1\); let your user open the probe"),
    ("openocd", "openocd_locked", r"stm32x device protected \(exit code 1\); the chip is locked: unlock it"),
    ("pyocd", "pyocd_no_probe", r"No target device available \[load_cmd\] \(exit code 1\); connect the board's"),
    ("pyocd", "pyocd_no_pack", r"Target type .* \(exit code 1\); its device pack is missing: run `pyocd pack"),
    ("pyocd", "pyocd_locked", r"NRF52840 is locked .* the chip is locked: `pyocd erase --mass`"),
    ("stlink", "stlink_no_probe", r"Couldn't find any ST-Link devices \(exit code 255\); connect the board's ST-L"),
    ("stlink", "stlink_wrong_chip", r"unknown chip id! 0x413 \(exit code 255\); another chip is on the probe"),
    ("stlink", "stlink_locked", r"Flash memory is write protected \(exit code 255\); the chip is locked"),
    ("stm32cubeprogrammer", "cube_no_probe", r"Error: No debug probe detected. \(exit code 1\); connect"),
    ("dfu-util", "dfu_util_no_board", r"No DFU capable USB device available \(exit code 74\); put the board into"),
    ("picotool", "picotool_no_board", r"No accessible .* \(exit code 249\); hold BOOTSEL while"),
    ("esptool", "esptool_no_port", r"Could not open /dev/ttyACM9, .* \(exit code 2\); check the port in bench.toml"),
    ("esptool", "esptool_wrong_chip", r"another chip is there: expected ESP32-C3, received ESP32-S3; connect"),
    ("bossac", "bossac_no_port", r"No device found on /dev/ttyACM9 \(exit code 1\); press reset twice"),
    ("teensy-loader-cli", "teensy_no_board", r"Unable to open device .* press the button on the Teensy"),
    ("nrfutil", "nrfutil_no_board", r"Error: No devices found \(exit code 1\); connect the board's debug port"),
    ("adafruit-nrfutil", "adafruit_nrfutil_no_port", r".*could not be opened .* \(exit code 0\); check the port in"),
    ("adafruit-nrfutil", "adafruit_nrfutil_not_in_dfu", r".*Target is not in DFU mode.* \(exit code 0\); press reset"),
    ("jlink", "jlink_no_probe", r"Connecting to J-Link via USB...FAILED.* connect the J-Link"),
]


def test_every_tool_has_a_command_here() -> None:
    modules = {name: import_module(f"deploy.flashers.{name.replace('-', '_')}") for name in sections.flashers()}
    others = {name for name, module in modules.items() if issubclass(module.FLASHER, FlashTool)} - {*COMMANDS, "uf2"}
    assert not others, f"no command of {others} is tested"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_names_probe_and_port(name: str, board: target.Target) -> None:
    tool = tool_of(board, name)
    job = Job(Path(f"f{tool.image_suffix}"), "serial:///dev/ttyACM0?baud=921600", "S1")
    expected = [word.replace("|", " ") for word in COMMANDS[name].replace("-c|", "-c\0").split(" ")]
    words = " ".join(expected).replace("\0", " ")
    assert " ".join(tool.command(job)) == f"{tool.program} {words}"
    assert all("\0" not in word for word in tool.command(job))


@pytest.mark.parametrize(("name", "transcript"), SUCCESSES.items())
def test_success_is_judged_as_the_tool_needs_it(
    name: str, transcript: str, board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tool_of(board, name)
    stand_in = StandIn(tool.program, tmp_path, monkeypatch)
    stand_in.replays(transcript)
    assert tool.write(image, "serial:///dev/ttyACM0?baud=1") == "serial:///dev/ttyACM0?baud=1"
    assert stand_in.calls()


@pytest.mark.parametrize(("name", "transcript", "message"), FAILURES)
def test_each_failure_has_its_next_step(
    name: str,
    transcript: str,
    message: str,
    board: target.Target,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool = tool_of(board, name)
    StandIn(tool.program, tmp_path, monkeypatch).replays(transcript)
    with pytest.raises(DeployError, match=rf"^nucleo: {tool.program}: .*{message}") as caught:
        tool.flash(Job(image, "serial:///dev/ttyACM0"))
    assert "\n" not in str(caught.value)


def test_no_answer_at_all_is_no_success(
    board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent_are_fine = {"pyocd", "picotool", "nrfutil"}  # judged by their exit code and refusals
    for number, name in enumerate(COMMANDS):
        tool = tool_of(board, name)
        folder = tmp_path / str(number)
        folder.mkdir()
        StandIn(tool.program, folder, monkeypatch).answers(0, "")
        if name in silent_are_fine:
            tool.flash(Job(image, "serial:///dev/ttyACM0"))
            continue
        with pytest.raises(DeployError, match=r"exit code 0"):
            tool.flash(Job(image, "serial:///dev/ttyACM0"))


def test_a_tool_that_does_not_end_is_stopped(
    board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = StandIn("openocd", tmp_path, monkeypatch)
    stand_in.hangs()
    tool = tool_of(board, "openocd")
    monkeypatch.setattr(type(tool), "timeout_s", 0.3)
    with pytest.raises(DeployError, match=r"^nucleo: openocd: did not end within 0.3 s; check the cable"):
        tool.flash(Job(image, ""))


def test_the_first_installed_flasher_is_taken(
    board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = dataclasses.replace(board, other_flashers=("stlink", "pyocd"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool_of(board, "").name == "openocd"
    StandIn("pyocd", tmp_path, monkeypatch).answers(0, "")
    assert tool_of(board, "").name == "pyocd"
    (tmp_path / "bench.toml").write_text('[nucleo]\nflasher = "stlink"\n')
    assert tool_of(board, "").name == "stlink"
    assert tool_of(board, "jlink").name == "jlink"


def test_a_uf2_board_takes_its_image_and_restarts(
    board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drive is a folder; a thread that ends the drive once the file is whole stands for the board."""
    folder = tmp_path / "FEATHER"
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text("UF2 Bootloader 0.4\nModel: Feather STM32F405\nBoard-ID: STM32F405-v0\n")
    monkeypatch.setattr(uf2, "drives", lambda: drives([folder, tmp_path / "none"]))
    (tmp_path / "f.bin").write_bytes(b"x" * 1000)
    taken: list[bytes] = []

    def take() -> None:
        while not (folder / "firmware.uf2").is_file() or (folder / "firmware.uf2").stat().st_size < 4 * 512:
            pass
        taken.append((folder / "firmware.uf2").read_bytes())
        (folder / "INFO_UF2.TXT").unlink()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    tool = tool_of(board, "uf2")
    tool.check()
    tool.write(tmp_path / "f.bin", "serial:///dev/ttyACM0?baud=1")
    thread.join()
    assert len(taken[0]) == 4 * 512
    assert taken[0][28:32] == (0x57755A57).to_bytes(4, "little")


def test_a_uf2_board_that_does_not_restart_did_not_take_it(
    board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "INFO_UF2.TXT").write_text("Board-ID: Feather\n")
    monkeypatch.setattr(uf2, "drives", lambda: [Drive(tmp_path, "Feather", "")])
    monkeypatch.setattr(uf2, "WRITTEN_S", 0.2)
    (tmp_path / "f.uf2").write_bytes(images.uf2_of([Segment(ORIGIN, b"x")], 1))
    with pytest.raises(DeployError, match=r"the board did not restart within 0.2 s, so it did not take the image"):
        tool_of(board, "uf2").flash(Job(tmp_path / "f.uf2"))
    monkeypatch.setattr(uf2, "drives", lambda: [Drive(tmp_path, "RPI-RP2", "")])
    with pytest.raises(DeployError, match=r"^nucleo: no drive of a board Feather \(mounted: .*RPI-RP2\)\); hold BOOT"):
        tool_of(board, "uf2").check()


def test_the_same_image_is_not_flashed_again(
    board: target.Target, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = StandIn("openocd", tmp_path, monkeypatch)
    stand_in.replays("openocd_success")
    said: list[str] = []
    tool = tool_of(board, "openocd")
    tool.say = said.append
    answers = iter([True, False])
    monkeypatch.setattr(images, "check_fits", lambda target, image: None)
    monkeypatch.setattr(flashed, "answers_with", lambda link, image: next(answers))
    elf = image.with_suffix(".elf")
    tool.start(elf)
    tool.start(elf)
    assert len(stand_in.calls()) == 1
    assert said[-1] == "nucleo: runs this image already; it is not flashed again"
    tool.start(elf)  # the device does not answer with it any more
    assert len(stand_in.calls()) == 2
    stand_in.answers(1, "Error: open failed")
    elf.write_bytes(b"another")
    with pytest.raises(DeployError):
        tool.start(elf)
    assert flashed.store().read_text() == "{}"  # its content is not known now
