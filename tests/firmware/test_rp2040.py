"""The RP2040's boot block, and the emulator rp2040js that starts it as the chip's ROM does."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import target
from compilers.image.firmware import FIRMWARE_DIR
from deploy.flashers import flasher_for, rp2040js
from deploy.images import in_form, read_segments
from errors import DeployError
from tests.firmware.conftest import Images

BOARD = "pico-uart"
FAMILY = FIRMWARE_DIR / "families" / "rp2040"
BOOT_BYTES = 256
# A block that reads flash by the plain command 03h, and its checksum by the Pico SDK's own tool.
PLAIN = (
    "20004b0a 20046098 48096158 20006018 48086058 60084908 60982001 49084807 c8066008 8808f381 00004710 18000000"
    "001f0300 03000218 180000f4 10000100 e000ed08"
)
PLAIN_CHECKSUM = 0xC0278CA8


def with_checksum(block: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "boot2.bin").write_bytes(block)
    command = ["cmake", "-D", "INPUT=boot2.bin", "-D", "OUTPUT=boot2.S", "-P", str(FAMILY / "checksum.cmake")]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_the_checksum_is_that_of_the_sdk(tmp_path: Path) -> None:
    text = PLAIN.replace(" ", "")
    block = b"".join(struct.pack("<I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    assert with_checksum(block, tmp_path).returncode == 0
    lines = (tmp_path / "boot2.S").read_text().split("\n")
    stored = bytes(int(line.split("0x")[1], 16) for line in lines if ".byte" in line)
    assert stored == block.ljust(BOOT_BYTES - 4, b"\0")
    assert [int(line.split("0x")[1], 16) for line in lines if ".word" in line] == [PLAIN_CHECKSUM]


def test_a_boot_block_that_is_too_long_stops_the_build(tmp_path: Path) -> None:
    assert with_checksum(bytes(BOOT_BYTES - 4), tmp_path).returncode == 0
    done = with_checksum(bytes(BOOT_BYTES - 3), tmp_path)
    assert done.returncode
    assert "253 bytes; the ROM takes 252 at most" in done.stderr


def test_the_image_begins_with_the_boot_block(images: Images) -> None:
    image = images(BOARD)
    assert image.binary
    data = image.binary.read_bytes()
    stack, reset = struct.unpack_from("<II", data, BOOT_BYTES)
    board = target.load(BOARD)
    assert board.mcu
    assert stack == board.mcu.ram_origin + board.mcu.stack_bytes
    assert board.mcu.flash_origin + BOOT_BYTES < reset < board.mcu.flash_origin + len(data)
    assert image.flash_bytes > len(data) - 64


def test_the_boot_loader_s_drive_takes_it_as_uf2(images: Images, tmp_path: Path) -> None:
    board, image = target.load("pico-serial"), images(BOARD)
    assert board.mcu
    assert image.binary
    data = image.binary.read_bytes()
    uf2 = in_form(image.elf, ".uf2", tmp_path, board.mcu, int(board.flash_arguments["uf2"][1], 16)).read_bytes()
    blocks = [struct.unpack_from("<8I", uf2, at) for at in range(0, len(uf2), 512)]
    pages = -(-len(data) // 256)
    # Magic numbers, the flag of a family, address, bytes, number, count, and the RP2040's family.
    assert blocks == [
        (0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * i, 256, i, pages, 0xE48BFF56) for i in range(pages)
    ]
    written = b"".join(uf2[at + 32 : at + 288] for at in range(0, len(uf2), 512))
    for segment in read_segments(image.elf):
        assert written[segment.address - 0x10000000 :].startswith(segment.data)


@pytest.mark.emulated
@pytest.mark.parametrize(
    ("at", "expected"), [(0, "checksum is"), (BOOT_BYTES - 1, "checksum is"), (-1, "not an image")]
)
def test_what_the_rom_would_not_start_is_not_started(images: Images, tmp_path: Path, at: int, expected: str) -> None:
    binary = images(BOARD).binary
    assert binary
    data = bytearray(binary.read_bytes())
    if at >= 0:
        data[at] ^= 1
    (tmp_path / "firmware.bin").write_bytes(data if at >= 0 else data[:BOOT_BYTES])
    with pytest.raises(DeployError, match=rf"^pico-uart \(rp2040js\): ended at once \(ERROR rp2040js: .*{expected}"):
        flasher_for(target.load(BOARD)).start(tmp_path / "firmware.elf")


def test_a_missing_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"nothing\.bin: no such image; build it first$"):
        flasher_for(target.load(BOARD)).start(tmp_path / "nothing.elf")


@pytest.mark.parametrize(("missing", "package"), [("node", "nodejs"), ("npm", "npm")])
def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch, missing: str, package: str) -> None:
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else real(name))
    with pytest.raises(DeployError, match=rf"^{missing}: not found; install it with: apt install {package}$"):
        flasher_for(target.load(BOARD)).check()


def test_what_npm_says_is_shown_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text(
        "#!/bin/sh\nprintf 'npm ERR! code EINTEGRITY\\nnpm ERR! \\n'\n"
        "echo 'npm ERR! A complete log of this run can be found in:'\necho 'npm ERR!     x.log' >&2\nexit 1\n"
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    with pytest.raises(
        DeployError, match=r"^npm ci: npm ERR! code EINTEGRITY; .*`npm ping` reaches it, then run again$"
    ):
        rp2040js.install()
    assert not list((tmp_path / "build").rglob("bridge.mjs"))
