"""`inv flash`: what is refused before a tool is started, and what the tool gets. The tool is a stand-in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import artifact
import target
import tasks  # noqa: F401  # makes the commands
from deploy import bench_file, flashed, images
from deploy.images import Segment
from pipeline import flashing
from pipeline.command_line import main
from tests.firmware.flash_stand_in import StandIn
from tests.schemas import checked


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_file, "BENCH", tmp_path / "bench.toml")
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path / "build")
    monkeypatch.setattr(flashed, "ANSWER_S", 0.1)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    made = tmp_path / "mine.hex"
    made.write_bytes(images.hex_of([Segment(0x08000000, bytes(300))]))
    return made


def test_an_image_is_flashed_to_the_board_of_a_link(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = StandIn("st-flash", tmp_path, monkeypatch)
    tool.replays("stlink_success")
    words = ["flash", "nucleo-f446re", str(image), "--flasher", "stlink", "--link", "serial:///dev/null?baud=115200"]
    assert main([*words, "--json"]) == 0
    printed = capsys.readouterr()
    assert checked("flash", printed.out) == {
        "target": "nucleo-f446re", "image": str(image), "link": "serial:///dev/null?baud=115200",
    }  # fmt: skip
    assert "serial:///dev/null?baud=115200" in printed.err
    ((_, *arguments),) = tool.calls()
    assert arguments == ["--reset", "write", "mine.bin", "0x8000000"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["qemu-m4"], "--target qemu-m4: is not flashed: it is an emulator"),
        (["rpi4"], "--target rpi4: is not flashed"),
        (["nucleo-f446re", "none.hex"], "none.hex: no such image; build it first"),
        (["nrf52840-dk", "IMAGE"], "writes to 0x08000000, outside the flash of nrf52840-dk"),
        (["nucleo-f446re", "IMAGE", "--flasher", "opncd"], "--flasher opncd"),
        (["nucleo-f446re", "IMAGE", "--flasher", "qemu"], "flasher qemu serves targets with link qemu, not serial"),
    ],
)
def test_what_can_not_be_flashed_is_one_line(
    words: list[str], message: str, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flash", *(str(image) if word == "IMAGE" else word for word in words)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_all_forms_of_an_image_are_listed(tmp_path: Path) -> None:
    for suffix in (".elf", ".bin", ".map", ".hex"):
        (tmp_path / f"firmware{suffix}").write_text("")
    board = target.load("nucleo-f446re")
    names = [path.name for path in flashing.forms(tmp_path / "firmware.elf", board)]
    assert names == ["firmware.elf", "firmware.hex", "firmware.bin"]


def test_a_board_that_takes_uf2_gets_one(image: Path) -> None:
    board = replace(target.load("feather-stm32f405"), flash_arguments={"uf2": ("Feather", "0x57755a57")})
    *_, made = flashing.forms(image, board)
    assert made.suffix == ".uf2"
    assert images.read_segments(made)[0].address == 0x08000000


@pytest.mark.parametrize(
    "name", [n for n in target.names() if (board := target.load(n)).mcu and board.link == "serial"]
)
def test_every_board_with_a_serial_line_has_arguments_for_its_flashers(name: str) -> None:
    from deploy.flash_tool import FlashTool
    from deploy.flashers import flasher_for

    board = target.load(name)
    for flasher in (board.flasher, *board.other_flashers):
        tool = flasher_for(board, flasher)
        assert isinstance(tool, FlashTool)
        tool.check_options()
