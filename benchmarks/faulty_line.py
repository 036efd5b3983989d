"""What faults of a line cost: seconds for pictures over a line with faults, over those of a clean one.

Run it with `.venv/bin/python -m benchmarks.faulty_line MODEL.tflite`, for another device than `host-fw` with
`--target`. Batches of all lines alternate: other load on the machine affects all alike. Every output is compared with
that over the clean line. With `--baud` each line is also as slow as a UART: a pipe carries a picture in far less time
than Python takes for its frames.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import target
from benchmarks.line_share import PacedLink
from calibration import convert
from compilers import litert
from compilers.image import microcontroller
from deploy.device import device_for
from deploy.flashers import flasher_for
from deploy.links import Link
from deploy.links.lossy import Faults, LossyLink
from deploy.session import Session
from errors import LinkError
from measure import samples
from measure.connection import Connection, Opener
from target import Target

BATCH = 50
GIVE_UP_S = 60.0
CUT_EVERY_S = 10.0


class DroppingLink:
    """Wraps a link; one frame in `1 / drop`, in either direction, is lost whole."""

    def __init__(self, link: Link, drop: float, seed: int = 1):
        self.name, self._link, self._drop = link.name, link, drop
        self._random = random.Random(seed)
        self._rest = {"in": b"", "out": b""}

    def open(self) -> None:
        """See Link.open."""
        self._link.open()

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        return self._passed("in", self._link.read(timeout_s))

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self._link.write(self._passed("out", data))

    def close(self) -> None:
        """See Link.close."""
        self._link.close()

    def _passed(self, way: str, data: bytes) -> bytes:
        *frames, self._rest[way] = (self._rest[way] + data).split(b"\0")
        return b"".join((b"" if f and self._random.random() < self._drop else f) + b"\0" for f in frames)


class CutLink:
    """Wraps a link to a device; it is cut every few seconds, and can be opened again while the device runs on."""

    def __init__(self, link: Link, every_s: float):
        self.name, self._link, self._every_s = link.name, link, every_s
        self._cut_at = 0.0
        self._link.open()

    def open(self) -> None:
        """See Link.open."""
        self._cut_at = time.monotonic() + self._every_s

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        self._check()
        return self._link.read(timeout_s)

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self._check()
        self._link.write(data)

    def close(self) -> None:
        """See Link.close: the device runs on, and what it has sent is lost."""

    def _check(self) -> None:
        if time.monotonic() > self._cut_at:
            while self._link.read(0.0):
                pass
            raise LinkError(f"{self.name}: cut")


LINES: dict[str, Callable[[Link], Link]] = {
    "clean": lambda link: link,
    "1 % of bytes flipped": lambda link: LossyLink(link, Faults(0, 0, 0, 0, 0, byte_error=0.01)),
    "0.1 % of bytes flipped": lambda link: LossyLink(link, Faults(0, 0, 0, 0, 0, byte_error=0.001)),
    "5 % of frames dropped": lambda link: DroppingLink(link, 0.05),
    f"cut every {CUT_EVERY_S:g} s": lambda link: CutLink(link, CUT_EVERY_S),
}


@dataclass
class Line:
    """One line and what went over it."""

    connection: Connection
    outputs: samples.Outputs
    seconds: float = 0.0

    def run(self, inputs: npt.NDArray[np.int8], until: int) -> None:
        """Send the inputs up to a number, and count the time."""
        begin = time.monotonic()
        self.connection.run(
            lambda session: samples.run_all(session, inputs[:until], self.outputs), lambda: self.outputs.done
        )
        self.seconds += time.monotonic() - begin


def measure(model: Path, images: int, target_name: str = "host-fw", baud: int = 0) -> dict[str, Line]:
    """Return the lines after `images` random inputs of an int8 .tflite went over each.

    0 baud is as fast as the link is.
    """
    start = _starter(model, target.load(target_name))
    with ExitStack() as stack:
        lines = {}
        for name, wrap in LINES.items():
            link = wrap(PacedLink(start(), baud) if baud else start())
            begin = time.monotonic()
            connection = stack.enter_context(Connection(_opener(link), GIVE_UP_S, lambda text: None))
            outputs = samples.Outputs(np.zeros((images, connection.info.outputs[0].nbytes), np.uint8), [])
            lines[name] = Line(connection, outputs, time.monotonic() - begin)
        size = lines["clean"].connection.info.inputs[0].nbytes
        inputs = np.random.default_rng(0).integers(-128, 128, (images, size)).astype(np.int8)
        batch = min(BATCH, max(1, images // 10))
        for until in range(batch, images + batch, batch):
            for line in lines.values():
                line.run(inputs, min(until, images))
    return lines


def _starter(model: Path, board: Target) -> Callable[[], Link]:
    """Return what starts a device with the model: the firmware of a microcontroller, or the agent of a Linux target."""
    adopted = convert.adopt(model, (), None)
    if board.kind == "mcu":
        image = microcontroller.compile_for(adopted, board)
        return lambda: flasher_for(board).start(image.path)
    return device_for(board, litert.compile_for(adopted, board)).flash


def _opener(link: Link) -> Opener:
    def open_session(lost: Link | None = None) -> Session:
        return Session(link)

    return open_session


def main() -> None:
    """Print a row for each line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--target", default="host-fw")
    parser.add_argument("--baud", type=int, default=0, help="pass bytes as fast as a UART [default: as the link does]")
    arguments = parser.parse_args()
    lines = measure(arguments.model, arguments.images, arguments.target, arguments.baud)
    clean = lines["clean"]
    for name, line in lines.items():
        equal = int((line.outputs.raw == clean.outputs.raw).all(axis=1).sum())
        ratio = line.seconds / clean.seconds
        print(
            f"{name:24} {line.seconds:8.1f} s, {ratio:5.2f} x, {equal:,} of {arguments.images:,} equal, "
            f"lost {line.connection.losses} times, {line.connection.session.resent_frames:,} frames sent again"
        )


if __name__ == "__main__":
    main()
