"""A private SSH server on this machine as the board: its own keys, home folder and Python, on a free loopback port."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import process
from deploy.flashers.qemu import free_port
from deploy.remote.connect import Address
from device_tests import tiny_model
from errors import LinkError

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or ""
BOARD = Address("board")
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
StrictModes no
UsePAM no
PidFile none
MaxStartups 1000
Subsystem sftp internal-sftp
SetEnv HOME={home} PATH={bin}:/usr/bin:/bin
"""


class Sshd:
    """The server, and the SSH set-up of a user who knows it as the host `board`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.home, self.bin, self.user_home = folder / "home", folder / "bin", folder / "user"
        for path in (self.home, self.bin, self.user_home / ".ssh"):
            path.mkdir(parents=True)
        for name in ("host_key", "client_key", "other_key"):
            make_key(folder / name)
        self.port = free_port()
        self.set_python(f'exec {shlex.quote(sys.executable)} "$@"')
        self.know(self.folder / "host_key.pub")
        self.configure()
        self.start()

    @property
    def cache(self) -> Path:
        """The board's folder of ours."""
        return self.home / ".cache/alpharho"

    @property
    def known_hosts(self) -> Path:
        return self.user_home / ".ssh/known_hosts"

    def start(self) -> None:
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, home=self.home, bin=self.bin))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.log = (self.folder / "log").open("wb")
        self.process = process.start([SSHD, "-D", "-e", "-f", config], error=LinkError, stderr=self.log)
        limit = time.monotonic() + 30
        while not answers(self.port) and time.monotonic() < limit:
            time.sleep(0.05)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        process.stop(self.process)
        self.log.close()

    def configure(self, **changed: object) -> None:
        """Write the user's ~/.ssh/config; `changed` are keys in other ways."""
        keys = {"HostName": "127.0.0.1", "Port": self.port, "User": getpass.getuser()}
        keys |= {"IdentityFile": self.folder / "client_key", "UserKnownHostsFile": self.known_hosts, **changed}
        text = "Host board\n" + "".join(f"  {key} {value}\n" for key, value in keys.items())
        (self.user_home / ".ssh/config").write_text(text)

    def know(self, public_key: Path | None, port: int | None = None) -> None:
        line = f"[127.0.0.1]:{port or self.port} {public_key.read_text()}" if public_key else ""
        self.known_hosts.write_text(line)

    def set_python(self, script: str) -> None:
        """Let `python3` on the board be a shell script."""
        (self.bin / "python3").write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / "python3").chmod(0o755)

    def clear(self) -> None:
        """Empty the board's folder of what other tests have left."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def left(self) -> list[str]:
        """Names of what is in the board's folder."""
        return sorted(path.name for path in self.cache.iterdir()) if self.cache.is_dir() else []


class Proxy:
    """Passes bytes to a port until `after` bytes went there; then it cuts the connection, as a pulled plug does."""

    def __init__(self, port: int, after: int):
        self._to, self.left = port, after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        shut(self._listener)
        self._threads[0].join()
        for end in self._ends:
            shut(end)
        for thread in self._threads[1:]:
            thread.join()
        for end in [*self._ends, self._listener]:
            end.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._ends += [near, far]
            for pair, counted in (((near, far), True), ((far, near), False)):
                self._threads.append(threading.Thread(target=self._pass, args=(*pair, counted), daemon=True))
                self._threads[-1].start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                sink.sendall(data)
                self.left -= len(data) if counted else 0
                if self.left < 0:
                    break
        shut(source)
        shut(sink)


def shut(end: socket.socket) -> None:
    """End a connection or stop listening, so that whoever waits for it goes on."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], timeout_s: float = 30) -> bool:
    limit = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < limit:
        time.sleep(0.05)
    return is_so()


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if not SSHD:
        pytest.skip("needs sshd: apt install openssh-server")
    sshd = Sshd(tmp_path_factory.mktemp("sshd"))
    yield sshd
    sshd.stop()


@pytest.fixture
def sshd(ssh_server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """The server as a user with a home of their own sees it; what a test changes of it is changed back."""
    monkeypatch.setenv("HOME", str(ssh_server.user_home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    python = (ssh_server.bin / "python3").read_text()
    yield ssh_server
    (ssh_server.bin / "python3").write_text(python)
    ssh_server.configure()
    ssh_server.know(ssh_server.folder / "host_key.pub")


@pytest.fixture(scope="session")
def ssh_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.dense(tmp_path_factory.mktemp("models") / "tiny.tflite")


@pytest.fixture(scope="session")
def ssh_big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.bin"
    path.write_bytes(bytes(range(256)) * 16000)
    return path
