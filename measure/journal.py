"""The answers of a device that a run has so far, on disk: a run that is cut short goes on from there.

The file begins with a line of JSON that says what was measured, then has a record for each picture in their order. Each
has a checksum over itself and the first line, so that what a power loss left half written is noticed and asked again.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import artifact
from artifact import write_errors
from errors import ConfigError
from fields import Source, load_json
from measure.samples import Outputs

SUFFIX = ".journal"
SYNC_S = 0.25
"""Records reach the system at once, and survive the end of this process; the disk at least this often."""
KEPT = 20
_HEAD = struct.Struct("<Id")
_CRC = struct.Struct("<I")
Facts = Mapping[str, str]
"""What a journal is of: hashes of firmware, model and data, kernels, board ... by the name that a person reads."""


class Journal:
    """The journal of one run: `name` is that of the device and the model, `facts` all that may change its answers."""

    def __init__(self, name: str, facts: Facts, folder: Path | None = None):
        self.name, self.facts = name, dict(facts)
        self._head = _first_line(self.facts)
        key = hashlib.sha256(name.encode() + self._head).hexdigest()[:16]
        self.path = (folder or artifact.BUILD_DIR / "journals") / f"{name}-{key}{SUFFIX}"
        self._file = -1
        self._synced = 0.0

    def open(self, outputs: Outputs) -> bool:
        """Fill `outputs` with the answers that are on disk and get ready for more.

        Returns False, and keeps nothing, if another run has it open. Raises ConfigError if it can't be written.
        """
        with write_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._remove_old()
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                whole = self._load(file, outputs)
                if not whole:
                    os.ftruncate(file, 0)
                    os.pwrite(file, self._head, 0)
                    whole = len(self._head)
                os.ftruncate(file, whole)
                os.fsync(file)
                os.lseek(file, whole, os.SEEK_SET)
            except BlockingIOError:
                os.close(file)
                return False
            except BaseException:
                os.close(file)
                raise
        self._file = file
        return True

    def add(self, outputs: Outputs) -> None:
        """Append the last answer of `outputs`. Raises ConfigError if the disk is full."""
        if self._file < 0:
            return
        index = outputs.done - 1
        with write_errors(self.path):
            record = self._record(index, outputs.times[index], outputs.raw[index].tobytes())
            if os.write(self._file, record) != len(record):
                raise ConfigError(f"{self.path}: can't be written; free disk space")
            now = time.monotonic()
            if now - self._synced >= SYNC_S:
                os.fdatasync(self._file)
                self._synced = now

    def close(self) -> None:
        """Close the file, which stays. Does nothing if it is closed."""
        file, self._file = self._file, -1
        if file >= 0:
            with contextlib.suppress(OSError):
                os.fdatasync(file)
            os.close(file)

    def discard(self) -> None:
        """Remove the file: what it holds is in a report."""
        self.close()
        self.path.unlink(missing_ok=True)

    def differences(self) -> str:
        """Return what the newest other journal of this name is of that this one is not, "" if there is none."""
        others = [path for path in self.path.parent.glob(f"{glob.escape(self.name)}-*{SUFFIX}") if path != self.path]
        for other in sorted(others, key=_modified, reverse=True)[:1]:
            facts = _facts_of(other)
            wrong = [
                f"{name} {_short(facts.get(name))} then, {_short(value)} now"
                for name, value in self.facts.items()
                if facts.get(name) != value
            ]
            if facts and wrong:
                return "; ".join(wrong)
        return ""

    def _record(self, index: int, seconds: float, row: bytes) -> bytes:
        body = _HEAD.pack(index, seconds) + row
        return body + _CRC.pack(zlib.crc32(body, zlib.crc32(self._head)))

    def _load(self, file: int, outputs: Outputs) -> int:
        """Read whole records into `outputs`; return how many bytes of the file are right."""
        data = _read_all(file)
        if not data.startswith(self._head):
            return 0
        row_bytes = outputs.raw[0].nbytes
        size, at = _HEAD.size + row_bytes + _CRC.size, len(self._head)
        while outputs.done < len(outputs.raw) and at + size <= len(data):
            record = data[at : at + size]
            index, seconds = _HEAD.unpack_from(record)
            row = record[_HEAD.size : -_CRC.size]
            if index != outputs.done or record != self._record(index, seconds, row):
                break
            outputs.raw[index] = np.frombuffer(row, outputs.raw.dtype)
            outputs.times.append(seconds)
            outputs.done, at = index + 1, at + size
        return at

    def _remove_old(self) -> None:
        """Remove all but the newest journals: networks that are not measured any more leave theirs."""
        paths = sorted(self.path.parent.glob(f"*{SUFFIX}"), key=_modified, reverse=True)
        for path in paths[KEPT:]:
            if path != self.path:
                path.unlink(missing_ok=True)


def _first_line(facts: Facts) -> bytes:
    return json.dumps(facts, sort_keys=True).encode() + b"\n"


def _facts_of(path: Path) -> Facts:
    source = Source(path.name)
    try:
        with path.open("rb") as file:
            values = load_json(file.readline(1 << 16), source).values
        return {name: value for name, value in values.items() if isinstance(value, str)}
    except (OSError, ConfigError):
        return {}


def _read_all(file: int) -> bytes:
    parts = []
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another run has removed it
        return 0.0


def _short(value: str | None) -> str:
    if value is None:
        return "none"
    return value[:12] if len(value) == 64 else value[:60]
