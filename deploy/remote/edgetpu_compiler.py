"""Coral's Edge TPU compiler on another machine, reached as boards are: models go there, its files come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from artifact import sha256_of
from compilers.edgetpu.tool import COMPILE_S, GRACE_S, HOW_TO_GET_IT, PROGRAM, VERSION_S, Finished, arguments
from compilers.edgetpu.tool import checked_version as checked
from deploy.remote.board import Board
from deploy.remote.connect import Address, parse_address
from deploy.remote.program import NO_SUCH_PROGRAM, run
from errors import CompileError, LinkError

WORK = "edgetpu-compile"
OUTPUT_MAX_BYTES = 1 << 28


class RemoteTool:
    """The compiler of a machine over SSH: a compilers.edgetpu.Tool. A connection is made for each thing asked of it."""

    def __init__(self, uri: str, accept_new: bool = False, say: Callable[[str], None] = lambda text: None):
        self._address = _address(uri)
        self._accept_new, self._say = accept_new, say

    @property
    def where(self) -> str:
        """The machine's address."""
        return self._address.name

    def version(self) -> str:
        """See Tool.version. Raises LinkError if the machine is not reached."""
        with self._board() as board:
            return checked(self._run(board, ["--version"], VERSION_S), self.where)

    def compile(self, models: Sequence[Path], out: Path) -> Finished:
        """See Tool.compile. Raises LinkError if the machine is not reached or lost."""
        with self._board() as board:
            names = {path: f"model-{sha256_of(path)[:12]}{path.suffix}" for path in models}
            there = [board.put(path, names[path], self._say) for path in models]
            folder = board.ask("work", name=WORK)["path"]
            done = self._run(board, arguments(there, folder), COMPILE_S + GRACE_S)
            found = board.ask("listing", name=WORK)
            for path in models:
                wrote = f"{PurePosixPath(names[path]).stem}_edgetpu.tflite"
                if wrote in found and 0 < found[wrote]["size"] <= OUTPUT_MAX_BYTES:
                    board.get(f"{folder}/{wrote}", out / f"{path.stem}_edgetpu.tflite", **found[wrote])
        text = done.text
        for path, name in names.items():  # the log speaks of the files by their names here
            text = text.replace(PurePosixPath(name).stem, path.stem)
        return Finished(done.code, text)

    def _board(self) -> Board:
        return Board(self._address, accept_new=self._accept_new)

    def _run(self, board: Board, given: list[str], timeout_s: int) -> Finished:
        code, text = run(board.transport, [PROGRAM, *given], timeout_s, self.where)
        if code == NO_SUCH_PROGRAM:
            machine = board.facts.get("machine", "unknown machine")
            raise CompileError(f"{PROGRAM}: not on the PATH of {self.where} ({machine}); {HOW_TO_GET_IT}")
        return Finished(code, text)


def _address(uri: str) -> Address:
    try:
        return parse_address(uri)
    except LinkError as e:
        raise LinkError(str(e).replace("--link", "--compile-on", 1)) from e
