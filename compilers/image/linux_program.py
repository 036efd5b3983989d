"""A Linux board's program: the network as C and the protocol, linked statically, so that the board needs nothing else.

Debian's C library for armhf has Armv7 code in it: a program for Armv6 is linked with that of armel, whose calls pass
floating-point numbers in integer registers.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace

from artifact import Artifact
from compilers.image.microcontroller import FirmwareFacts
from compilers.image.microcontroller import compile_for as compile_image
from compilers.image.toolchain import TOOLCHAINS, Toolchain
from errors import CompileError
from target import ARCHITECTURES, Target
from target.sections import Mcu


@dataclass(frozen=True)
class Build:
    """How programs of an architecture are compiled: a toolchain, the options that choose the core, and a kernel set."""

    toolchain: str
    flags: str
    kernels: str = "portable"


BUILDS = {
    "armv6": Build("arm-linux-gnueabi", "-march=armv6+fp -mfloat-abi=softfp -marm"),
    "armv7": Build("arm-linux-gnueabihf", "-march=armv7-a+vfpv3-d16 -mfloat-abi=hard -mthumb", "simd"),
    "aarch64": Build("aarch64-linux-gnu", "-march=armv8-a", "simd"),
    "riscv64": Build("riscv64-linux-gnu", "-march=rv64gc -mabi=lp64d"),
    "x86-64": Build("x86_64-linux-gnu", "-m64 -march=x86-64", "simd"),
}
"""The set `simd` has vectors for several CPUs of an architecture, of which a program chooses when it is started."""
ADDRESSES = 1 << 31
"""Stands for flash and RAM, which a process has none of: the network is not refused for its size."""


def compile_for(
    model: Artifact[object], target: Target, optimize: str = "size", trace: bool = False, profile: bool = False
) -> Artifact[FirmwareFacts]:
    """Return the program of an int8 artifact for a Linux target, as compilers.image.microcontroller.compile_for.

    Raises CompileError too if no program can be compiled for the target.
    """
    return compile_image(model, replace(target, mcu=mcu_of(target)), optimize, trace=trace, profile=profile)


def toolchain_of(target: Target) -> Toolchain:
    """Return the toolchain for the programs of a Linux target. Raises CompileError if there is none."""
    return TOOLCHAINS[_build_of(target).toolchain]


def mcu_of(target: Target) -> Mcu:
    """Return how the firmware is built as a program of a Linux target. Raises CompileError if it can't be."""
    build = _build_of(target)
    # ISO C without fused multiply-add: the same bytes on every core.
    return Mcu(
        family="linux",
        board="linux",
        toolchain=build.toolchain,
        cpu_flags=f"{build.flags} -ffp-contract=off",
        kernels=build.kernels,
        flash_origin=0,
        flash_bytes=ADDRESSES,
        ram_origin=ADDRESSES,
        ram_bytes=ADDRESSES,
        stack_bytes=4096,
        clock_hz=1_000_000_000,
    )


def architecture_of(target: Target) -> str:
    """Return the architecture of a Linux target: that of its TOML, or this host's. Raises CompileError if unknown."""
    if target.architecture:
        return target.architecture
    machine = platform.machine() if target.measured_on == "host" else ""
    for name, machines in ARCHITECTURES.items():
        if machines[0] == machine:
            return name
    raise CompileError(
        f"{target.name}: --engine aot: no architecture to compile for; add the key architecture to "
        f"targets/{target.name}.toml ({', '.join(ARCHITECTURES)})"
    )


def _build_of(target: Target) -> Build:
    return BUILDS[architecture_of(target)]
