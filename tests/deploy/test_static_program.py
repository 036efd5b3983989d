"""The compiled program of a Linux target: equal bytes on each architecture, SSH without Python, errors."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import target
from artifact import Artifact
from compilers.image import linux_program
from compilers.image.microcontroller import FirmwareFacts
from deploy.agents import AgentOptions
from deploy.device import device_for
from deploy.remote.board import Board
from device_tests.support import artifact_of
from errors import CompileError, DeployError, LinkError
from graph.builder import Builder
from graph.oracle import Oracle, run_bytes
from pipeline import preflight
from pipeline.request import Request
from target import Target
from target.sections import Emulator
from tests.deploy.sshd import BOARD, Proxy, Sshd, wait_until

HOST = target.load("host")
EMULATORS = {"armv6": "arm", "armv7": "arm", "aarch64": "aarch64", "riscv64": "riscv64"}
CORES = {"armv6": ("-cpu", "arm1176"), "armv7": ("-cpu", "cortex-a7")}
INPUT_SHAPE = (1, 9, 6, 3)
INPUT_BYTES = 9 * 6 * 3
URI = "ssh://board"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(mobile_network())
    return path


def mobile_network() -> bytes:
    """Return a convolution, a depthwise one of 8 channels and a pointwise one to 20, on 15 pixels."""
    b, rng = Builder(), np.random.default_rng(3)

    def constant(shape: tuple[int, ...], dtype: str = "int8", scale: float = 0.01) -> int:
        low, high = (-127, 128) if dtype == "int8" else (-5000, 5000)
        return b.tensor(shape, dtype, scale, data=rng.integers(low, high, shape))

    x = b.tensor(INPUT_SHAPE, scale=1 / 128, zero_point=-1, name="input")
    y = b.tensor((1, 5, 3, 8), scale=0.05, zero_point=-7)
    weights, bias = constant((8, 3, 3, 3)), constant((8,), "int32", 0.01 / 128)
    b.operator("CONV_2D", [x, weights, bias], [y], {"StrideH": 2, "StrideW": 2}, "Conv2DOptions")
    z = b.tensor((1, 5, 3, 8), scale=0.04, zero_point=5)
    weights, bias = constant((1, 3, 3, 8)), constant((8,), "int32", 0.01 * 0.05)
    options = {"StrideH": 1, "StrideW": 1, "DepthMultiplier": 1, "FusedActivationFunction": 3}
    b.operator("DEPTHWISE_CONV_2D", [y, weights, bias], [z], options, "DepthwiseConv2DOptions")
    out = b.tensor((1, 5, 3, 20), scale=0.03, zero_point=-3, name="output")
    weights, bias = constant((20, 1, 1, 8)), constant((20,), "int32", 0.01 * 0.04)
    b.operator("CONV_2D", [z, weights, bias], [out], {"StrideH": 1, "StrideW": 1}, "Conv2DOptions")
    return b.finish([x], [out])


@pytest.fixture(scope="module")
def program(model: Path) -> Artifact[FirmwareFacts]:
    """The network as a program of this machine."""
    return linux_program.compile_for(artifact_of(model), board_of(linux_program.architecture_of(HOST)))


def board_of(architecture: str) -> Target:
    return target.load(f"linux-{architecture}")


def here() -> Target:
    """Return the target of a Linux board with this machine's architecture."""
    return board_of(linux_program.architecture_of(HOST))


def session(program: Artifact[FirmwareFacts], said: list[str] | None = None, board: Target | None = None) -> Any:
    say = (said if said is not None else []).append
    return device_for(board or here(), program, URI, AgentOptions(), say=say).session()


def expect_equal(device: Any, model: Path, count: int) -> None:
    oracle = Oracle(model.read_bytes(), "reference")
    for seed in range(count):
        data = np.random.default_rng(seed).bytes(INPUT_BYTES)
        assert device.infer(data).output_bytes == b"".join(run_bytes(oracle, [data])), seed


