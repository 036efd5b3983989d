"""The firmware's protocol built for this machine with sanitizers, and fed with streams."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from compilers.image.firmware import FIRMWARE_DIR

SOURCES = sorted(FIRMWARE_DIR.glob("protocol/*.c"))
SOURCE = FIRMWARE_DIR / "tests" / "protocol_driver.c"
SANITIZERS = "-fsanitize=address,undefined"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wundef", "-Wvla")


def build_driver(out: Path, compiler: str = "gcc", *options: str) -> Path:
    """Compile the driver. `options` come last."""
    program = out / "driver"
    command = [
        compiler, "-std=c11", "-g", "-O1", *WARNINGS, SANITIZERS, "-fno-sanitize-recover=all", "-I",
        str(FIRMWARE_DIR / "protocol"), *options, str(SOURCE), *map(str, SOURCES), "-o", str(program),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


class Driver:
    """One driver process: a stream in, its answer out."""

    def __init__(self, program: Path, mode: str):
        self._process = subprocess.Popen(
            [str(program), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __call__(self, stream: bytes) -> bytes:
        """Return what the driver answers to one stream."""
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdin.write(struct.pack("<I", len(stream)) + stream)
        self._process.stdin.flush()
        head = self._process.stdout.read(4)
        assert len(head) == 4, self._process.stderr.read().decode()
        return self._process.stdout.read(struct.unpack("<I", head)[0])

    def close(self) -> int:
        """End the process and return its exit code."""
        self._process.communicate()
        return self._process.returncode
