"""A cable that is pulled: `inv deploy` to a board whose line breaks three times, and which restarts once.

    .venv/bin/python -m benchmarks.pulled_cable MODEL.tflite --target qemu-m4 --data npz:pictures.npz --images 40

The board is a process or an emulator of this machine, behind a line of its own. Prints what `inv deploy` prints, and
ends with its exit code.
"""

from __future__ import annotations

import argparse
import math
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import target as targets
from artifact import ROOT
from calibration import convert
from compilers.image import microcontroller
from deploy.flashers import flasher_for
from deploy.running import RunningLink
from errors import ConfigError, Error
from graph.reader import read

LISTENS_S = 60.0
"""How long an emulator on a busy machine may take until it listens."""


class Cable:
    """A line to a process or emulator that is the board, at `uri`. It breaks and the board restarts after some bytes.

    `cut_after` and `restart_after` are of those towards the board, so that nothing depends on a time. `start` starts
    the board with its firmware. `cuts` and `restarts` count what has happened.
    """

    def __init__(self, start: Callable[[], RunningLink], cut_after: Sequence[int], restart_after: int):
        self._start, self._cut_after, self._restart_after = start, cut_after, restart_after
        self.sent = self.cuts = self.restarts = 0
        self.board = self._start()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _to_board(self) -> socket.socket:
        """Return a connection to the board; an emulator does not listen as soon as it is started."""
        parts, limit = urlsplit(self.board.uri), time.monotonic() + LISTENS_S
        while True:
            try:
                return socket.create_connection((parts.hostname, parts.port))
            except ConnectionRefusedError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.1)

    def _serve(self) -> None:
        with suppress(OSError):  # close() ends it
            while True:
                host, _ = self._listener.accept()
                with host:
                    self._pass_on(host)

    def _pass_on(self, host: socket.socket) -> None:
        """Carry bytes both ways until one side ends, or it is time for a cut."""
        board = self._to_board()
        self._answer(board, host)
        try:
            while data := host.recv(4096):
                self.sent += len(data)
                if self.cuts < len(self._cut_after) and self.sent > self._cut_after[self.cuts]:
                    self.cuts += 1
                    return
                if not self.restarts and self.sent > self._restart_after:
                    self.restarts += 1
                    _hang_up(board)
                    self.board.close()
                    self.board = self._start()
                    board = self._to_board()
                    self._answer(board, host)
                    continue  # what was on the line is lost with the board
                board.sendall(data)
        except OSError:
            return
        finally:
            _hang_up(board)
            _hang_up(host)

    def _answer(self, board: socket.socket, host: socket.socket) -> None:
        def carry() -> None:
            with suppress(OSError):
                while data := board.recv(4096):
                    host.sendall(data)

        threading.Thread(target=carry, daemon=True).start()

    def close(self) -> None:
        """End the line and the board."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        self.board.close()


def _hang_up(end: socket.socket) -> None:
    """Close a socket from which a thread may be reading: without a shutdown it would stay open until that returns."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def starter(target: str, image: Path) -> Callable[[], RunningLink]:
    """Return what starts a board with an image. It raises ConfigError if that is not a process of this machine."""

    def start() -> RunningLink:
        link = flasher_for(targets.load(target)).start(image)
        if not isinstance(link, RunningLink):
            raise ConfigError(f"--target {target}: expected one that runs on this machine, such as host-fw or qemu-m4")
        return link

    return start


def main() -> int:
    """Run as the arguments say; return the exit code of `inv deploy`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--target", default="host-fw")
    parser.add_argument("--data", required=True, help="pictures, as `inv deploy` takes them")
    parser.add_argument("--images", type=int, default=100)
    chosen = parser.parse_args()
    model, board = chosen.model.resolve(), targets.load(chosen.target)
    graph = read(model)
    size = chosen.images * sum(math.prod(graph.tensors[index].shape) for index in graph.inputs)
    image = microcontroller.compile_for(convert.adopt(model, (), None), board)
    cable = Cable(starter(board.name, image.path), (size // 5, 2 * size // 5, 3 * size // 5), 4 * size // 5)
    command = [sys.executable, str(ROOT / "tasks.py"), "deploy", "--target", board.name, "--model", str(model)]
    command += ["--data", chosen.data, "--images", str(chosen.images), "--link", cable.uri]
    try:
        code = subprocess.run(command, check=False).returncode
    finally:
        cable.close()
    print(f"the line was cut {cable.cuts} times, the board restarted {cable.restarts} times, exit code {code}")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Error as error:
        sys.exit(f"error: {error}")
