"""Boards that nobody has plugged in here: they build, their image is what their chip boots, and their clocks add up."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

import process
import target
from deploy import images
from errors import CompileError
from target.sections import FIRMWARE_DIR as FIRMWARE
from tests.firmware.standin import build

ALL = [name for name in target.names() if (b := target.load(name)).mcu is not None and b.measured_on == "hardware"]
HARDWARE = [name for name in ALL if (mcu := target.load(name).mcu) and not mcu.by_pico_sdk]
ONE_OF_EACH_FAMILY = {mcu.family: name for name in HARDWARE if (mcu := target.load(name).mcu)}


def errors_of(name: str, **changes: int) -> str:
    """Compile the sources of a board's family, without building an image, and return what the compiler says."""
    mcu = target.load(name).mcu
    assert mcu
    facts = {"CLOCK_HZ": mcu.clock_hz, "UART_BAUD": mcu.uart_baud} | changes
    script = (FIRMWARE / "families" / mcu.family / "family.cmake").read_text()
    folders = [FIRMWARE / "families", FIRMWARE / "port", FIRMWARE / "boards" / mcu.board]
    done = process.run(
        [
            "arm-none-eabi-gcc", "-fsyntax-only", "-std=c11", "-Wall", "-Wextra", "-Werror", *mcu.cpu_flags.split(),
            *(f"-D{fact}={value}u" for fact, value in facts.items()), *(f"-I{folder}" for folder in folders),
            *(str(FIRMWARE / source) for source in re.findall(r"families/[\w/]+\.c", script)),
        ],
        error=CompileError,
        timeout_s=60,
        check=False,
    )  # fmt: skip
    return done.stderr


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY.values())
def test_a_board_of_each_family_builds_an_image_that_its_chip_boots(name: str, tmp_path: Path) -> None:
    board = target.load(name)
    assert board.mcu
    image = build(name, tmp_path)
    images.check_fits(board, image.elf)
    assert image.binary
    binary = image.binary.read_bytes()
    vectors = 256 if board.mcu.family == "rp2040" else 0  # behind its boot block, see test_rp2040.py
    stack, reset = struct.unpack_from("<2I", binary, vectors)
    assert board.mcu.ram_origin < stack <= board.mcu.ram_origin + board.mcu.ram_bytes
    assert reset & 1  # Thumb
    assert board.mcu.flash_origin <= reset < board.mcu.flash_origin + board.mcu.flash_bytes
    assert image.hex
    for form in (image.hex, image.elf):  # objcopy fills gaps between sections with zeros, erased flash has ones
        data = images.flat(images.read_segments(form), board.mcu.flash_origin)
        assert len(data) == len(binary)
        assert all(ours in (theirs, 0xFF) for ours, theirs in zip(data, binary, strict=True))


@pytest.mark.parametrize("name", HARDWARE)
def test_every_board_compiles(name: str) -> None:
    assert errors_of(name) == ""


@pytest.mark.parametrize("name", ALL)
def test_every_board_says_how_far_it_was_tried_and_can_be_flashed(name: str) -> None:
    board = target.load(name)
    assert board.tried.startswith(("built only", "emulated: "))
    assert board.flasher


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("nucleo-f446re", {"CLOCK_HZ": 168_000_000}, "clock_hz in the TOML is not what PLL_N and PLL_P give"),
        ("nucleo-l476rg", {"CLOCK_HZ": 72_000_000}, "clock_hz in the TOML is not what PLL_N gives"),
        ("nucleo-h743zi2", {"CLOCK_HZ": 480_000_000}, "clock_hz in the TOML is not what PLL_N gives"),
        ("nrf52840-dk", {"CLOCK_HZ": 128_000_000}, "clock_hz: the nRF52840 has one clock, 64 MHz"),
        ("nrf52840-dk", {"UART_BAUD": 921_000}, "UART_BAUD: uart_baud of the target's TOML is none of"),
        ("nucleo-f446re", {"UART_BAUD": 30_000_000}, "uart_baud: the clock of the USART has no divisor"),
    ],
)
def test_clocks_that_do_not_add_up_stop_the_build(name: str, changes: dict[str, int], message: str) -> None:
    assert message in errors_of(name, **changes)


@pytest.mark.parametrize("baud", [9600, 115_200])
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY.values())
def test_the_baud_rates_of_mlperf_tinys_runner_can_be_built(name: str, baud: int) -> None:
    assert errors_of(name, UART_BAUD=baud) == ""
