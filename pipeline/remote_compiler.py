"""Coral's Edge TPU compiler on another machine: models go there, its files come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from artifact import sha256_of
from compilers.edgetpu.tool import (
    COMPILE_S,
    GRACE_S,
    HOW_TO_GET_IT,
    PROGRAM,
    VERSION_S,
    arguments,
    checked_version,
)
from deploy.remote.job import Ended, RemoteMachine
from errors import CompileError
from process import Finished


class RemoteTool:
    """The compiler of a machine over SSH: a compilers.edgetpu.Tool."""

    def __init__(self, uri: str, accept_new: bool = False, say: Callable[[str], None] = lambda text: None):
        self._machine = RemoteMachine(uri, "--compile-on", accept_new, say)

    @property
    def machine(self) -> str:
        """The machine's address."""
        return self._machine.name

    def version(self) -> str:
        """See Tool.version. Raises LinkError if the machine is not reached."""
        return checked_version(self._finished(self._machine.run([PROGRAM, "--version"], VERSION_S)), self.machine)

    def compile(self, models: Sequence[Path], out: Path) -> Finished:
        """See Tool.compile. Raises LinkError if the machine is not reached or lost."""
        names = {path: f"model-{sha256_of(path)[:12]}{path.suffix}" for path in models}
        stems = {path: PurePosixPath(name).stem for path, name in names.items()}
        finished = self._finished(
            self._machine.run_on_files(
                {name: path for path, name in names.items()},
                {f"{stem}_edgetpu.tflite": out / f"{path.stem}_edgetpu.tflite" for path, stem in stems.items()},
                lambda paths, folder: [PROGRAM, *arguments(paths, folder)],
                COMPILE_S + GRACE_S,
            )
        )
        text = finished.stdout
        for path, stem in stems.items():  # the log names the files as they are called there
            text = text.replace(stem, path.stem)
        return Finished(finished.exit_code, text)

    def _finished(self, ended: Ended) -> Finished:
        if ended.is_missing:
            raise CompileError(f"{PROGRAM}: not on the PATH of {self.machine} ({ended.machine}); {HOW_TO_GET_IT}")
        return Finished(ended.exit_code, ended.text)
