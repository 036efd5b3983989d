"""An emulated Raspberry Pi as a machine: started, reached over SSH, stopped. Its disk stays, as a card does."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import artifact
import process
from artifact import Artifact, write_atomic
from deploy.flashers.qemu import free_port
from deploy.machines.image import CLIENT_KEY, DISK, HOST_KEY, INITRD, KERNEL, image
from deploy.remote.connect import EMULATED_TIMEOUT_S, Address, close, connect
from deploy.running import Running
from errors import DeployError, LinkError
from fields import Source
from fields.dataclass_json import from_json, to_json
from target import Target

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.2
COPY_TIMEOUT_S = 600
# Nobody attacks this kernel from inside, and each defense costs an emulated processor on every system call.
KERNEL_OPTIONS = "console=ttyAMA0 quiet panic=10 nokaslr kpti=off mitigations=off"
KNOCK_TIMEOUT_S = 20.0
READY = b"Server listening on 0.0.0.0"  # printed by its SSH server
Say = Callable[[str], None]


@dataclass(frozen=True)
class State:
    """A machine that runs: its process (QEMU's, or its guard's), and the port of this host that is its SSH port."""

    pid: int
    port: int


class Machine:
    """The machine of one target. Its state is in `build/machine-state/<target>`, one machine a checkout."""

    def __init__(self, target: Target):
        if target.emulator is None or target.link != "ssh":
            raise DeployError(f"{target.name}: is not an emulated machine; try --target qemu-rpi4")
        self.target, self._emulator = target, target.emulator
        self.folder = artifact.BUILD_DIR / "machine-state" / target.name
        self.console = self.folder / "console.log"
        self._state_file = self.folder / "state.json"
        self._disk = self.folder / "disk.img"

    def state(self) -> State | None:
        """Return the running machine, None if it does not run."""
        try:
            state = from_json(State, json.loads(self._state_file.read_text()), Source("state.json", DeployError))
            command = Path(f"/proc/{state.pid}/cmdline").read_bytes()
        except (OSError, ValueError, DeployError):
            return None
        return state if os.fsencode(self._disk) in command else None

    def address(self, state: State, user: str = "pi") -> Address:
        """Return how to log in: with the key and the known host key of the image."""
        key = self.folder / CLIENT_KEY
        return Address(
            "127.0.0.1", user, state.port, key_file=key, known_hosts=self._known_hosts, timeout_s=EMULATED_TIMEOUT_S
        )

    def login(self, state: State) -> str:
        """Return the command with which a person logs in."""
        key, known = self.folder / CLIENT_KEY, self._known_hosts
        command = ["ssh", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-p", str(state.port), "pi@127.0.0.1"]
        return shlex.join(command)

    def start(self, say: Say = lambda text: None) -> State:
        """Start it, to run until `stop`; return it as it is if it runs. Raises DeployError if it does not come up."""
        with self._locked():
            state = self.state()
            if state:
                return state
            command, port = self._prepare(image(say))
            with (self.folder / "qemu.log").open("wb") as log:
                qemu = process.start(
                    command, error=DeployError, stdout=log, stderr=log, folder=self.folder, outlives_us=True
                )
            try:
                return self._wait(State(qemu.pid, port), lambda: qemu.poll() is not None)
            except BaseException:
                process.stop(qemu, 0)
                raise

    @contextlib.contextmanager
    def running(self, say: Say = lambda text: None) -> Iterator[State]:
        """Yield the running machine, or start one that ends with the body, or with this process, however that ends."""
        with self._locked():
            state = self.state()
            started = None
            if not state:
                say("starting the machine; `./inv emulator --start` keeps one running")
                command, port = self._prepare(image(say))
                started = Running(self.target.name, command)
                try:
                    state = self._wait(State(started.pid, port), started.has_ended)
                except BaseException:
                    started.stop()
                    raise
        try:
            yield state
        finally:
            if started:
                self._sync(state)
                started.stop()
                self._state_file.unlink(missing_ok=True)

    def stop(self) -> bool:
        """Shut it down; return whether it ran."""
        with self._locked():
            state = self.state()
            if not state:
                return False
            self._run_as_root(state, "(/bin/busybox sleep 0.2; /bin/busybox poweroff) >/dev/null 2>&1 &")
            limit = time.monotonic() + STOP_TIMEOUT_S
            while self.state() and time.monotonic() < limit:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(state.pid, os.WNOHANG)  # if this process started it
                time.sleep(POLL_S)
            if self.state():
                os.kill(state.pid, signal.SIGKILL)
            self._state_file.unlink(missing_ok=True)
            return True

    @property
    def _known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts or stops it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prepare(self, index: Artifact[object]) -> tuple[list[str], int]:
        """Copy the disk if the image has changed; return QEMU's command and the SSH port."""
        process.find(self._emulator.program, DeployError, self._emulator.package)
        files, mark = index.path.parent, self.folder / "image"
        own = (files / HOST_KEY).read_text()  # each image has a key of its own
        if not self._disk.is_file() or not mark.is_file() or mark.read_text() != own:
            mark.unlink(missing_ok=True)
            _copy_sparse(files / DISK, self._disk)
            shutil.copyfile(files / CLIENT_KEY, self.folder / CLIENT_KEY)
            (self.folder / CLIENT_KEY).chmod(0o600)
            write_atomic(mark, own)
        self.console.unlink(missing_ok=True)
        port = free_port()
        kind, key = own.split()[:2]
        write_atomic(self._known_hosts, f"[127.0.0.1]:{port} {kind} {key}\n")
        return self._command(files, port), port

    def _command(self, files: Path, port: int) -> list[str]:
        """Return QEMU's command. The guest reaches nothing but through the SSH port."""
        disk = str(self._disk).replace(",", ",,")  # a comma would end the option
        return [
            self._emulator.program, "-machine", self._emulator.machine, *self._emulator.arguments,
            "-accel", "tcg,thread=multi", "-display", "none", "-monitor", "none", "-parallel", "none",
            "-chardev", f"file,id=console,path={str(self.console).replace(',', ',,')}", "-serial", "chardev:console",
            "-kernel", str(files / KERNEL), "-initrd", str(files / INITRD), "-append", KERNEL_OPTIONS,
            "-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk",
            "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22",
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-object", "rng-random,filename=/dev/urandom,id=random", "-device", "virtio-rng-pci,rng=random",
        ]  # fmt: skip

    def _wait(self, state: State, has_ended: Callable[[], bool]) -> State:
        """Write down that it starts, and wait for it."""
        write_atomic(self._state_file, json.dumps(to_json(state)))
        self.wait_until_up(state, has_ended)
        return state

    def wait_until_up(self, state: State, has_ended: Callable[[], bool] = lambda: False) -> None:
        """Wait until its SSH server answers. Raises DeployError if it ends before that or takes too long."""
        limit = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < limit:
            if has_ended():
                raise DeployError(f"{self.target.name}: ended while it started; {self._last_output()}")
            if self._is_up() and _answers(state.port):
                return
            time.sleep(POLL_S)
        raise DeployError(
            f"{self.target.name}: no SSH in {START_TIMEOUT_S:g} s; {self._last_output()}; "
            f"try ./inv emulator --target {self.target.name} --build"
        )

    def _is_up(self) -> bool:
        """Whether its SSH server listens; a connection before that would only cost an emulated processor time."""
        with contextlib.suppress(OSError):
            return READY in self.console.read_bytes()
        return False

    def _last_output(self) -> str:
        for log in (self.console, self.folder / "qemu.log"):
            with contextlib.suppress(OSError):
                lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
                if lines:
                    return f"last line of its console: {lines[-1].strip()[:200]}"
        return f"its console is empty, see {self.folder}"

    def _sync(self, state: State) -> None:
        self._run_as_root(state, "sync")

    def _run_as_root(self, state: State, command: str) -> None:
        """Run a command as the machine's root, if it can still be reached."""
        with contextlib.suppress(LinkError):
            connection = connect(self.address(state, "root"))
            try:
                with contextlib.suppress(Exception):  # the connection may end with the machine
                    connection.run(command, hide=True, warn=True, in_stream=False, timeout=STOP_TIMEOUT_S)
            finally:
                close(connection)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), KNOCK_TIMEOUT_S) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def _copy_sparse(source: Path, place: Path) -> None:
    """Copy a disk without its holes, to a temporary name first."""
    partial = place.with_name(f"{place.name}.part")
    command = ["cp", "--sparse=always", "--reflink=auto", "--", str(source), str(partial)]
    finished = process.run(command, error=DeployError, timeout_s=COPY_TIMEOUT_S, check=False)
    if finished.exit_code:
        partial.unlink(missing_ok=True)
        raise DeployError(f"{place}: can't be written ({finished.last_line()}); free disk space")
    partial.replace(place)
