"""Toolchains: which compiler builds the firmware of a target, and the Debian packages that hold it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import process
from errors import CompileError
from target.sections import Mcu

BUILD_TOOLS = (("cmake", "cmake"), ("ninja", "ninja-build"))
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Toolchain:
    """A GNU toolchain. `name` is the value of the key mcu.toolchain, and of a CMake file in firmware/cmake/toolchain.

    `prefix` begins the name of each of its programs; `package`, `c_package` and `cpp_package` are the Debian packages
    of the compiler, the C library and C++; `c_library` and `cpp_library` are files that the compiler finds if these are
    installed, empty where the compiler's own package has them; an empty `cpp_package` says that Debian has no C++ for
    it. Images of a `hosted` toolchain are programs of an operating system: they have no flash, RAM or stack of
    a size of their own.
    """

    name: str
    prefix: str
    package: str
    c_package: str = ""
    c_library: str = ""
    cpp_package: str = ""
    cpp_library: str = ""
    hosted: bool = False

    @property
    def c_compiler(self) -> str:
        """The program that compiles C: gcc; for this machine any, where there is no gcc."""
        names = (f"{self.prefix}gcc", *(() if self.prefix else ("clang", "cc")))
        return next((name for name in names if shutil.which(name)), names[0])

    @property
    def cpp_compiler(self) -> str:
        """The program that compiles C++."""
        return f"{self.prefix}g++"

    @property
    def archiver(self) -> str:
        """The program that makes static libraries."""
        return f"{self.prefix}ar"

    def check(self) -> None:
        """Raise CompileError naming the Debian package of the first tool that is missing."""
        for program, package in (*BUILD_TOOLS, (self.c_compiler, self.package)):
            _check_program(program, package)
        self._check_library(self.c_compiler, self.c_library, "C", self.c_package)

    def check_cpp(self) -> None:
        """Raise CompileError naming the Debian package if there is no C++ compiler or library, if it has one."""
        if not self.cpp_package:
            raise CompileError(f"{self.name}: Debian has no C++ library for it; choose an engine in C: --engine aot")
        _check_program(self.cpp_compiler, self.cpp_package)
        self._check_library(self.cpp_compiler, self.cpp_library, "C++", self.cpp_package)

    def version(self) -> str:
        """Return the first line of what the C compiler says of its version. Raises CompileError if it is missing."""
        self.check()
        return (_output(self.c_compiler, "--version").splitlines() or ["unknown"])[0]

    def _check_library(self, compiler: str, library: str, language: str, package: str) -> None:
        # gcc prints the bare name of a file that it does not find.
        if library and _output(compiler, f"-print-file-name={library}").strip() == library:
            raise CompileError(f"{compiler}: no {language} library; install it with: apt install {package}")


LINUX = {
    "arm-linux-gnueabi": ("gcc-arm-linux-gnueabi", "libc6-dev-armel-cross"),
    "arm-linux-gnueabihf": ("gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"),
    "aarch64-linux-gnu": ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
    "riscv64-linux-gnu": ("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
    "x86_64-linux-gnu": ("gcc", "libc6-dev"),  # as on a PC, which has it
}
"""GNU toolchains for Linux, and Debian's packages of compiler and C library."""

TOOLCHAINS = {
    toolchain.name: toolchain
    for toolchain in (
        Toolchain(
            name="arm-none-eabi",
            prefix="arm-none-eabi-",
            package="gcc-arm-none-eabi",
            c_package="libnewlib-arm-none-eabi",
            c_library="nano.specs",
            cpp_package="libstdc++-arm-none-eabi-newlib",
            cpp_library="libstdc++_nano.a",
        ),
        Toolchain(
            name="riscv64-unknown-elf",
            prefix="riscv64-unknown-elf-",
            package="gcc-riscv64-unknown-elf",
            c_package="picolibc-riscv64-unknown-elf",
            c_library="picolibc.specs",
        ),
        Toolchain(name="host", prefix="", package="gcc", cpp_package="g++", cpp_library="libstdc++.a", hosted=True),
        *(
            Toolchain(name, f"{name}-", compiler, library, "libc.a", hosted=True)
            for name, (compiler, library) in LINUX.items()
        ),
    )
}


def toolchain_of(mcu: Mcu) -> Toolchain:
    """Return the toolchain that a target's TOML names."""
    return TOOLCHAINS[mcu.toolchain]


def _check_program(program: str, package: str) -> None:
    process.find(program, CompileError, package)


def _output(compiler: str, option: str) -> str:
    return process.run([compiler, option], error=CompileError, timeout_s=TIMEOUT_S, check=False).stdout
