"""A board over SSH, against a real server on this machine: what is brought there, and what happens when it breaks."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

import target
from artifact import sha256_of
from deploy.agents import AgentOptions
from deploy.bundle import build_agent
from deploy.device import device_for
from deploy.remote import helper
from deploy.remote.board import Board
from device_tests.support import artifact_of
from errors import DeployError, LinkError
from tests.deploy.sshd import BOARD, Proxy, Sshd, wait_until
from tests.deploy.test_agent import reference

PI = target.load("rpi4")


def session(model: Path, said: list[str] | None = None, uri: str = "ssh://board", **how: Any) -> Any:
    say = (said if said is not None else []).append
    return device_for(PI, artifact_of(model), uri, AgentOptions(kernels="reference", **how), say=say).session()


def test_first_time_it_copies_and_then_it_does_not(sshd: Sshd, ssh_model: Path) -> None:
    sshd.clear()
    for copied in (2, 0):
        said: list[str] = []
        with session(ssh_model, said) as board:
            data = bytes(range(256)) * 3
            assert board.infer(data).output_bytes == reference(ssh_model, data)
            assert board.info.board == "rpi4"
            assert board.info.model_sha256 == sha256_of(ssh_model)
            assert board.board().cores
        assert sum(line.startswith("copied") for line in said) == copied, said
        assert any("uses ai-edge-litert" in line for line in said)
        assert sshd.left() == sorted([build_agent().name, "lock", f"model-{sha256_of(ssh_model)[:12]}.tflite"])


def test_a_file_that_was_changed_on_the_board_is_copied_again(sshd: Sshd, ssh_model: Path) -> None:
    with Board(BOARD) as board:
        there = Path(board.put(ssh_model, "model-changed"))
        there.write_bytes(b"half")
        said: list[str] = []
        board.put(ssh_model, "model-changed", said.append)
        assert there.read_bytes() == ssh_model.read_bytes()
        assert said
        there.unlink()


def test_threads_and_reset_work_over_ssh(sshd: Sshd, ssh_model: Path) -> None:
    with session(ssh_model, threads=2) as board:
        assert board.stats().threads == 2
        board.reset()
        assert board.infer(bytes(768)).output_bytes == reference(ssh_model, bytes(768))


def test_what_a_shells_start_up_files_print_does_no_harm(sshd: Sshd, ssh_model: Path) -> None:
    (sshd.home / ".bashrc").write_text('echo "Welcome to the board"\n')
    try:
        with session(ssh_model) as board:
            assert board.infer(bytes(768)).output_bytes == reference(ssh_model, bytes(768))
    finally:
        (sshd.home / ".bashrc").unlink()


def test_error_of_a_second_run_names_the_holder_of_the_board(sshd: Sshd) -> None:
    with (
        Board(BOARD),
        pytest.raises(DeployError, match=r"^ssh://board: in use by \w+@\S+, pid \d+, since .*; wait until it ends"),
    ):
        Board(BOARD).__enter__()
    with Board(BOARD) as again:
        assert again.facts.folder == str(sshd.cache)


def test_what_an_unfinished_run_left_is_removed(sshd: Sshd) -> None:
    with Board(BOARD):
        pass
    (sshd.cache / ".half.part").write_bytes(b"half")
    (sshd.cache / ".folder.part").mkdir()
    for number in range(12):
        (sshd.cache / f"model-{number}").write_bytes(b"")
    with Board(BOARD):
        assert not [name for name in sshd.left() if name.endswith(".part")]
        assert len([name for name in sshd.left() if name.startswith("model-")]) == helper.KEPT["model-"]
    for path in sshd.cache.glob("model-*"):
        path.unlink()


def test_missing_space_is_an_error_before_anything_is_copied(
    sshd: Sshd, ssh_big_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Board(BOARD) as board:
        before = sshd.left()
        with pytest.raises(DeployError, match=r"no space on the device: \d+ bytes needed, \d+ free in \S+; free some"):
            board.ask("part", name="x", size=1 << 60)
        assert sshd.left() == before


def test_what_arrives_damaged_is_not_kept(sshd: Sshd) -> None:
    with Board(BOARD) as board:
        part = Path(board.entry("part", name="x", size=4).path)
        part.write_bytes(b"bits")
        with pytest.raises(DeployError, match=r"damaged on the way \(sha256 0{12} expected, \w{12} arrived"):
            board.ask("keep", name="x", sha256="0" * 64)
        assert not part.exists()
        assert "x" not in sshd.left()


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "space"), (errno.EDQUOT, "space"), (errno.EROFS, "system")]
)
def test_a_disk_that_fills_up_meanwhile_is_called_full(number: int, code: str) -> None:
    class Full:
        folder = "/home/pi/.cache/alpharho"

        def keep(self) -> None:
            raise OSError(number, "words", "/file")

    assert helper.answer(Full(), b'{"do": "keep"}') == {"error": code, "text": "/file: words"}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "", ".."])
def test_names_stay_in_the_boards_folder(sshd: Sshd, name: str) -> None:
    with Board(BOARD) as board, pytest.raises(DeployError, match="not a file name"):
        board.ask("have", name=name, sha256="")


def test_cut_while_copying_leaves_nothing_and_frees_the_board(sshd: Sshd, ssh_big_file: Path) -> None:
    proxy = Proxy(sshd.port, after=500_000)
    sshd.configure(Port=proxy.port)
    sshd.know(sshd.folder / "host_key.pub", proxy.port)
    lost = r"^ssh://board: connection lost while copying big.bin \(.*\); run again"
    with Board(BOARD) as board, pytest.raises(LinkError, match=lost):
        board.put(ssh_big_file, "model-big")
    proxy.close()
    assert wait_until(lambda: not [name for name in sshd.left() if "big" in name])
    sshd.configure()
    sshd.know(sshd.folder / "host_key.pub")
    with Board(BOARD) as board:
        there = Path(board.put(ssh_big_file, "model-big"))
        assert there.read_bytes() == ssh_big_file.read_bytes()
        there.unlink()


def test_lost_connection_in_mid_run_ends_the_agent_and_has_its_progress(sshd: Sshd, ssh_model: Path) -> None:
    proxy = Proxy(sshd.port, after=1 << 40)
    sshd.configure(Port=proxy.port)
    sshd.know(sshd.folder / "host_key.pub", proxy.port)
    with session(ssh_model) as board:
        for _ in range(3):
            board.infer(bytes(768))
        assert agents(sshd)
        proxy.left = 0
        with pytest.raises(LinkError, match=r"^ssh://board: connection lost .*\(during .*, after \d+ inferences"):
            run_for_ever(board)
    proxy.close()
    assert wait_until(lambda: not agents(sshd))
    assert not [name for name in sshd.left() if name.endswith(".part")]


def run_for_ever(board: Any) -> None:
    while True:
        board.infer(bytes(768))


def agents(sshd: Sshd) -> list[str]:
    """Return the agents that run on the board."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(bytes(sshd.cache)) and word.endswith(b".pyz") for word in command):
            found.append(path.parent.name)
    return found


def test_error_of_an_agent_that_dies_has_its_last_output(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"not a model")
    with pytest.raises(
        LinkError, match=r"ssh://board: the process ended with exit code 1; last output: agent: .*can't load"
    ):
        session(tmp_path / "bad.tflite").__enter__()
    with Board(BOARD):  # the board was let go
        pass


def test_a_wrong_option_is_refused_before_anything_is_reached(ssh_model: Path) -> None:
    with pytest.raises(DeployError, match="--threads 0"):
        session(ssh_model, threads=0).__enter__()
    with pytest.raises(LinkError, match="a board over SSH is a Linux target"):
        device_for(target.load("qemu-m4"), artifact_of(ssh_model), "ssh://board").session().__enter__()
