"""A run whose cable is pulled three times, and whose board restarts once: the command ends with the full report."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import target
from artifact import Artifact
from calibration.convert import Int8Facts
from deploy.flashers import flasher_for
from deploy.running import RunningLink
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from tests.pipeline.small import PRESET, at_home, inv, options, report_of

PICTURES = 60
BYTES = PICTURES * 32 * 32 * 3
CUTS, RESTART = (BYTES // 5, 2 * BYTES // 5, 3 * BYTES // 5), 4 * BYTES // 5
"""After how many bytes to the board, so that nothing depends on a time."""


class Cable:
    """A line to a process that is the board. It breaks, and the board restarts, after so many bytes."""

    def __init__(self, image: Path):
        self.image, self.sent, self.cuts, self.restarts = image, 0, 0, 0
        self.board = self._start()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _start(self) -> RunningLink:
        link = flasher_for(target.load("host-fw")).start(self.image)
        assert isinstance(link, RunningLink)
        return link

    def _to_board(self) -> socket.socket:
        parts = urlsplit(self.board.uri)
        return socket.create_connection((parts.hostname, parts.port))

    def _serve(self) -> None:
        with suppress(OSError):  # the listener is closed when the test is over
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
                if self.cuts < len(CUTS) and self.sent > CUTS[self.cuts]:
                    self.cuts += 1
                    return
                if not self.restarts and self.sent > RESTART:
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


@pytest.fixture
def cable(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> Iterator[Cable]:
    request = Request(PRESET, target="host-fw", weights="random", data=f"npz:{npz}", calibration_images=16, plain=True)
    with at_home(home):
        image = Steps(resolve(request)).build_firmware().path
    cable = Cable(image)
    yield cable
    cable.close()


def test_it_ends_with_the_full_report(home: Path, npz: Path, cable: Cable) -> None:
    done = inv(
        home, "accuracy", *options(npz), "--target", "host-fw", "--link", cable.uri, "--images", "all", "--fresh"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert (cable.cuts, cable.restarts) == (3, 1)
    report = report_of(home, PRESET, "host-fw")
    assert report["accuracy"]["n"] == report["exactness"]["n"] == report["exactness"]["equal"] == PICTURES
    # What the restarted board has lost may be sent again before the run notices more than a refused RUN.
    assert report["provenance"]["reconnects"] in (3, 4)
    assert "interrupted" not in report["provenance"]
