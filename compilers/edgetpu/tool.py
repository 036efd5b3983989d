"""`edgetpu_compiler` as a program: on this machine here, elsewhere by anything else that is a Tool."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import process
from compilers.edgetpu.log import last_words, version_of
from errors import CompileError

PROGRAM = "edgetpu_compiler"
COMPILE_S = 300
"""How long the compiler may search before it gives up by itself (its own default is 180 s)."""
GRACE_S = 30
VERSION_S = 30
HOW_TO_GET_IT = (
    "it is made for Debian and Ubuntu on x86-64 only: install Coral's package edgetpu-compiler (see "
    "coral.ai/docs/edgetpu/compiler), name a machine that has it with --compile-on ssh://USER@HOST, or give a file "
    "compiled elsewhere with --compiled FILE"
)


@dataclass(frozen=True)
class Finished:
    """How a run of the compiler ended: exit code, and what it said on both streams."""

    code: int
    text: str


class Tool(Protocol):
    """The compiler, wherever it is. Raises CompileError if it is not there, LinkError if its machine is not reached."""

    @property
    def where(self) -> str:
        """What errors call it."""

    def version(self) -> str:
        """Return its version, such as 16.0.384591198."""

    def compile(self, models: Sequence[Path], out: Path) -> Finished:
        """Compile models together; put `<stem>_edgetpu.tflite` and `<stem>_edgetpu.log` of each into the folder."""


def arguments(models: Sequence[str], out: str) -> list[str]:
    """Return the compiler's arguments: all operators shown, a time limit, where to write, and what."""
    return ["--show_operations", "--timeout_sec", str(COMPILE_S), "--out_dir", out, *models]


class LocalTool:
    """The compiler on this machine's PATH."""

    where = "this machine"

    def version(self) -> str:
        """Return its version. Raises CompileError with the way to get it if it is not on the PATH."""
        done = self._run(["--version"], VERSION_S)
        return checked_version(done, self.where)

    def compile(self, models: Sequence[Path], out: Path) -> Finished:
        """See Tool.compile."""
        return self._run(arguments([str(path) for path in models], str(out)), COMPILE_S + GRACE_S)

    def _run(self, given: list[str], timeout_s: int) -> Finished:
        path = shutil.which(PROGRAM)
        if path is None:
            raise CompileError(f"{PROGRAM}: not on the PATH of this machine ({platform.machine()}); {HOW_TO_GET_IT}")
        finished = process.run(
            [path, *given], error=CompileError, timeout_s=timeout_s, is_merged=True, check=False,
            hint=f"check whether {path} runs by itself",
        )  # fmt: skip
        return Finished(finished.exit_code, finished.stdout)


def checked_version(done: Finished, where: str) -> str:
    """Return the version that `--version` told. Raises CompileError if it is no answer of this compiler."""
    version = version_of(done.text)
    if done.code or not version:
        said = last_words(done.text) or "nothing"
        raise CompileError(f"{PROGRAM} --version on {where}: exit code {done.code}, it said: {said}; install it again")
    return version
