"""The firmware's protocol built for this machine with sanitizers, and fed with streams."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from compilers.image.firmware import FIRMWARE_DIR

SOURCES = sorted(FIRMWARE_DIR.glob("protocol/*.c"))
SOURCE = FIRMWARE_DIR / "tests" / "protocol_driver.c"
FUZZER_SOURCES = [FIRMWARE_DIR / name for name in ("tests/protocol_fuzzer.c", "app/trace_request.c", "engines/trace.c")]
SANITIZERS = "-fsanitize=address,undefined"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wundef", "-Wvla")


def build_driver(out: Path) -> Path:
    """Compile the driver."""
    return _build(out / "driver", "gcc", [SOURCE])


def build_fuzzer(out: Path, clang: str, *options: str) -> Path:
    """Compile the device's side of the protocol for libFuzzer; `options` select what the firmware has."""
    return _build(out / "fuzzer", clang, FUZZER_SOURCES, "-fsanitize=fuzzer", "-DTRACED", *options)


def _build(program: Path, compiler: str, sources: list[Path], *options: str) -> Path:
    folders = [f"-I{FIRMWARE_DIR / name}" for name in ("protocol", "app", "engines")]
    command = [
        compiler, "-std=c11", "-g", "-O1", *WARNINGS, SANITIZERS, "-fno-sanitize-recover=all", *folders, *options,
        *map(str, sources), *map(str, SOURCES), "-o", str(program),
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