@pytest.mark.emulated
@pytest.mark.parametrize("architecture", EMULATORS)
def test_a_program_gives_the_bytes_of_the_reference_kernels(model: Path, architecture: str) -> None:
    compiler = linux_program.BUILDS[architecture].toolchain + "-gcc"
    emulator = f"qemu-{EMULATORS[architecture]}-static"
    for program, package in ((compiler, f"gcc-{compiler[:-4]}"), (emulator, "qemu-user-static")):
        if not shutil.which(program):
            pytest.skip(f"needs {program}: apt install {package}")
    user = Emulator(emulator, "user", "qemu-user-static", CORES.get(architecture, ()))
    board = replace(board_of(architecture), link="exec", measured_on="emulated", emulator=user)
    compiled = linux_program.compile_for(artifact_of(model), board)
    with device_for(board, compiled).session() as device:
        expect_equal(device, model, 20)
        assert device.info.counter.unit == "ticks"  # of the emulator's clock, which is never reported
        assert device.board().architecture in target.ARCHITECTURES[architecture]
        device.reset()
        device.reset()
        expect_equal(device, model, 1)
        assert device.stats().peak_rss is None  # that of the emulator


def test_a_program_of_this_host_says_what_it_is_and_what_it_takes(
    model: Path, program: Artifact[FirmwareFacts]
) -> None:
    with device_for(HOST, program).session() as device:
        expect_equal(device, model, 3)
        stats, board = device.stats(), device.board()
        assert None not in (stats.load_ns, stats.first_inference_ns, stats.arena)
        assert 0 < (stats.peak_rss or 0) < 16 << 20  # not that of the Python that started it
        assert None not in (board.cores, board.kernel, board.os)


def test_it_is_copied_once_and_needs_no_python(sshd: Sshd, model: Path, program: Artifact[FirmwareFacts]) -> None:
    sshd.clear()
    (sshd.bin / "python3").unlink()
    (sshd.home / ".bashrc").write_text('echo "Welcome to the board"\n')
    name = f"program-{program.sha256[:12]}"
    try:
        for copies in (1, 0):
            said: list[str] = []
            with session(program, said) as device:
                expect_equal(device, model, 3)
                device.reset()
                expect_equal(device, model, 1)
            assert [line.partition(",")[0] for line in said] == [f"copied {name}"] * copies
            assert sshd.left() == ["lock", name]
        (sshd.cache / name).write_bytes(b"half")
        with session(program) as device:
            expect_equal(device, model, 1)
    finally:
        (sshd.home / ".bashrc").unlink()


def test_the_board_is_held_by_one_run_whatever_its_engine(sshd: Sshd, program: Artifact[FirmwareFacts]) -> None:
    busy = r"ssh://board: in use by \w+@\S+, pid \d+, since .*; wait until it ends"
    with Board(BOARD), pytest.raises(LinkError, match=busy):
        session(program).__enter__()
    with session(program) as device:
        device.reset()  # which keeps the lock
        with pytest.raises(DeployError, match=busy):
            Board(BOARD).__enter__()
    with Board(BOARD):
        pass


