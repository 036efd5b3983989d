"""A family and a board are added as CONTRIBUTING says, in a copy of the firmware, and run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import target
from compilers.image import firmware
from deploy.flashers import flasher_for
from deploy.session import Session
from errors import CompileError
from target import sections
from tests.firmware.standin import INPUT_BYTES, MODEL, STANDIN, expected_output

CMAKE = """include(${FIRMWARE}/families/cortex_m/cortex_m.cmake)
target_sources(firmware PRIVATE families/acme/acme.c families/cmsdk/uart.c)
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> target.Target:
    """Return a target of the new family, whose registers are those of the MPS2."""
    copy = tmp_path / "firmware"
    shutil.copytree(firmware.FIRMWARE_DIR, copy)
    monkeypatch.setattr(firmware, "FIRMWARE_DIR", copy)
    monkeypatch.setattr(sections, "FIRMWARE_DIR", copy)
    (copy / "families" / "acme").mkdir()
    (copy / "families" / "acme" / "family.cmake").write_text(CMAKE)
    shutil.copy(copy / "families" / "mps2" / "mps2.c", copy / "families" / "acme" / "acme.c")
    shutil.copytree(copy / "boards" / "mps2", copy / "boards" / "acme-one")
    text = (target.TARGETS_DIR / "qemu-m3.toml").read_text()
    text = text.replace('family = "mps2"', 'family = "acme"').replace('board = "mps2"', 'board = "acme-one"')
    (tmp_path / "acme-one.toml").write_text(text)
    return target.load_file(tmp_path / "acme-one.toml")


def build(board: target.Target, out: Path) -> firmware.FirmwareImage:
    return firmware.build_firmware(board, MODEL, out, overrides={"ENGINE_DIR": str(STANDIN)})


@pytest.mark.emulated
def test_a_new_family_is_a_folder_and_its_board_another(board: target.Target, tmp_path: Path) -> None:
    image = build(board, tmp_path / "out")
    with Session(flasher_for(board).start(image.elf)) as session:
        assert session.info.board == "acme-one"
        assert session.infer(bytes(INPUT_BYTES)).output_bytes == expected_output(bytes(INPUT_BYTES))


@pytest.mark.parametrize("fact", ["UART_BASE", "UART_IRQ", "DUAL_TIMER_BASE"])
def test_a_fact_that_the_board_lacks_stops_the_build_with_its_name(
    board: target.Target, tmp_path: Path, fact: str
) -> None:
    header = tmp_path / "firmware" / "boards" / "acme-one" / "board.h"
    header.write_text(re.sub(rf"^#define {fact} .*\n", "", header.read_text(), flags=re.MULTILINE))
    with pytest.raises(CompileError, match=fact):
        build(board, tmp_path / "out")


def test_another_board_does_not_change_the_revision(board: target.Target, tmp_path: Path) -> None:
    before = firmware.firmware_revision(board)
    (tmp_path / "firmware" / "boards" / "mps2" / "board.h").write_text("/* changed */\n")
    assert firmware.firmware_revision(board) == before
    (tmp_path / "firmware" / "boards" / "acme-one" / "board.h").write_text("/* changed */\n")
    assert firmware.firmware_revision(board) != before
