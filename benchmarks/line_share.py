"""How much of the time for a picture is transfer or inference, on a line as fast as a UART, beside a plain copy.

Run it with `.venv/bin/python -m benchmarks.line_share MODEL.tflite`. The device is `host-fw` behind a link that passes
ten bits a byte in both directions. The plain copy sends the same bytes over such a link to nothing, in turns with the
pictures; what is left of a picture's time beside the copy and the inference is the protocol's.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import target
from calibration import convert
from compilers.image import microcontroller
from deploy.flashers import flasher_for
from deploy.links import Link
from deploy.session import Session

BAUDS = (115_200, 921_600, 3_000_000)
PIECE_S = 0.0005
"""Bytes pass in pieces of so many seconds, as a USB adapter passes them."""


class PacedLink:
    """Wraps a link; bytes pass as fast as a UART passes them, ten bits each, and wait in order until then."""

    def __init__(self, link: Link, baud: int):
        self.name, self._link, self._byte_s = link.name, link, 10 / baud
        self._free_at = {"in": 0.0, "out": 0.0}
        self._waiting: dict[str, deque[tuple[float, bytes]]] = {"in": deque(), "out": deque()}

    def open(self) -> None:
        """See Link.open."""
        self._link.open()

    def close(self) -> None:
        """See Link.close."""
        self._link.close()

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self._queue("out", data)

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        limit = time.monotonic() + timeout_s
        while True:
            if passed := self._passed("out"):
                self._link.write(passed)
            if arrived := self._passed("in"):
                return arrived
            now = time.monotonic()
            if now >= limit:
                return b""
            next_at = min([limit, *(queue[0][0] for queue in self._waiting.values() if queue)])
            if data := self._link.read(max(0.0, next_at - now)):
                self._queue("in", data)

    def drain(self) -> None:
        """Wait until all that was written has passed."""
        while self._waiting["out"]:
            self.read(max(0.0, self._waiting["out"][0][0] - time.monotonic()))

    def _queue(self, way: str, data: bytes) -> None:
        self._free_at[way] = max(self._free_at[way], time.monotonic())
        size = max(64, int(PIECE_S / self._byte_s))
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            self._free_at[way] += len(piece) * self._byte_s
            self._waiting[way].append((self._free_at[way], piece))

    def _passed(self, way: str) -> bytes:
        queue, now, pieces = self._waiting[way], time.monotonic(), []
        while queue and queue[0][0] <= now:
            pieces.append(queue.popleft()[1])
        return b"".join(pieces)


class Nothing:
    """A link to nothing, for the plain copy."""

    name = "nothing:"

    def open(self) -> None:
        """See Link.open."""

    def close(self) -> None:
        """See Link.close."""

    def write(self, data: bytes) -> None:
        """See Link.write."""

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        time.sleep(timeout_s)
        return b""


@dataclass(frozen=True)
class Share:
    """Seconds for all pictures: copied plainly, computed by the device's counter, and in all."""

    copy_s: float
    inference_s: float
    total_s: float

    @property
    def useful(self) -> float:
        """How much of the time is transfer or inference, from 0 to 1."""
        return (self.copy_s + self.inference_s) / self.total_s


def share(link: Link, baud: int, images: int) -> Share:
    """Send random pictures to a device, each in turn with a plain copy of it."""
    copy = PacedLink(Nothing(), baud)
    copy_s = inference_s = total_s = 0.0
    with Session(PacedLink(link, baud)) as session:
        rng = np.random.default_rng(0)
        size = session.info.inputs[0].nbytes
        session.infer(bytes(size))  # the session does not know the line's speed yet
        for _ in range(images):
            data = rng.integers(-128, 128, size).astype(np.int8).tobytes()
            begin = time.monotonic()
            copy.write(data)
            copy.drain()
            copied = time.monotonic()
            ticks = session.infer(data).ticks
            total_s += time.monotonic() - copied
            copy_s += copied - begin
            inference_s += ticks / session.info.counter.rate_hz
    return Share(copy_s, inference_s, total_s)


def main() -> None:
    """Print a row for each speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", type=int, default=10)
    arguments = parser.parse_args()
    board = target.load("host-fw")
    image = microcontroller.compile_for(convert.adopt(arguments.model, (), None), board)
    for baud in BAUDS:
        result = share(flasher_for(board).start(image.path), baud, arguments.images)
        print(
            f"{baud:9,} baud: {result.useful:.1%} transfer or inference; a picture takes "
            f"{result.total_s / arguments.images:.3f} s, its copy {result.copy_s / arguments.images:.3f} s, "
            f"its inference {result.inference_s / arguments.images:.3f} s"
        )


if __name__ == "__main__":
    main()