@pytest.fixture
def fake(sshd: Sshd) -> Iterator[Any]:
    """Put shell scripts in place of the board's programs."""
    names: list[str] = []

    def put(name: str, script: str) -> None:
        names.append(name)
        (sshd.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (sshd.bin / name).chmod(0o755)

    yield put
    for name in names:
        (sshd.bin / name).unlink()


def test_error_of_another_architecture_names_its_target(
    sshd: Sshd, fake: Any, program: Artifact[FirmwareFacts]
) -> None:
    fake("uname", "echo armv7l")
    wrong = "its machine is armv7l, which does not run programs for .*; use --target linux-armv7, or give --target"
    with pytest.raises(DeployError, match=wrong):
        session(program).__enter__()


def test_error_of_a_program_that_the_kernel_refuses_is_one_line(sshd: Sshd, fake: Any, tmp_path: Path) -> None:
    fake("uname", "echo armv6l")
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"\x7fELF\1\1\1" + bytes(9) + b"\2\0\x28\0" + bytes(64))
    other = replace(artifact_of(path), kind="firmware")
    refused = (
        r"^ssh://board: can't run a program for armv6 \(machine armv6l; .*(format|error|exit code).*\); check that"
    )
    with pytest.raises(LinkError, match=refused) as caught:
        session(other, board=board_of("armv6")).__enter__()  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "script", "message"),
    [
        ("cat", "echo 'cat: write error: No space left on device' >&2; exit 1", "no space on the device for program-"),
        ("wc", "echo 5", r"program-\w+ can't be copied \(incomplete\)"),
        ("sha256sum", "echo 0123", r"program-\w+ can't be copied \(damaged on the way\)"),
        (
            "mkdir",
            "echo 'mkdir: Read-only file system' >&2; exit 1",
            r"can't prepare a folder there \(mkdir: Read-only",
        ),
    ],
)
def test_errors_of_a_boards_disk_leave_nothing(
    sshd: Sshd, fake: Any, program: Artifact[FirmwareFacts], name: str, script: str, message: str
) -> None:
    sshd.clear()
    fake(name, script)
    with pytest.raises(DeployError, match=f"^ssh://board: {message}"):
        session(program).__enter__()
    assert sshd.left() == []


def test_cut_while_copying_leaves_nothing(sshd: Sshd, program: Artifact[FirmwareFacts]) -> None:
    sshd.clear()
    proxy = Proxy(sshd.port, after=200_000)
    sshd.configure(Port=proxy.port)
    sshd.know(sshd.folder / "host_key.pub", proxy.port)
    with pytest.raises(LinkError, match="connection"):
        session(program).__enter__()
    proxy.close()
    assert wait_until(lambda: sshd.left() == [])


@pytest.mark.parametrize(
    ("python", "why"),
    [
        ("", ""),
        ("exit 127", r"no python3 there"),
        ("echo 'unfit 3.13 0' >&2; exit 3", r"its Python 3\.13 is 32-bit"),
    ],
)
def test_engine_auto_is_aot_where_a_board_can_have_no_runtime(
    sshd: Sshd, capsys: pytest.CaptureFixture[str], python: str, why: str
) -> None:
    if python:
        sshd.set_python(python)
    chosen = preflight.with_engine(Request(target="rpi4", engine="auto", link=URI), target.load("rpi4"))
    assert chosen.engine == ("aot" if why else "litert")
    note = " ".join("".join(capsys.readouterr()).split())
    assert re.search(f"--engine aot is used: ssh://board: {why}" if why else "^$", note)


@pytest.mark.parametrize(("name", "engine"), [("qemu-rpi4", "litert"), ("qemu-m4", "aot"), ("rpi-zero-w", "aot")])
def test_engine_auto_is_the_targets_own_where_nothing_is_to_be_asked(name: str, engine: str) -> None:
    assert preflight.with_engine(Request(target=name, engine="auto"), target.load(name)).engine == engine


def test_only_the_newest_programs_stay(sshd: Sshd, program: Artifact[FirmwareFacts]) -> None:
    sshd.clear()
    sshd.cache.mkdir(parents=True)
    for number in range(6):
        (sshd.cache / f"program-{number}").write_bytes(b"")
    (sshd.cache / "notes").write_bytes(b"")
    with session(program):
        pass
    assert len([name for name in sshd.left() if name.startswith("program-")]) == 4
    assert (sshd.cache / f"program-{program.sha256[:12]}").exists()
    assert (sshd.cache / "notes").exists()


def test_error_of_a_missing_compiler_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for tool in ("cmake", "ninja"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match="arm-linux-gnueabi-gcc: not found; install it with: apt install gcc-arm-l"):
        linux_program.toolchain_of(target.load("rpi-zero-w")).check()


def test_a_target_without_an_architecture_is_refused() -> None:
    with pytest.raises(CompileError, match=r"^rpi4: --engine aot: no architecture to compile for; add the key"):
        linux_program.mcu_of(replace(target.load("rpi4"), architecture=""))
