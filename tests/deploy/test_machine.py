"""The emulated board: what its RAM disk holds, its states, and everything over SSH against the machine itself.

The machine's own tests build its image (about two minutes, as root) and run for some minutes more: they are left out
unless ALPHARHO_MACHINE_TESTS is set.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import artifact
import target
from compilers.image import linux_program
from deploy.agents import AgentOptions, run_profiler
from deploy.device import device_for
from deploy.machines import image as images
from deploy.machines.control import control
from deploy.machines.initrd import find_modules, write_initrd
from deploy.machines.machine import Machine
from deploy.remote.board import Board
from deploy.remote.connect import close, connect
from deploy.session import Session
from device_tests.support import artifact_of
from errors import ConfigError, DeployError, LinkError
from graph.reader import read
from measure.litert_profile import answer_in, profile_of, times_of
from tests.deploy.test_agent import reference
from tests.deploy.test_ssh import run_for_ever
from tests.deploy.test_static_program import expect_equal, mobile_network

TARGET = target.load("qemu-rpi4")
IS_ASKED = bool(os.environ.get("ALPHARHO_MACHINE_TESTS"))
pytestmark = pytest.mark.first
on_the_machine = pytest.mark.skipif(not IS_ASKED, reason="builds and boots a machine: set ALPHARHO_MACHINE_TESTS=1")


# --- without a machine ----------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with a kernel of three modules, one of them packed, and one built in."""
    home = tmp_path / "root/lib/modules/6.1-test"
    (home / "kernel/net").mkdir(parents=True)
    (home / "modules.builtin").write_text("kernel/fs/ext4/ext4.ko\n")
    (home / "kernel/net/virtio-net.ko").write_bytes(b"ELF\0depends=failover,virtio-ring\0name=x\0")
    (home / "kernel/net/failover.ko.xz").write_bytes(lzma.compress(b"ELF\0depends=\0"))
    (home / "kernel/virtio_ring.ko").write_bytes(b"ELF\0depends=ext4\0")
    (tmp_path / "root/bin").mkdir()
    (tmp_path / "root/bin/busybox").write_bytes(b"busybox")
    return tmp_path / "root"


def test_modules_come_after_what_they_need(root: Path) -> None:
    assert list(find_modules(root, ["virtio_net", "ext4"])) == ["failover", "virtio_ring", "virtio_net"]
    assert find_modules(root, ["failover"])["failover"].startswith(b"ELF")


def test_a_module_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(DeployError, match="kernel 6.1-test: no module virtio_blk"):
        find_modules(root, ["virtio_blk"])


def test_the_ram_disk_is_a_cpio_archive_with_the_same_bytes_each_time(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.machines.initrd.MODULES", ("virtio_net",))
    for name in ("one", "two"):
        write_initrd(tmp_path / name, root, images.GUEST / "init")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    entries = unpack(gzip.decompress((tmp_path / "one").read_bytes()))
    assert entries["init"] == (images.GUEST / "init").read_bytes()
    assert entries["modules/order"] == b"failover.ko\nvirtio_ring.ko\nvirtio_net.ko\n"
    assert entries["bin/busybox"] == b"busybox"


def unpack(data: bytes) -> dict[str, bytes]:
    """Read a cpio archive of the format "newc"."""
    found: dict[str, bytes] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        at += -(-(110 + name_size) // 4) * 4
        if name == "TRAILER!!!":
            return found
        found[name] = data[at : at + size]
        at += -(-size // 4) * 4


def test_only_a_user_who_can_make_the_image_tries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DeployError, match="mmdebstrap: not found; install it with: apt install mmdebstrap"):
        images.image()
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DeployError, match="needs root once; run this with sudo"):
        images.image()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_package_archive_that_is_not_reached_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path)
    monkeypatch.setattr(images, "check_programs", lambda: None)
    (tmp_path / "mmdebstrap").write_text("#!/bin/sh\necho 'I: working'\necho 'E: apt-get update failed'\nexit 1\n")
    (tmp_path / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(DeployError, match="mmdebstrap: E: apt-get update failed"):
        images.image()
    assert not list((tmp_path / "machine").iterdir())


def test_the_state_of_a_process_that_is_another_by_now_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path)
    machine = Machine(TARGET)
    assert machine.state() is None
    for text in ("", "[]", '{"pid": 1}', json.dumps({"pid": os.getpid(), "port": 1})):
        machine.folder.mkdir(parents=True, exist_ok=True)
        (machine.folder / "state.json").write_text(text)
        assert machine.state() is None
    assert control(TARGET, "status", print) == "qemu-rpi4 does not run"
    assert control(TARGET, "stop", print) == "qemu-rpi4 does not run"
    with pytest.raises(ConfigError, match="expected build, start, stop, status"):
        control(TARGET, "restart", print)


@pytest.mark.parametrize("name", ["host", "qemu-m4", "rpi4"])
def test_a_target_that_is_no_machine(name: str) -> None:
    with pytest.raises(DeployError, match="is not an emulated machine; try --target qemu-rpi4"):
        Machine(target.load(name))


