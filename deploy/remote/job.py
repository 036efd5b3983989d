"""A program on another machine that is reached as boards are: its files go there, and what it writes comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.remote.board import Board, Say
from deploy.remote.connect import Address, parse_address
from deploy.remote.program import NO_SUCH_PROGRAM, run
from errors import LinkError

WORK = "job"
OUTPUT_MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (NO_SUCH_PROGRAM if there is none), all its output, and the machine's kind."""

    exit_code: int
    text: str
    machine: str

    @property
    def is_missing(self) -> bool:
        """Whether the machine has no such program."""
        return self.exit_code == NO_SUCH_PROGRAM


class RemoteMachine:
    """Another machine over SSH. Each run has a connection of its own; `option` is what errors call the address."""

    def __init__(self, uri: str, option: str = "--link", accept_new: bool = False, say: Say = lambda text: None):
        self._address = _address(uri, option)
        self._accept_new, self._say = accept_new, say

    @property
    def name(self) -> str:
        """Its address."""
        return self._address.name

    def run(self, command: Sequence[str], timeout_s: float) -> Ended:
        """Run a program to its end. Raises LinkError if the machine is not reached or lost, or the program hangs."""
        with self._board() as board:
            return self._run(board, command, timeout_s)

    def run_on_files(
        self,
        files: Mapping[str, Path],
        outputs: Mapping[str, Path],
        command: Callable[[Sequence[str], str], Sequence[str]],
        timeout_s: float,
    ) -> Ended:
        """Copy files there by the names that they get, run a program, and copy back those outputs that it wrote.

        `command` returns the program and its arguments from the files' paths there and the folder for its outputs.
        Raises LinkError as `run`, DeployError if a file can't be copied or arrives damaged.
        """
        with self._board() as board:
            paths = [board.put(path, name, self._say) for name, path in files.items()]
            folder = board.entry("work", name=WORK).path
            ended = self._run(board, command(paths, folder), timeout_s)
            listing = board.listing(WORK)
            for name, path in outputs.items():
                file = listing.get(name)
                if file and 0 < file.size <= OUTPUT_MAX_BYTES:
                    board.get(f"{folder}/{name}", path, file.size, file.sha256)
        return ended

    def _board(self) -> Board:
        return Board(self._address, accept_new=self._accept_new)

    def _run(self, board: Board, command: Sequence[str], timeout_s: float) -> Ended:
        exit_code, text = run(board.transport, command, timeout_s, self.name)
        return Ended(exit_code, text, board.facts.machine)


def _address(uri: str, option: str) -> Address:
    try:
        return parse_address(uri)
    except LinkError as e:
        raise LinkError(str(e).replace("--link", option, 1)) from e
