"""Runs on the board while a host holds it: its facts, the lock, and what is done with copied files.

The host sends this file over SSH to `python3` (see board.py), so it needs Python 3.9 and the standard library, and is
never stored. One JSON object a line goes in and out; blank lines are the host's sign of life. When its input ends
or falls silent, unfinished files are removed and the lock is free again, no matter what happened to the host.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import hashlib
import json
import os
import platform
import select
import shutil
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata

MARK = "alpharho:"  # the output of a shell's start-up files comes before it
QUIET_S = 120.0
PART = ".part"
LIBRARIES = ("ai-edge-litert", "tflite-runtime", "numpy")
KEPT = {"agent-": 1, "model-": 8, "runtime-": 4, "program-": 4}  # the newest of each are left for the next run


class Refusal(Exception):
    """A request that can't be met: `code` for the host's program, the message for a person."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Helper:
    """Answers requests about one folder, whose lock it holds."""

    def __init__(self) -> None:
        self.folder = os.path.join(os.path.expanduser("~"), ".cache", "alpharho")
        self.lock: int | None = None

    def hello(self, holder: str) -> dict[str, object]:
        """Take the lock and return the board's facts. The lock is the kernel's: it ends with this process."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        path = os.path.join(self.folder, "lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(lock, 1000, 0).decode("utf-8", "replace").strip()
            raise Refusal("busy", text or "another run") from None
        self.lock = lock
        os.ftruncate(lock, 0)
        os.pwrite(lock, holder.encode(), 0)
        self.clean()
        return facts(self.folder)

    def have(self, name: str, sha256: str) -> dict[str, object]:
        """Say whether a whole file of that name and content is there, and where it is or would be."""
        path = self._path(name)
        is_there = os.path.isfile(path) and sha256_of(path) == sha256
        if is_there:
            os.utime(path)
        return {"found": is_there, "path": path}

    def have_folder(self, name: str) -> dict[str, object]:
        """Say whether a folder of that name is there; one is only renamed to it when whole."""
        path = self._path(name)
        is_there = os.path.isdir(path)
        if is_there:
            os.utime(path)
        return {"found": is_there, "path": path}

    def part(self, name: str, size: int) -> dict[str, object]:
        """Return the temporary name under which a file of `size` bytes is to be copied."""
        free = self._free_bytes()
        if size + (1 << 20) > free:
            raise Refusal("space", f"{size} bytes needed, {free} free in {self.folder}")
        return {"path": self._path("." + name + PART)}

    def keep(self, name: str, sha256: str) -> dict[str, object]:
        """Give a copied file its name, if it is what was sent."""
        part = self._path("." + name + PART)
        arrived = sha256_of(part)
        if arrived != sha256:
            os.unlink(part)
            raise Refusal("damaged", f"sha256 {sha256[:12]} expected, {arrived[:12]} arrived")
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, self._path(name))
        return {"path": self._path(name)}

    def work(self, name: str) -> dict[str, object]:
        """Return a new empty folder for a program to write into; it is removed when the host goes."""
        path = self._path("." + name + PART)
        _remove(path)
        os.mkdir(path)
        return {"path": path}

    def listing(self, name: str) -> dict[str, object]:
        """Return the files in a folder for work: sizes in bytes and sha256, by name."""
        folder = self._path("." + name + PART)
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
        paths = {name: os.path.join(folder, name) for name in names}
        return {name: {"size": os.path.getsize(path), "sha256": sha256_of(path)} for name, path in paths.items()}

    def unpack(self, name: str, wheels: builtins.list[str]) -> dict[str, object]:
        """Unpack copied wheels, without their tests, into a folder of that name, and remove them."""
        work = self._path("." + name + PART)
        os.mkdir(work)
        for wheel in wheels:
            with zipfile.ZipFile(self._path(wheel)) as archive:
                archive.extractall(work, [name for name in archive.namelist() if "/tests/" not in name])
            os.unlink(self._path(wheel))
        for entry in os.listdir(work):
            if entry.endswith(".data"):  # purelib and platlib of a wheel are part of it, its scripts are not needed
                for kind in ("purelib", "platlib"):
                    _move_all(os.path.join(work, entry, kind), work)
                shutil.rmtree(os.path.join(work, entry))
        os.sync()
        os.rename(work, self._path(name))
        return {"path": self._path(name)}

    def free(self) -> dict[str, object]:
        """Return how many bytes can be written."""
        return {"bytes": self._free_bytes()}

    def names(self) -> dict[str, object]:
        """Return the names of what is in the folder."""
        return {"names": sorted(os.listdir(self.folder))}

    def clean(self) -> dict[str, object]:
        """Remove what an unfinished run left, and all but the newest of each kind."""
        for name in os.listdir(self.folder):
            if name.startswith(".") and name.endswith(PART):
                _remove(self._path(name))
        for prefix, count in KEPT.items():
            names = [name for name in os.listdir(self.folder) if name.startswith(prefix)]
            names.sort(key=lambda name: os.stat(self._path(name)).st_mtime, reverse=True)
            for name in names[count:]:
                _remove(self._path(name))
        return {}

    def _free_bytes(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def _path(self, name: str) -> str:
        if os.path.basename(name) != name or name in ("", ".", ".."):
            raise Refusal("name", f"not a file name: {name!r}")
        return os.path.join(self.folder, name)


def facts(folder: str) -> dict[str, object]:
    """Return the facts that the host needs to choose a runtime for the board."""
    libraries = {}
    for library in LIBRARIES:
        try:
            libraries[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        libc = ""
    return {
        "folder": folder,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "libc": libc,
        "cores": len(os.sched_getaffinity(0)),
        "libraries": libraries,
    }


def sha256_of(path: str) -> str:
    """Return the sha256 of a file as hex digits; "" if it is not there."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _move_all(source: str, target: str) -> None:
    if os.path.isdir(source):
        for name in os.listdir(source):
            shutil.move(os.path.join(source, name), os.path.join(target, name))


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def answer(helper: Helper, line: bytes) -> dict[str, object]:
    """Return the answer to one request as an object."""
    request = json.loads(line)
    verb = request.pop("do")
    try:
        return {"ok": getattr(helper, verb)(**request)}
    except Refusal as e:
        return {"error": e.code, "text": str(e)}
    except OSError as e:
        code = "space" if e.errno in (errno.ENOSPC, errno.EDQUOT) else "system"
        return {"error": code, "text": f"{e.filename or helper.folder}: {e.strerror or e}"}
    except zipfile.BadZipFile as e:
        return {"error": "damaged", "text": str(e)}


def lines() -> Iterator[bytes]:
    """Yield the lines of standard input until it ends or is silent for a while."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    rest = b""
    while poll.poll(QUIET_S * 1000):
        data = os.read(0, 1 << 16)
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        yield from (line for line in whole if line.strip())


def main() -> None:
    """Serve until the host disconnects."""
    helper = Helper()
    try:
        for line in lines():
            os.write(1, (MARK + json.dumps(answer(helper, line)) + "\n").encode())
    except OSError:
        pass  # the host has closed the connection
    finally:
        if helper.lock is not None:
            helper.clean()


if __name__ == "__main__":
    main()
