"""Building: the same bytes from the same inputs, sizes that agree, and one line for each thing that can go wrong."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import target
from artifact import ROOT, sha256_of
from compilers.image import cmake, firmware
from compilers.image.elf_sizes import read_sizes
from compilers.image.toolchain import TOOLCHAINS
from errors import CompileError, FitError
from tests.firmware.conftest import Images
from tests.firmware.standin import MODEL, STANDIN, build

BOARD = "qemu-m4"


def with_mcu(name: str, **changes: object) -> target.Target:
    board = target.load(name)
    assert board.mcu
    return dataclasses.replace(board, mcu=dataclasses.replace(board.mcu, **changes))  # type: ignore[arg-type]


def build_target(board: target.Target, out: Path, **overrides: str) -> firmware.FirmwareImage:
    return firmware.build_firmware(board, MODEL, out, overrides={"ENGINE_DIR": str(STANDIN)} | overrides)


def test_the_same_sources_elsewhere_give_the_same_bytes(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = images(BOARD)
    there = tmp_path / "a checkout with spaces" / "firmware"
    shutil.copytree(firmware.FIRMWARE_DIR, there)
    monkeypatch.setattr(firmware, "FIRMWARE_DIR", there)
    monkeypatch.setenv("CFLAGS", "-O0 -DNONSENSE")
    monkeypatch.setenv("CCACHE_DISABLE", "1")  # which would take the objects that were compiled here
    standin = there / "tests" / "standin"
    again = firmware.build_firmware(
        target.load(BOARD),
        dataclasses.replace(MODEL, folder=standin),
        tmp_path / "out there",
        overrides={"ENGINE_DIR": str(standin)},
    )
    assert again.revision == first.revision
    assert first.binary and again.binary and first.hex and again.hex  # noqa: PT018
    for ours, theirs in ((first.binary, again.binary), (first.hex, again.hex), (first.elf, again.elf)):
        assert sha256_of(ours) == sha256_of(theirs)


def test_objects_of_an_earlier_build_are_used_again(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which(cmake.COMPILER_CACHE):
        pytest.skip(f"{cmake.COMPILER_CACHE} is not installed")
    first = images(BOARD)
    monkeypatch.setenv("CCACHE_STATSLOG", str(tmp_path / "statistics"))
    again = build(BOARD, tmp_path / "out")
    results = re.findall(r"^\w+$", (tmp_path / "statistics").read_text(), re.MULTILINE)
    assert sum(result.endswith("cache_hit") for result in results) > 10
    assert "cache_miss" not in results
    assert sha256_of(again.elf) == sha256_of(first.elf)


def test_builds_need_no_cache_of_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert cmake._compiler_cache() == {}


def test_no_path_of_this_machine_is_in_the_image(images: Images) -> None:
    assert str(ROOT).encode() not in images(BOARD).elf.read_bytes()


def test_sizes_are_those_of_the_image(images: Images) -> None:
    image = images(BOARD)
    assert image.binary
    # The vector table ends before .text is aligned to 128 bytes at most; all else in flash is back to back.
    assert 0 <= image.binary.stat().st_size - image.flash_bytes < 128
    assert image.flash_bytes == image.code_bytes + image.constant_bytes + image.weights_bytes
    assert image.stack_bytes + image.arena_bytes < image.ram_bytes < image.stack_bytes + image.arena_bytes + 8192
    assert image.code_bytes + image.constant_bytes < 16384
    assert image.facts()["arena"] == image.arena_bytes


def test_the_revision_follows_the_sources_and_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board, other = target.load(BOARD), target.load("qemu-m3")
    before = firmware.firmware_revision(board)
    assert re.fullmatch(r"[0-9a-f]{12}", before)
    assert firmware.firmware_revision(other) != before
    shutil.copytree(firmware.FIRMWARE_DIR, tmp_path / "firmware")
    monkeypatch.setattr(firmware, "FIRMWARE_DIR", tmp_path / "firmware")
    assert firmware.firmware_revision(board) == before
    (tmp_path / "firmware" / "app" / "main.c").write_bytes(b"int main(void) { return 0; }\n")
    assert firmware.firmware_revision(board) != before


@pytest.mark.parametrize(
    ("memory", "changes"),
    [
        ("RAM", {"ram_bytes": 8192}),
        ("flash", {"flash_bytes": 4096}),
        ("RAM", {"stack_bytes": 120_000, "ram_bytes": 0x1D800}),
    ],
)
def test_a_board_without_room_is_a_fit_error_with_the_bytes(
    tmp_path: Path, memory: str, changes: dict[str, int]
) -> None:
    with pytest.raises(FitError, match=rf"^qemu-m4: {memory} is short by [\d,]+ bytes at link time; "):
        build_target(with_mcu(BOARD, **changes), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_the_shortage_is_exact(images: Images, tmp_path: Path) -> None:
    needed = images(BOARD).ram_bytes
    with pytest.raises(FitError, match=r"short by 4 bytes"):
        build_target(with_mcu(BOARD, ram_bytes=needed - 4), tmp_path)
    build_target(with_mcu(BOARD, ram_bytes=needed), tmp_path)


def test_an_image_in_two_parts_has_no_binary(images: Images) -> None:
    image = images("qemu-m55")
    assert image.binary is None
    assert image.hex
    assert image.hex.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("program", "package"),
    [("cmake", "cmake"), ("ninja", "ninja-build"), ("arm-none-eabi-gcc", "gcc-arm-none-eabi")],
)
def test_a_missing_tool_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, package: str
) -> None:
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == program else real(name))
    with pytest.raises(CompileError, match=rf"^{program}: not found; install it with: apt install {package}$"):
        build(BOARD, tmp_path)


@pytest.mark.parametrize(
    ("compiler", "library", "message"),
    [
        ("arm-none-eabi-gcc", "nano.specs", r"no C library; install it with: apt install libnewlib-arm-none-eabi$"),
        (
            "arm-none-eabi-g++",
            "libstdc++_nano.a",
            r"no C\+\+ library; install it with: apt install libstdc\+\+-arm-none-eabi-newlib$",
        ),
    ],
)
def test_a_missing_library_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str, library: str, message: str
) -> None:
    stand_in = tmp_path / compiler  # what gcc prints of a file that it does not find
    stand_in.write_text(f"#!/bin/sh\necho {library}\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    toolchain = TOOLCHAINS["arm-none-eabi"]
    with pytest.raises(CompileError, match=rf"^{re.escape(compiler)}: {message}"):
        toolchain.check_cpp() if compiler == toolchain.cpp_compiler else toolchain.check()


def test_a_toolchain_without_cpp_gives_the_engine_that_needs_none() -> None:
    with pytest.raises(CompileError, match=r"^riscv64-unknown-elf: Debian has no C\+\+ library .*: --engine aot$"):
        TOOLCHAINS["riscv64-unknown-elf"].check_cpp()


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("int main(void) { return missing_name; }", r"main\.c:1:\d+: error: .missing_name. undeclared"),
        ('#include "missing.h"\nint main(void) { return 0; }', r"main\.c:1:\d+: fatal error: missing\.h: No such file"),
        ('int main(void) { __asm("bad r0"); return 0; }', r": Error: bad instruction `bad r0'"),
        ("int missing(void);\nint main(void) { return missing(); }", r"undefined reference to `missing'"),
    ],
)
def test_a_failed_build_shows_the_first_error_keeps_the_log_and_leaves_no_image(
    tmp_path: Path, logs: Path, source: str, error: str
) -> None:
    broken = tmp_path / "main.c"
    broken.write_text(f"{source}\n")
    with pytest.raises(CompileError) as caught:
        build(BOARD, tmp_path / "out", {"APP_SOURCES": str(broken)})
    log = logs / f"firmware-{BOARD}.log"
    assert re.fullmatch(
        rf"{BOARD}: the firmware's build failed: .*{error}.*; all output is in {re.escape(str(log))}", str(caught.value)
    )
    assert re.search(error, log.read_text())
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (
            "CMake Error at CMakeLists.txt:24 (message):\n  BOARD is not set;\n  set it\n\n\n-- Configuring\n",
            "CMake Error at CMakeLists.txt:24 (message): BOARD is not set; set it",
        ),
        ("[1/2] cc a.c\nninja: error: loading 'build.ninja'\n", "ninja: error: loading 'build.ninja'"),
        ("a.c: In function 'f':\na.c:3:1: error: one\na.c:4:1: error: two\n", "a.c:3:1: error: one"),
        (
            "x/bin/ld: cannot find -lm: No such file\ncollect2: error: ld returned 1 exit status\n",
            "x/bin/ld: cannot find",
        ),
        ("/tmp/s.s: Assembler messages:\n/tmp/s.s:7: Error: bad instruction\n", "/tmp/s.s:7: Error: bad instruction"),
        ("a.c:1:1: note: declared here\nsomething else\n\n", "something else"),
        ("", "no output"),
    ],
)
def test_the_first_error_of_each_tool_is_found(output: str, error: str) -> None:
    assert cmake.first_error(output).startswith(error)
    assert len(cmake.first_error(output + "x" * 10_000)) <= cmake.SHOWN_CHARACTERS


def test_a_core_that_the_compiler_does_not_know_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"cortex-m9"):
        build_target(with_mcu(BOARD, cpu_flags="-mcpu=cortex-m9"), tmp_path)


def test_a_folder_without_a_network_is_an_error(tmp_path: Path) -> None:
    empty = dataclasses.replace(MODEL, folder=tmp_path)
    with pytest.raises(CompileError, match=r"engines/CMakeLists\.txt|no compiled network"):
        firmware.build_firmware(target.load(BOARD), empty, tmp_path / "out")


def test_an_arena_that_differs_from_the_plan_is_an_error(tmp_path: Path) -> None:
    wrong = dataclasses.replace(MODEL, arena_bytes=9999)
    with pytest.raises(CompileError, match=r"^qemu-m4: arena: planned 9,999 bytes, the linker placed 3,088; "):
        firmware.build_firmware(target.load(BOARD), wrong, tmp_path / "out", overrides={"ENGINE_DIR": str(STANDIN)})


@pytest.mark.parametrize("fact", ["STACK_BYTES", "RAM_BYTES", "FLASH_ORIGIN", "BOARD_NAME", "MODEL_INPUT_BYTES"])
def test_a_missing_fact_stops_the_build_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fact: str
) -> None:
    real = firmware._facts
    monkeypatch.setattr(
        firmware, "_facts", lambda *given: [item for item in real(*given) if not item.startswith(f"{fact}=")]
    )
    with pytest.raises(CompileError, match=fact):
        build(BOARD, tmp_path)


def test_an_image_that_is_not_elf_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "firmware.elf").write_bytes(b"not ELF")
    with pytest.raises(CompileError, match=r"firmware\.elf: not an ELF image \(.*\); build it again$"):
        read_sizes(tmp_path / "firmware.elf")
    with pytest.raises(CompileError, match=r"none\.elf: not an ELF image"):
        read_sizes(tmp_path / "none.elf")


def test_sizes_agree_with_the_compilers_own_tools(images: Images) -> None:
    elf = images(BOARD).elf
    sizes = read_sizes(elf)
    command = [f"{TOOLCHAINS['arm-none-eabi'].prefix}size", "-A", str(elf)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^(\.\S+)\s+(\d+)\s+(\d+)$", printed, re.MULTILINE)
    assert len(rows) > 8
    for name, size, address in rows:
        assert (sizes.sections[name].size, sizes.sections[name].address) == (int(size), int(address)), name
    assert sizes.arena_bytes == MODEL.arena_bytes
    assert sizes.end_of(".none") == sizes.bytes_of(".none") == 0