def test_error_of_an_emulator_that_ends_at_once_has_its_last_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path / "build")
    files = tmp_path / "image"
    files.mkdir()
    for name in (images.DISK, images.KERNEL, images.INITRD, images.CLIENT_KEY, images.INDEX):
        (files / name).write_bytes(b"x")
    (files / images.HOST_KEY).write_text("ssh-ed25519 AAAA x\n")
    (tmp_path / "qemu").write_text("#!/bin/sh\necho 'qemu: no such machine' >&2\nexit 1\n")
    (tmp_path / "qemu").chmod(0o755)
    made = artifact.Artifact(files / images.INDEX, "machine", "x", "0" * 64, artifact.NoFacts())
    monkeypatch.setattr("deploy.machines.machine.image", lambda say: made)
    assert TARGET.emulator is not None
    broken = replace(TARGET, emulator=replace(TARGET.emulator, program=str(tmp_path / "qemu")))
    machine = Machine(broken)
    with pytest.raises(DeployError, match="ended while it started; .*no such machine"):
        machine.start()
    assert machine.state() is None
    with pytest.raises(DeployError, match="ended while it started"), machine.running():
        pass
    assert TARGET.emulator is not None
    missing = replace(TARGET, emulator=replace(TARGET.emulator, program="no-such-qemu"))
    with pytest.raises(DeployError, match="no-such-qemu: not found; install it with: apt install qemu-system-arm"):
        Machine(missing).start()


# --- on the machine -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    found = Machine(TARGET)
    with found.running(print):
        yield found


def session(model: Path, runtime: str, said: list[str]) -> AbstractContextManager[Session]:
    options = AgentOptions(kernels="reference", runtime=runtime)
    return device_for(TARGET, artifact_of(model), agent=options, say=said.append).session()


@on_the_machine
@pytest.mark.emulated
@pytest.mark.timeout(2400)
def test_a_board_without_internet_gets_the_older_runtime(machine: Machine, ssh_model: Path) -> None:
    with session(ssh_model, "tflite-runtime", []) as board:
        expect_answers(board, ssh_model, "tflite-runtime")


def expect_answers(board: Session, model: Path, engine: str) -> None:
    assert board.info.engine == engine
    for seed in range(3):
        data = np.random.default_rng(seed).bytes(768)
        assert board.infer(data).output_bytes == reference(model, data)
    assert board.board().cores == 2


@on_the_machine
@pytest.mark.emulated
@pytest.mark.timeout(2400)
def test_a_board_without_internet_gets_its_runtime_and_starts_again_in_mid_run(
    machine: Machine, ssh_model: Path
) -> None:
    """Afterwards it uses what was copied and installed before."""
    model, said = ssh_model, list[str]()
    state = machine.state()
    assert state is not None
    with session(model, "auto", []) as board:
        expect_answers(board, model, "litert")
        root = connect(machine.address(state, "root"))
        machine.console.write_bytes(b"")  # else its first start is taken for its second
        root.run("(busybox sleep 1; busybox reboot -f) >/dev/null 2>&1 &", hide=True, in_stream=False)
        with pytest.raises(LinkError, match=r"\(during .*, after \d+ inferences"):
            run_for_ever(board)
        close(root)
    machine.wait_until_up(state)
    with Board(machine.address(state)) as again:
        assert not [name for name in again.ask("names").texts("names") if name.endswith(".part")]
    with session(model, "auto", said) as board:
        assert board.infer(bytes(768)).output_bytes == reference(model, bytes(768))
    assert not [line for line in said if line.startswith(("copied", "installed"))], said


# All that users may have, without writing it: a minute of an emulated disk.
FILL = "busybox fallocate -l $(($(busybox df -P -k / | busybox awk 'NR == 2 {print $4}') * 1024)) /full"


@on_the_machine
@pytest.mark.emulated
@pytest.mark.timeout(2400)
def test_a_full_disk_is_an_error_and_nothing_stays(machine: Machine, tmp_path: Path) -> None:
    state = machine.state()
    assert state is not None
    file = tmp_path / "model.bin"
    file.write_bytes(os.urandom(1 << 20))
    root = connect(machine.address(state, "root"))
    root.run(FILL, hide=True, in_stream=False)
    try:
        with pytest.raises(DeployError, match="no space on the device"), Board(machine.address(state)) as board:
            board.put(file, "model-full")
    finally:
        root.run("busybox rm /full", hide=True, in_stream=False)
        close(root)
    with Board(machine.address(state)) as board:
        assert not [name for name in board.ask("names").texts("names") if "full" in name]


@on_the_machine
@pytest.mark.emulated
@pytest.mark.timeout(2400)
def test_a_compiled_program_gives_the_bytes_of_the_reference_kernels(machine: Machine, tmp_path: Path) -> None:
    model = tmp_path / "small.tflite"
    model.write_bytes(mobile_network())
    program = linux_program.compile_for(artifact_of(model), TARGET)
    with device_for(TARGET, program).session() as board:
        expect_equal(board, model, 20)
        assert board.board().architecture == "aarch64"
        assert 100_000 < (board.stats().peak_rss or 0) < 16 << 20
        board.reset()
        expect_equal(board, model, 1)


@on_the_machine
@pytest.mark.emulated
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("kernels", ["builtin", "xnnpack"])
def test_nodes_of_litert_are_profiled_on_the_machine(machine: Machine, tmp_path: Path, kernels: str) -> None:
    """Its times are its emulator's, for which the task refuses it: here they are only checked as any board's are."""
    model = tmp_path / "small.tflite"
    model.write_bytes(mobile_network())
    graph = read(model)
    data = bytes(sum(graph.tensors[i].bytes for i in graph.inputs))
    options = AgentOptions(kernels=kernels)
    answer = answer_in(run_profiler(TARGET, artifact_of(model), options, None, data, 10, print), TARGET.name)
    assert answer.table("board").text("architecture") == "aarch64"
    made = profile_of(times_of(answer), graph, TARGET, kernels)
    assert (made.measured_on, made.engine) == ("emulated", f"litert {metadata.version('ai-edge-litert')}")
    known = [layer.operator for layer in made.layers if layer.operator is not None]
    assert known == list(range(len(graph.operators)))
    assert made.sum == pytest.approx(made.whole, rel=0.01)
