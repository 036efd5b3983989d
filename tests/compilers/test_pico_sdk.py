"""Firmware of boards of the Pico SDK: which SDK is taken, what is built, and what is said where it can't be built.

The SDK is the stand-in of export_standins, which compiles and links for the chips; nothing of it runs.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import target as targets
from artifact import Artifact
from compilers.export import pico_image, pico_sdk
from compilers.image import cmake, fit
from deploy import images
from errors import CompileError, ConfigError, FitError
from pipeline import preflight
from pipeline.request import Request
from tests.compilers.exports import STANDINS, WARNINGS, exported, includes, int8_artifact, run
from tests.compilers.test_compile import small_network
from tests.firmware.flash_stand_in import StandIn

BOARDS = ("pico", "pico-w", "pico2")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for all that is built, on a machine without an SDK."""
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    monkeypatch.setattr(cmake, "LOGS_DIR", tmp_path / "logs")
    monkeypatch.setattr(pico_sdk, "USUAL", (str(tmp_path / "sdk" / "*"),))
    monkeypatch.setattr(pico_sdk, "USUAL_TINYUSB", (str(tmp_path / "tinyusb*"),))
    monkeypatch.delenv("PICO_SDK_PATH", raising=False)
    monkeypatch.delenv("PICO_TINYUSB_PATH", raising=False)
    return tmp_path


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a stand-in that PICO_SDK_PATH names."""
    folder = Path(shutil.copytree(STANDINS / "pico-sdk", tmp_path / "an sdk"))
    monkeypatch.setenv("PICO_SDK_PATH", str(folder))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Artifact[object]:
    path = tmp_path / "small net.tflite"
    path.write_bytes(small_network())
    return int8_artifact(path)


def add_sdk(folder: Path, version: str, *, tinyusb: bool = True) -> Path:
    """Make a folder that is known as an SDK of a version."""
    folder.mkdir(parents=True)
    (folder / pico_sdk.INIT).write_text("")
    names = zip(("MAJOR", "MINOR", "REVISION"), version.split("."), strict=True)
    lines = "".join(f"    set(PICO_SDK_VERSION_{name} {number})\n" for name, number in names)
    (folder / "pico_sdk_version.cmake").write_text(lines)
    if tinyusb:
        (folder / "lib" / "tinyusb" / pico_sdk.TINYUSB).mkdir(parents=True)
    return folder


def test_the_sdk_builds_an_image_for_the_board(sdk: Path, model: Artifact[object], tmp_path: Path) -> None:
    board = targets.load("pico")
    assert board.mcu
    made = pico_image.compile_for(model, board)
    images.check_fits(board, made.path)
    facts = made.facts.memory
    binary = made.path.with_suffix(".bin").read_bytes()
    assert facts["flash"] == len(binary) == facts["code"] + facts["weights"]
    assert facts["stack"] == board.mcu.stack_bytes
    assert facts["arena"] + facts["stack"] < facts["ram"] < 32_768
    assert '#define BOARD_NAME "pico"' in (made.path.parent / "export/src/small_net/config.h").read_text()
    assert str(tmp_path).encode() not in made.path.read_bytes()
    assert pico_image.compile_for(model, board).reused
    uf2 = images.in_form(made.path, ".uf2", tmp_path, board.mcu, int(board.flash_arguments["uf2"][1], 16))
    assert images.flat(images.read_segments(uf2), board.mcu.flash_origin)[: len(binary)] == binary


@pytest.mark.parametrize(("core", "is_rp2040"), [("cortex-m0plus", 1), ("cortex-m33", 0)])
def test_the_port_compiles_for_each_core(core: str, is_rp2040: int, model: Artifact[object], tmp_path: Path) -> None:
    exported(model.path, tmp_path / "out", "pico-sdk", with_protocol=True, board="pico", kernels="dsp")
    flags = [
        f"-mcpu={core}",
        "-mthumb",
        "-std=gnu11",
        *WARNINGS,
        "-DPICO_ON_DEVICE=1",
        f"-DPICO_RP2040={is_rp2040}",
        *includes("pico-sdk"),
    ]
    run("arm-none-eabi-gcc", *flags, "-fsyntax-only", tmp_path / "out/src/small_net/serial.c")


def test_what_the_linker_finds_too_large_is_said_as_for_other_boards(
    sdk: Path, model: Artifact[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share of the SDK is an estimate, so that only its linker knows; a board of 20,000 bytes is too small."""
    board = targets.load("pico")
    assert board.mcu
    small = replace(board, mcu=replace(board.mcu, ram_bytes=20_000))

    def fail(*arguments: object) -> None:
        raise CompileError("region RAM overflowed")

    monkeypatch.setattr(pico_image, "_build", fail)
    with pytest.raises(FitError, match=r"pico: RAM is short by [\d,]+ bytes"):
        pico_image.compile_for(model, small)
    with pytest.raises(CompileError, match="region RAM overflowed"):
        pico_image.compile_for(model, board)


def test_an_image_of_another_sdk_is_built_again(sdk: Path) -> None:
    before = pico_sdk.find("pico").digest()
    (sdk / "src").mkdir()
    (sdk / "src" / "more.c").write_text("")
    assert pico_sdk.find("pico").digest() != before


