"""What faults of a line cost: seconds for pictures over a line with faults, over those of a clean one.

Run it with `.venv/bin/python -m benchmarks.faulty_line MODEL.tflite`, for another device than `host-fw` with
`--target`. One device takes batches of all lines in turns: other load on the machine affects all alike. Every output is
compared with that over the clean line. With `--baud` each line is also as slow as a UART: a pipe carries a picture in
far less time than Python takes for its frames. `--lines all` measures the clean line and the last one alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import target
from artifact import Artifact, ImageFacts
from benchmarks.line_share import PacedLink
from calibration import convert
from compilers import litert
from compilers.image import linux_program, microcontroller
from deploy.device import device_for, patience
from deploy.links import Link
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Timeouts
from deploy.session import Session
from errors import Error, LinkError
from measure import samples
from measure.connection import Connection
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
    """Wraps a link to a device; it is cut every few seconds, and can be opened again while the device runs on.

    `clock` returns the seconds of which they are.
    """

    def __init__(self, link: Link, every_s: float, clock: Callable[[], float] = time.monotonic):
        self.name, self._link, self._every_s, self._clock = link.name, link, every_s, clock
        self._cut_at = 0.0
        self._link.open()

    def open(self) -> None:
        """See Link.open."""
        self._cut_at = self._clock() + self._every_s

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
        if self._clock() > self._cut_at:
            while self._link.read(0.0):
                pass
            raise LinkError(f"{self.name}: cut")


class KeptLink:
    """Wraps the open link to a device that several sessions use in turns: none of them opens or closes it."""

    def __init__(self, link: Link):
        self.name, self._link = link.name, link
        self.read, self.write = link.read, link.write

    def open(self) -> None:
        """See Link.open: what was sent to another session is dropped."""
        while self._link.read(0.0):
            pass

    def close(self) -> None:
        """See Link.close: the device's owner closes it."""


class Stopwatch:
    """Counts the seconds of one line's turns; it stands still before the first one."""

    def __init__(self) -> None:
        self._before = 0.0
        self._begin: float | None = None

    def __call__(self) -> float:
        """Return the seconds so far."""
        return self._before + (0.0 if self._begin is None else time.monotonic() - self._begin)

    def start(self) -> None:
        """Begin a turn."""
        self._begin = time.monotonic()

    def stop(self) -> None:
        """End a turn."""
        self._before, self._begin = self(), None


def _flipping(link: Link, rate: float) -> Link:
    return LossyLink(link, Faults(0, 0, 0, 0, 0, byte_error=rate))


LINES: dict[str, Callable[[Link, Callable[[], float]], Link]] = {
    "clean": lambda link, clock: link,
    "1 % of bytes flipped": lambda link, clock: _flipping(link, 0.01),
    "0.1 % of bytes flipped": lambda link, clock: _flipping(link, 0.001),
    "5 % of frames dropped": lambda link, clock: DroppingLink(link, 0.05),
    f"cut every {CUT_EVERY_S:g} s": lambda link, clock: CutLink(link, CUT_EVERY_S, clock),
    "all at once": lambda link, clock: CutLink(DroppingLink(_flipping(link, 0.01), 0.05), CUT_EVERY_S, clock),
}
"""The last has 1 % of bytes flipped, 5 % of frames dropped, and the cuts. Seconds are those of the line's own turns."""


@dataclass
class Line:
    """One line and what went over it.

    `seconds` are those of the first handshake and of its turns, `cuts` those until it was open again.
    """

    kept: KeptLink
    stopwatch: Stopwatch
    connection: Connection
    outputs: samples.Outputs
    cuts: list[float]
    seconds: float

    def run(self, inputs: npt.NDArray[np.int8], until: int) -> None:
        """Send the inputs up to a number, and count the time."""
        self.kept.open()
        before = self.stopwatch()
        self.stopwatch.start()
        self.connection.run(
            lambda session: samples.run_all(session, inputs[:until], self.outputs), lambda: self.outputs.done
        )
        self.stopwatch.stop()
        self.seconds += self.stopwatch() - before


