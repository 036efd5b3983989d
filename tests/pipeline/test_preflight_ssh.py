"""What preflight notices of a host over SSH: port, key, login, and a missing compiler."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from deploy.flashers.qemu import free_port
from pipeline.command_line import main
from tests.deploy.sshd import Sshd, ssh_server, sshd
from tests.pipeline.preflight_setup import StepRanError, _no_step, deploy, error_of

__all__ = ["_no_step", "ssh_server", "sshd"]  # fixtures


@pytest.fixture
def closed_port() -> int:
    return free_port()


def test_a_port_on_which_nobody_listens(npz: Path, capsys: pytest.CaptureFixture[str], closed_port: int) -> None:
    error = error_of(capsys, *deploy(npz, "--target", "rpi4", "--link", f"ssh://pi@127.0.0.1:{closed_port}"))
    assert "not reached" in error


def test_a_host_that_accepts_and_says_nothing(
    npz: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.reach.CONNECT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = error_of(
            capsys, *deploy(npz, "--target", "rpi4", "--link", f"ssh://pi@127.0.0.1:{silent.getsockname()[1]}")
        )
    assert "127.0.0.1" in error


def test_an_unknown_host_key(npz: Path, capsys: pytest.CaptureFixture[str], sshd: Sshd) -> None:
    sshd.know(None)
    error = error_of(capsys, *deploy(npz, "--target", "rpi4", "--link", "ssh://board"))
    assert "ssh://board: unknown host key" in error
    assert "--accept-new" in error


def test_a_changed_host_key(npz: Path, capsys: pytest.CaptureFixture[str], sshd: Sshd) -> None:
    sshd.know(sshd.folder / "other_key.pub")
    error = error_of(capsys, *deploy(npz, "--target", "rpi4", "--link", "ssh://board", "--accept-new"))
    assert "the host key has CHANGED" in error


def test_a_login_that_is_refused(npz: Path, capsys: pytest.CaptureFixture[str], sshd: Sshd) -> None:
    sshd.configure(IdentityFile=sshd.folder / "other_key")
    error = error_of(capsys, *deploy(npz, "--target", "rpi4", "--link", "ssh://board"))
    assert "ssh-copy-id" in error


def test_a_machine_without_coral_s_compiler(npz: Path, capsys: pytest.CaptureFixture[str], sshd: Sshd) -> None:
    arguments = ["compile", *deploy(npz, "--target", "coral-usb", "--compile-on", "ssh://board")[1:]]
    assert "edgetpu_compiler: not on the PATH of ssh://board" in error_of(capsys, *arguments)
    sshd.know(None)
    assert "ssh://board: unknown host key" in error_of(capsys, *arguments)


def test_a_host_that_can_be_logged_in_to_lets_the_steps_run(npz: Path, sshd: Sshd) -> None:
    sshd.clear()
    with pytest.raises(StepRanError):
        main([str(argument) for argument in deploy(npz, "--target", "rpi4", "--link", "ssh://board")])
    assert sshd.left() == []  # nothing was brought there yet