def test_the_first_error_of_the_sdk_s_build_is_shown(sdk: Path, model: Artifact[object], tmp_path: Path) -> None:
    (sdk / "external/pico_sdk_import.cmake").write_text('message(FATAL_ERROR "no such chip")\n')
    with pytest.raises(CompileError) as caught:
        pico_image.compile_for(model, targets.load("pico"))
    assert str(caught.value).startswith("pico: the firmware's build failed: CMake Error at ")
    assert " no such chip; all output is in " in str(caught.value)
    assert (tmp_path / "logs" / "firmware-pico.log").is_file()


def test_an_sdk_that_builds_no_image_is_incomplete(
    sdk: Path, model: Artifact[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cmake, "run", lambda *command, **more: None)
    with pytest.raises(CompileError, match=r"pico: the Pico SDK built no small_net_serve.elf; see whether .* is whole"):
        pico_image.compile_for(model, targets.load("pico"))


def test_a_build_that_never_ends(
    sdk: Path, model: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pico_image.check(targets.load("pico"))
    monkeypatch.setattr(pico_image, "check", lambda board: None)
    monkeypatch.setattr(cmake, "TIMEOUT_S", 0.3)
    StandIn("cmake", tmp_path, monkeypatch).hangs()
    with pytest.raises(CompileError, match=r"cmake: did not end within 0\.3 s; a build with the Pico SDK takes"):
        pico_image.compile_for(model, targets.load("pico"))


def test_a_network_that_does_not_fit_is_not_built(
    sdk: Path, model: Artifact[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cmake, "run", None)
    board = targets.load("pico")
    assert board.mcu
    small = replace(board, mcu=replace(board.mcu, ram_bytes=100))
    with pytest.raises(FitError, match=r"^pico: RAM is short by [\d,]+ bytes: "):
        pico_image.compile_for(model, small)


def test_the_sdk_of_the_variable_is_taken_before_the_newest_in_a_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sdk(tmp_path / "sdk" / "a", "2.9.0")
    newest = add_sdk(tmp_path / "sdk" / "b", "2.10.1")
    named = add_sdk(tmp_path / "named", "2.0.0")
    (tmp_path / "sdk" / "no sdk").mkdir()
    assert (pico_sdk.find("pico").folder, pico_sdk.find("pico").version_text) == (newest, "2.10.1")
    monkeypatch.setenv("PICO_SDK_PATH", str(named))
    assert pico_sdk.find("pico").folder == named


def test_tinyusb_may_be_beside_the_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sdk(tmp_path / "sdk" / "debian", "2.1.1", tinyusb=False)
    beside = tmp_path / "tinyusb-0.18"
    with pytest.raises(CompileError, match=r"^pico: .*: TinyUSB is missing, .* submodule update --init lib/tinyusb$"):
        pico_sdk.find("pico")
    (beside / pico_sdk.TINYUSB).mkdir(parents=True)
    assert pico_sdk.find("pico").tinyusb == beside
    monkeypatch.setenv("PICO_TINYUSB_PATH", str(tmp_path / "elsewhere"))
    with pytest.raises(CompileError, match=r"elsewhere: TinyUSB is missing"):
        pico_sdk.find("pico")


@pytest.mark.parametrize("version", ["1.5.1", "0.9.9"])
def test_an_old_sdk_is_refused(version: str, tmp_path: Path) -> None:
    add_sdk(tmp_path / "sdk" / "old", version)
    with pytest.raises(CompileError, match=rf"old: expected Pico SDK 2.0.0 or newer, has {version}; set PICO_SDK_PATH"):
        pico_sdk.find("pico2")


@pytest.mark.parametrize("board", BOARDS)
def test_a_missing_sdk_is_said_before_anything_is_built(board: str) -> None:
    with pytest.raises(CompileError, match=rf"^{board}: the Pico SDK was not found; clone .*, and set PICO_SDK_PATH"):
        preflight.check(Request(target=board), preflight.Goal.COMPILED)


def test_a_folder_that_is_no_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICO_SDK_PATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"^pico: PICO_SDK_PATH=.*: expected the folder of the Pico SDK, which has"):
        pico_sdk.find("pico")


@pytest.mark.parametrize("missing", ["arm-none-eabi-gcc", "cmake", "arm-none-eabi-g++"])
def test_a_missing_tool_names_its_package(missing: str, sdk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else real(name))
    with pytest.raises(CompileError, match=rf"^{missing.replace('+', '.')}: not found; install it with: apt install "):
        pico_image.check(targets.load("pico"))


def test_only_our_engine_is_built_with_the_sdk(sdk: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--engine tflm: pico is built with the Pico SDK, which takes aot; leave"):
        preflight.check(Request(target="pico", engine="tflm"), preflight.Goal.COMPILED)


@pytest.mark.parametrize("name", [*BOARDS, "pico-usb"])
def test_the_boards_leave_the_sdk_its_memory(name: str) -> None:
    board = targets.load(name)
    assert board.mcu
    assert board.mcu.by_pico_sdk
    chip_kib = 520 if name == "pico2" else 264
    assert board.mcu.ram_bytes == (chip_kib - 4) * 1024, "but for the stack of the second core"
    room = fit.room_of(board)
    assert room.firmware_ram_bytes == fit.FIRMWARE_RAM_BYTES + 8 * 1024
    assert room.is_estimate