def measure(
    model: Path,
    images: int,
    target_name: str = "host-fw",
    baud: int = 0,
    names: Sequence[str] = tuple(LINES),
    engine: str = "",
) -> dict[str, Line]:
    """Return the lines after `images` random inputs of an int8 .tflite went over each.

    `engine` is that of a Linux target, if not its own. 0 baud is as fast as the link is. Raises Error if the device
    can't be started, or is lost for good.
    """
    board = target.load(target_name)
    with ExitStack() as stack:
        device = start(model, board, engine)
        stack.callback(device.close)
        device.open()
        with Session(KeptLink(device), patience(board)):
            pass  # it has started: none of the lines waits for that
        lines = {name: stack.enter_context(opened(name, device, images, baud, patience(board))) for name in names}
        size = lines["clean"].connection.info.inputs[0].nbytes
        inputs = np.random.default_rng(0).integers(-128, 128, (images, size)).astype(np.int8)
        batch = min(BATCH, max(1, images // 10))
        for until in range(batch, images + batch, batch):
            for line in lines.values():
                line.run(inputs, min(until, images))
    return lines


@contextmanager
def opened(name: str, device: Link, images: int, baud: int, timeouts: Timeouts) -> Iterator[Line]:
    """Yield a line to an open device, after its handshake, which counts and is not cut."""
    kept, stopwatch, cuts = KeptLink(device), Stopwatch(), []
    link = LINES[name](PacedLink(kept, baud) if baud else kept, stopwatch)

    @contextmanager
    def open_session(lost: Link | None = None) -> Iterator[Session]:
        begin = stopwatch()
        with Session(link, timeouts) as session:
            if lost:
                cuts.append(stopwatch() - begin)
            yield session

    begin = time.monotonic()
    with Connection(open_session, GIVE_UP_S, lambda text: None) as connection:
        seconds = time.monotonic() - begin
        outputs = samples.Outputs(np.zeros((images, connection.info.outputs[0].nbytes), np.uint8), [])
        yield Line(kept, stopwatch, connection, outputs, cuts, seconds)


def start(model: Path, board: Target, engine: str = "") -> Link:
    """Return the link to a device with the model: a microcontroller's firmware, or a Linux target's agent or program.

    It is a program with the engine aot.
    """
    adopted = convert.adopt(model, (), None)
    compiled: Artifact[ImageFacts]
    if board.kind == "mcu":
        compiled = microcontroller.compile_for(adopted, board)
    elif (engine or board.engine) == "aot":
        compiled = linux_program.compile_for(adopted, board)
    else:
        compiled = litert.compile_for(adopted, board)
    return device_for(board, compiled).flash()


def main() -> None:
    """Print a row for each line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--target", default="host-fw")
    parser.add_argument("--engine", choices=("litert", "aot"), default="", help="of a Linux target [default: its own]")
    parser.add_argument("--baud", type=int, default=0, help="pass bytes as fast as a UART [default: as the link does]")
    parser.add_argument(
        "--lines", nargs="+", default=[], help="lines beside the clean one, by the beginning of their name"
    )
    arguments = parser.parse_args()
    chosen = ["clean", *arguments.lines] if arguments.lines else [""]
    names = [name for name in LINES if name.startswith(tuple(chosen))]
    lines = measure(arguments.model, arguments.images, arguments.target, arguments.baud, names, arguments.engine)
    clean = lines["clean"]
    for name, line in lines.items():
        equal = int((line.outputs.raw == clean.outputs.raw).all(axis=1).sum())
        ratio = (line.seconds - sum(line.cuts)) / clean.seconds
        cuts = f" and {len(line.cuts)} cuts of {sum(line.cuts) / len(line.cuts):.1f} s" if line.cuts else ""
        print(
            f"{name:24} {line.seconds:8.1f} s, {ratio:5.2f} x{cuts}, {equal:,} of {arguments.images:,} equal, "
            f"{line.connection.session.resent_frames:,} frames sent again"
        )


if __name__ == "__main__":
    try:
        main()
    except Error as error:
        sys.exit(f"error: {error}")
