"""`edgetpu_compiler` as a program: LocalTool runs it on this machine; other Tools may run it elsewhere."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import process
from compilers.edgetpu.log import explanation, version_of
from errors import CompileError
from process import Finished

PROGRAM = "edgetpu_compiler"
COMPILE_S = 300
"""How long the compiler may search before it stops by itself (its default is 180 s)."""
GRACE_S = 30
VERSION_S = 30
HOW_TO_GET_IT = (
    "it exists for Debian and Ubuntu on x86-64 only: install Coral's package edgetpu-compiler (see "
    "coral.ai/docs/edgetpu/compiler), name a machine that has it with --compile-on ssh://USER@HOST, or give a file "
    "compiled elsewhere with --compiled FILE"
)


class Tool(Protocol):
    """The compiler on some machine. Raises CompileError if it is missing, LinkError if the machine is not reached."""

    @property
    def machine(self) -> str:
        """The machine's name in errors."""

    def version(self) -> str:
        """Return its version, such as 16.0.384591198."""

    def compile(self, models: Sequence[Path], out: Path) -> Finished:
        """Compile models together, and put `<stem>_edgetpu.tflite` and `<stem>_edgetpu.log` of each into the folder.

        Both output streams are in the result's `stdout`.
        """


def arguments(models: Sequence[str], out: str) -> list[str]:
    """Return the compiler's arguments: show all operators, a time limit, the output folder and the models."""
    return ["--show_operations", "--timeout_sec", str(COMPILE_S), "--out_dir", out, *models]


class LocalTool:
    """The compiler on this machine's PATH."""

    machine = "this machine"

    def version(self) -> str:
        """Return its version. Raises CompileError with the way to get it if it is not on the PATH."""
        return checked_version(self._run(["--version"], VERSION_S), self.machine)

    def compile(self, models: Sequence[Path], out: Path) -> Finished:
        """See Tool.compile."""
        return self._run(arguments([str(path) for path in models], str(out)), COMPILE_S + GRACE_S)

    def _run(self, options: list[str], timeout_s: int) -> Finished:
        path = shutil.which(PROGRAM)
        if path is None:
            raise CompileError(f"{PROGRAM}: not on the PATH of this machine ({platform.machine()}); {HOW_TO_GET_IT}")
        return process.run(
            [path, *options], error=CompileError, timeout_s=timeout_s, is_merged=True, check=False,
            hint=f"check whether {path} runs by itself",
        )  # fmt: skip


def checked_version(finished: Finished, machine: str) -> str:
    """Return the version that `--version` printed. Raises CompileError if it is not this compiler's output."""
    version = version_of(finished.stdout)
    if finished.exit_code or not version:
        raise CompileError(
            f"{PROGRAM} --version on {machine}: exit code {finished.exit_code}, it printed: "
            f"{explanation(finished.stdout) or 'nothing'}; install it again"
        )
    return version
