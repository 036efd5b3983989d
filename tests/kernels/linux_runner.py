"""The kernels of a set in a program for Linux, run by QEMU's user mode on the CPU of a board."""

from __future__ import annotations

import atexit
import ctypes
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from compilers.aot.sets import SETS, folders
from compilers.image.linux_program import BUILDS
from tests.compilers import host_build
from tests.compilers.object_cache import compiled

# Architecture of compilers.image.linux_program, QEMU's CPU, and the form of the set that is tried there.
CPUS = {
    "simd/neon-32": ("armv7", "cortex-a7"),
    "simd/neon": ("aarch64", "cortex-a53"),
    "simd/dot": ("aarch64", "cortex-a76"),
}
EMULATORS = {"armv7": "qemu-arm-static", "aarch64": "qemu-aarch64-static"}
TIMEOUT_S = 300.0
ARGUMENTS = 5
SOURCE = Path(__file__).with_suffix(".c")


def missing(name: str) -> str | None:
    """Return the Debian package of what one of CPUS needs and is not installed here, None if all is."""
    architecture, _ = CPUS[name]
    toolchain = BUILDS[architecture].toolchain
    packages = {f"{toolchain}-gcc": f"gcc-{toolchain}", EMULATORS[architecture]: "qemu-user-static"}
    return next((package for program, package in packages.items() if not shutil.which(program)), None)


class LinuxCore:
    """The program for one of CPUS, and the address of its memory."""

    def __init__(self, name: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix="linux-core-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        kernels = name.partition("/")[0]
        architecture, cpu = CPUS[name]
        build, self.program = BUILDS[architecture], folder / "program"
        self.command = [EMULATORS[architecture], "-cpu", cpu, str(self.program)]
        self.pointer = ctypes.c_uint64 if architecture == "aarch64" else ctypes.c_uint32
        self.functions = [kernel.symbol for name in folders(kernels) for kernel in SETS[name].kernels]
        command = [f"{build.toolchain}-gcc", *build.flags.split(), "-O2", *host_build.WARNINGS]
        command += [f"-I{host_build.KERNELS}"]
        objects = compiled(command, host_build.kernel_sources(kernels), "kernels")
        command += [f"-DKERNELS={','.join(self.functions)}", f'-DHEADER="{SETS[kernels].header}"', str(SOURCE)]
        command += [*map(str, objects), "-static", "-no-pie", "-o", str(self.program)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        names = subprocess.run([f"{build.toolchain}-nm", self.program], capture_output=True, text=True).stdout
        self.address = next(int(line.split()[0], 16) for line in names.splitlines() if line.endswith(" memory"))

    def run(self, requests: Sequence[tuple[bytes, Sequence[Sequence[int]]]]) -> list[bytes]:
        """Return what memory holds after each request's calls, which are function, then arguments."""
        bits = 8 * ctypes.sizeof(self.pointer)
        word = "Q" if bits == 64 else "I"
        sent = bytearray()
        for memory, calls in requests:
            sent += struct.pack("<II", len(memory), len(calls)) + memory
            for call in calls:
                padded = (*call, *[0] * (1 + ARGUMENTS - len(call)))
                sent += struct.pack(f"<{1 + ARGUMENTS}{word}", *(n % (1 << bits) for n in padded))
        done = subprocess.run(self.command, input=bytes(sent), capture_output=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stderr
        found, at = [], 0
        for memory, _ in requests:
            found.append(done.stdout[at : at + len(memory)])
            at += len(memory)
        assert at == len(done.stdout)
        return found
