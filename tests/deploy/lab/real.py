"""A lab on 127.0.0.1 of labgrid's own coordinator and exporters, with emulated boards behind them.

labgrid is installed in an environment of its own below the build folder: its fork of pyserial would overwrite ours.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import artifact
from deploy.flashers.qemu import free_port
from deploy.lab.messages import TESTED
from tests.deploy.sshd import Sshd

LOADED_S = 120
"""How long one of labgrid's programs may take to start on a busy machine."""
INSTALL_S = 300
GIVEN = "ALPHARHO_LABGRID"
"""Environment variable that names an environment with labgrid; without it one is made."""
PLACES = (
    ("raw-1", "lab-a/board_raw/*", "host_fw"),
    ("tty-1", "lab-a/board_tty/NetworkSerialPort", "host_fw"),
    ("qemu-1", "lab-b/board_qemu/*", "qemu_m4"),
    ("iso-1", "lab-c/board_iso/NetworkSerialPort", "behind"),
    ("iso-tty", "lab-c/board_iso_tty/NetworkSerialPort", "behind"),
    ("pi-1", "lab-b/board_pi/*", "rpi4"),
    ("gone-1", "lab-x/board_gone/*", "gone"),
)


def labgrid_programs() -> Path:
    """Return the folder of labgrid's programs; skip the test with the reason if they can't be had."""
    if given := os.environ.get(GIVEN):
        return Path(given) / "bin"
    environment = artifact.ROOT / "build" / f"labgrid-{TESTED}"
    environment.parent.mkdir(exist_ok=True)
    with (environment.parent / "labgrid.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of pytest makes it at the same time
        if not (environment / "complete").is_file():
            shutil.rmtree(environment, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
            pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python")]
            pip += ["install", "-q", "--only-binary", ":all:"]
            try:
                done = subprocess.run(
                    [*pip, f"labgrid=={TESTED}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=INSTALL_S
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"needs labgrid {TESTED}: not installed in {INSTALL_S} s")
            if done.returncode:
                lines = done.stdout.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
                pytest.skip(f"needs labgrid {TESTED} from the package index: {lines[-1][:200]}")
            (environment / "complete").touch()
    return environment / "bin"


class RealLab:
    """The coordinator, three exporters, and what is behind them; `restart` and `stop` are by the names of `start`."""

    def __init__(self, folder: Path, programs: Path, sshd: Sshd, host_firmware: Path, qemu_firmware: Path):
        self.folder, self.programs, self.sshd = folder, programs, sshd
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        self.coordinator = f"127.0.0.1:{free_port()}"
        self._ends: list[int] = []
        self._over = threading.Event()
        self.ports = {name: free_port() for name in ("raw", "iso", "tty", "iso_tty", "qemu")}
        for name in ("raw", "iso", "tty", "iso_tty"):
            self.start(name, [str(host_firmware), str(self.ports[name])])
        line = f"socket,id=line,host=127.0.0.1,port={self.ports['qemu']},server=on,wait=on,nodelay=on"
        self.start("qemu", [
            "qemu-system-arm", "-machine", "mps2-an386", "-icount", "shift=0", "-nographic", "-monitor", "none",
            "-kernel", str(qemu_firmware), "-chardev", line, "-serial", "chardev:line",
        ])  # fmt: skip
        self._start_labgrid()

    def start(self, name: str, command: list[str] | None = None) -> None:
        """Start a program, or start it again. It ends with this process."""
        command = command or self.commands[name]
        self.commands[name] = command
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}:/usr/sbin"
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    @property
    def is_whole(self) -> bool:
        """Whether all that was started runs."""
        return self.running.keys() == self.commands.keys() and all(p.poll() is None for p in self.running.values())

    def stop(self, name: str) -> None:
        """Kill a program."""
        child = self.running.pop(name)
        child.kill()
        child.wait()

    def close(self) -> None:
        self._over.set()
        for child in self.running.values():
            child.terminate()  # an exporter ends its ser2net
        for name, child in [*self.running.items()]:
            with suppress(subprocess.TimeoutExpired):
                child.wait(20)
            self.stop(name)

    def client(self, *arguments: str) -> str:
        """Run labgrid-client to its end and return its output."""
        done = subprocess.run(
            [str(self.programs / "labgrid-client"), "-x", self.coordinator, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LOADED_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def taken(self) -> str:
        """Return who has taken what, as labgrid-client says it; "" if all is free."""
        return "\n".join(self.client("who").splitlines()[1:]) + self.client("reservations")

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for(self, name: str, text: str, times: int = 1) -> None:
        limit = time.monotonic() + LOADED_S
        while self.log(name).count(text) < times:
            assert self.running[name].poll() is None, self.log(name)
            assert time.monotonic() < limit, self.log(name)
            time.sleep(0.05)

    def _start_labgrid(self) -> None:
        (self.folder / "places.yaml").write_text("".join(_place(*one) for one in PLACES))
        self.start("coordinator", [str(self.programs / "labgrid-coordinator"), "-l", self.coordinator])
        self.wait_for("coordinator", "listening on")
        config = {
            "a": f"board_raw:\n{_raw(self.ports['raw'])}board_tty:\n{_serial(self.tty(self.ports['tty']))}",
            "b": f"board_qemu:\n{_raw(self.ports['qemu'])}board_pi:\n  NetworkService:\n    address: 127.0.0.1\n"
            f"    username: {getpass.getuser()}\n    port: {self.sshd.port}\n",
            "c": f"board_iso:\n{_raw(self.ports['iso'])}"
            "  debugger:\n    cls: NetworkUSBDebugger\n    host: board\n    busnum: 1\n    devnum: 4\n    path: 9-2.3\n"
            "    vendor_id: 0x0483\n    model_id: 0x374b\n"
            f"board_iso_tty:\n{_serial(self.tty(self.ports['iso_tty']))}",
        }
        for name, text in config.items():
            (self.folder / f"{name}.yaml").write_text(text)
            command = [str(self.programs / "labgrid-exporter"), "-c", self.coordinator, "-n", f"lab-{name}"]
            command += ["--hostname", "127.0.0.1", *(["--isolated"] if name == "c" else []), f"{name}.yaml"]
            self.start(f"exporter_{name}", command)
        for name in config:
            self.wait_for(f"exporter_{name}", "connected to coordinator")

    def tty(self, port: int) -> str:
        """Return a pseudo terminal that is the serial device of the board at a TCP port."""
        board_end, device_end = pty.openpty()
        tty.setraw(device_end)
        self._ends += [board_end, device_end]
        threading.Thread(target=self._pump, args=(board_end, port), daemon=True).start()
        return os.ttyname(device_end)

    def _pump(self, end: int, port: int) -> None:
        board: socket.socket | None = None
        while not self._over.is_set():
            ends = [end] if board is None else [end, board.fileno()]
            ready, _, _ = select.select(ends, [], [], 0.2)
            if end in ready:
                data = os.read(end, 1 << 12)
                if board is None:
                    board = socket.create_connection(("127.0.0.1", port))
                    board.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                board.sendall(data)
            if board is not None and board.fileno() in ready:
                data = board.recv(1 << 12)
                if data:
                    os.write(end, data)
                else:
                    board.close()
                    board = None
        if board is not None:
            board.close()


def _place(name: str, match: str, tag: str) -> str:
    """Return a place as the coordinator keeps it on disk: labgrid-client would take a second for each step."""
    exporter, group, kind = match.split("/")
    head = ("acquired: null", "acquired_resources: []", "aliases: []", "allowed: []", "changed: 0.0", "comment: ''")
    match_lines = (f"- cls: '{kind}'", f"  exporter: {exporter}", f"  group: {group}", "  name: null", "  rename: null")
    lines = (*head, "created: 0.0", "matches:", *match_lines, "reservation: null", "tags:", f"  board: {tag}")
    return f"{name}:\n" + "".join(f"  {line}\n" for line in lines)


def _raw(port: int) -> str:
    return f"  NetworkSerialPort:\n    host: 127.0.0.1\n    port: {port}\n    protocol: raw\n    speed: 921600\n"


def _serial(path: str) -> str:
    return f"  RawSerialPort:\n    port: {path}\n    speed: 921600\n"


@contextmanager
def real_lab(
    folder: Path, programs: Path, sshd: Sshd, host_firmware: Path, qemu_firmware: Path, wrapper: str
) -> Iterator[RealLab]:
    """Yield the lab once all of it runs. `wrapper` is the ser2net that stands before the real one."""
    (folder / "bin").mkdir()
    (folder / "bin/ser2net").write_text(wrapper)
    (folder / "bin/ser2net").chmod(0o755)
    lab = RealLab(folder, programs, sshd, host_firmware, qemu_firmware)
    try:
        yield lab
    finally:
        lab.close()


def set_up_ssh(home: Path, sshd: Sshd) -> None:
    """Let every name be the server of the tests: an exporter calls its host by the host's own."""
    folder = home / ".ssh"
    folder.mkdir(mode=0o700)
    keys = {"HostName": "127.0.0.1", "Port": sshd.port, "IdentityFile": sshd.folder / "client_key"}
    keys["UserKnownHostsFile"] = folder / "known"
    (folder / "config").write_text("Host *\n" + "".join(f"  {key} {value}\n" for key, value in keys.items()))
    (folder / "known").write_text(f"[127.0.0.1]:{sshd.port} {(sshd.folder / 'host_key.pub').read_text()}")
