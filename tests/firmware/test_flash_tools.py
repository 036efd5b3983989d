"""Flashing with a program of the user's: how it is called, and how its answer is judged. The programs are stand-ins."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

import target
from deploy import flashed
from deploy import images as images_of
from deploy.flash_job import Failure, Job
from deploy.flash_tool import FlashTool
from deploy.flashers import flasher_for
from deploy.flashers.process import ProcessFlasher
from deploy.flashers.qemu import free_port
from deploy.session import Session
from errors import DeployError
from target import sections
from tests.firmware.conftest import Images
from tests.firmware.flash_setup import ARGUMENTS, nucleo
from tests.firmware.flash_stand_in import StandIn
from tests.firmware.standin import INPUT_BYTES, expected_output

SCRIPTS = ARGUMENTS["openocd"]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> target.Target:
    """Return a board with a probe, on a line that bench.toml names."""
    (tmp_path / "bench.toml").write_text('[nucleo]\nlink = "serial:///dev/null?baud=921600"\n')
    monkeypatch.setattr(flashed, "ANSWER_S", 0.1)
    monkeypatch.setattr(images_of, "check_fits", lambda board, image: None)
    return nucleo(tmp_path, monkeypatch)


@pytest.fixture
def openocd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn("openocd", tmp_path, monkeypatch)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    return folder / "firmware.elf"


def test_openocd_flashes_and_the_line_is_the_one_of_bench_toml(
    board: target.Target, openocd: StandIn, image: Path
) -> None:
    openocd.replays("openocd_success")
    link = flasher_for(board).start(image)
    assert link.name == "serial:///dev/null?baud=921600"
    assert openocd.calls() == [[str(image.parent), *SCRIPTS, "-c", "program firmware.elf verify reset exit"]]


def test_a_flashed_board_is_talked_to_over_its_own_line(
    board: target.Target, openocd: StandIn, images: Images, tmp_path: Path
) -> None:
    """With the firmware of this machine as the board that OpenOCD's stand-in claims to have flashed."""
    openocd.replays("openocd_success")
    image = images("host-fw").elf
    device = ProcessFlasher(target.load("host-fw"), free_port()).start(image)
    (tmp_path / "bench.toml").write_text(f'[nucleo]\nlink = "{device.uri}"\n')
    with contextlib.closing(device), Session(flasher_for(board).start(image)) as session:
        assert session.infer(bytes(INPUT_BYTES)).output_bytes == expected_output(bytes(INPUT_BYTES))
    assert len(openocd.calls()) == 1


@pytest.mark.parametrize(
    ("transcript", "message"),
    [
        ("openocd_no_stlink", r"Error: open failed \(exit code 1\); connect the board's debug probe, "),
        (
            "openocd_no_cmsis_dap",
            r"Error: unable to find a matching CMSIS-DAP device \(exit code 1\); connect the board's debug probe",
        ),
        ("openocd_no_script", r".*Can't find interface/cmsdk-dap.cfg \(exit code 1\); correct \[flash\] openocd"),
        ("openocd_verify_failed", r"\*\* Verify Failed \*\* \(exit code 1\); flash it again"),
    ],
)
def test_each_failure_of_openocd_has_its_next_step(
    board: target.Target, openocd: StandIn, image: Path, transcript: str, message: str
) -> None:
    openocd.replays(transcript)
    with pytest.raises(DeployError, match=rf"^nucleo: openocd: {message}") as caught:
        flasher_for(board).start(image)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "** Programming Finished **\n"),  # it ended well but verified nothing
        (1, "** Verified OK **\nError: reset failed\n"),
        (1, ""),
    ],
)
def test_openocd_succeeded_only_if_exit_code_and_text_say_so(
    board: target.Target, openocd: StandIn, image: Path, code: int, text: str
) -> None:
    openocd.answers(code, text)
    with pytest.raises(DeployError, match=rf"^nucleo: openocd: .* ?\(?exit code {code}\)?; see its manual"):
        flasher_for(board).start(image)


def test_a_tool_without_a_success_text_is_judged_by_its_failures(
    board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: Path
) -> None:
    class Silent(FlashTool):
        program, package, image_suffix = "silent", "silent", ".elf"
        failures = (Failure(r"not in DFU mode", "press reset twice"),)

        def command(self, job: Job) -> list[str]:
            return [self.program, job.image.name, job.uri]

    tool = StandIn("silent", tmp_path, monkeypatch)
    tool.answers(0, "Target is not in DFU mode\n")  # adafruit-nrfutil exits with 0 here
    with pytest.raises(DeployError, match=r"silent: Target is not in DFU mode \(exit code 0\); press reset twice$"):
        Silent(board).start(image)
    tool.answers(0, "done\n")
    Silent(board).start(image)
    assert tool.calls()[-1][1:] == ["firmware.elf", "serial:///dev/null?baud=921600"]


def test_nothing_is_flashed_without_an_image_a_line_or_scripts(
    board: target.Target, openocd: StandIn, image: Path, tmp_path: Path
) -> None:
    openocd.replays("openocd_success")
    with pytest.raises(DeployError, match=r"no such image; build it first$"):
        flasher_for(board).start(tmp_path / "firmware.elf")
    with pytest.raises(DeployError, match=r"^nucleo: flasher openocd needs its arguments; add to targets/nucleo.toml"):
        flasher_for(dataclasses.replace(board, flash_arguments={})).start(image)
    with pytest.raises(DeployError, match=r"^other: its line is not known; add it to bench.toml"):
        flasher_for(dataclasses.replace(board, name="other")).start(image)
    assert openocd.calls() == []


def test_a_missing_program_names_its_package(
    board: target.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployError, match=r"^openocd: not found; install it with: apt install openocd$"):
        flasher_for(board).check()


def test_a_flasher_that_does_not_serve_the_target_is_refused(board: target.Target) -> None:
    with pytest.raises(DeployError, match=r"^nucleo: flasher qemu serves targets with link qemu, not serial; correct"):
        flasher_for(board, "qemu")
    with pytest.raises(DeployError, match=r"^nucleo: no flasher opencd; did you mean openocd or pyocd\?$"):
        flasher_for(board, "opencd")
    with pytest.raises(
        DeployError, match=r"^nucleo: has no flasher; add the key flasher to targets/nucleo.toml \(known"
    ):
        flasher_for(dataclasses.replace(board, flasher=""))


@pytest.mark.parametrize("name", sections.flashers())
def test_each_module_of_a_flasher_has_its_class(name: str, board: target.Target) -> None:
    linked = {"qemu": "qemu-m4", "process": "host-fw", "rp2040js": "pico-uart"}
    flasher = flasher_for(target.load(linked[name]) if name in linked else board, name)
    assert flasher.links
