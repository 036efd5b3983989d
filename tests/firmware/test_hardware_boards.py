"""Boards that nobody has plugged in here: they build, their image is what their chip boots, and their clocks add up."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import pytest

import target
from compilers.image.firmware import build_firmware
from deploy import images
from errors import CompileError
from tests.firmware.standin import MODEL, STANDIN, build

HARDWARE = [
    name for name in target.names() if (board := target.load(name)).mcu is not None and board.measured_on == "hardware"
]


@pytest.mark.parametrize("name", HARDWARE)
def test_every_board_builds_an_image_that_its_chip_boots(name: str, tmp_path: Path) -> None:
    board = target.load(name)
    assert board.mcu
    image = build(name, tmp_path)
    images.check_fits(board, image.elf)
    assert image.binary
    vectors = 256 if board.mcu.family == "rp2040" else 0  # behind its boot block, see test_rp2040.py
    stack, reset = struct.unpack_from("<2I", image.binary.read_bytes(), vectors)
    assert board.mcu.ram_origin < stack <= board.mcu.ram_origin + board.mcu.ram_bytes
    assert reset & 1  # Thumb
    assert board.mcu.flash_origin <= reset < board.mcu.flash_origin + board.mcu.flash_bytes
    # The forms that the flash tools take hold the same bytes.
    assert image.hex
    for form in (image.hex, image.elf):
        data = images.flat(images.read_segments(form), board.mcu.flash_origin)
        assert len(data) == len(image.binary.read_bytes())
    assert (
        images.flat(images.read_segments(image.hex), board.mcu.flash_origin)[:4096]
        == (image.binary.read_bytes()[:4096])
    )


@pytest.mark.parametrize("name", HARDWARE)
def test_every_board_says_how_far_it_was_tried_and_can_be_flashed(name: str) -> None:
    board = target.load(name)
    assert board.tried.startswith(("built only", "emulated: "))
    assert board.flasher


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("nucleo-f446re", {"clock_hz": 168_000_000}, "clock_hz in the TOML is not what PLL_N and PLL_P give"),
        ("nucleo-l476rg", {"clock_hz": 72_000_000}, "clock_hz in the TOML is not what PLL_N gives"),
        ("nucleo-h743zi2", {"clock_hz": 480_000_000}, "clock_hz in the TOML is not what PLL_N gives"),
        ("nrf52840-dk", {"clock_hz": 128_000_000}, "clock_hz: the nRF52840 has one clock, 64 MHz"),
        ("nrf52840-dk", {"uart_baud": 921_000}, "UART_BAUD: uart_baud of the target's TOML is none of"),
        ("nucleo-f446re", {"uart_baud": 30_000_000}, "uart_baud: the clock of the USART has no divisor"),
    ],
)
def test_clocks_that_do_not_add_up_stop_the_build(
    name: str, changes: dict[str, int], message: str, tmp_path: Path
) -> None:
    board = target.load(name)
    assert board.mcu
    wrong = dataclasses.replace(board, mcu=dataclasses.replace(board.mcu, **changes))  # type: ignore[arg-type]
    with pytest.raises(CompileError, match=message):
        build_firmware(wrong, MODEL, tmp_path, overrides={"ENGINE_DIR": str(STANDIN)})
