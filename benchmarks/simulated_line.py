"""A serial line with a device behind it, on a clock of its own: what it shows does not depend on this machine's load.

The device answers as firmware does: it takes a frame once all of it has arrived, sends its reply before it takes the
next one, and keeps up to `window` bytes meanwhile. It computes for `infer_s` and does nothing else.

`.venv/bin/python -m benchmarks.simulated_line` prints what faults cost, and how much of the time is transfer or
inference: a picture's bytes at ten bits each, and the time in which the device computes.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from deploy.agent.interface import Tensor
from deploy.agent.server import Server
from deploy.session import Session
from errors import LinkError


@dataclass(frozen=True)
class Line:
    """A line: bits a second, ten to a byte; seconds from a byte's arrival until the host sees it; its faults.

    `byte_error` and `frame_drop` are from 0 to 1, for each byte and frame in either direction; it is cut every
    `cut_every_s` seconds, if that is not 0.
    """

    baud: int = 115_200
    latency_s: float = 0.001
    byte_error: float = 0.0
    frame_drop: float = 0.0
    cut_every_s: float = 0.0


class SumEngine:
    """An engine whose output is the sum of its input's bytes, 10 bytes that count on from there."""

    name, version, kernels = "sum", "1", "none"
    model_sha256 = "ab" * 32
    memory: Mapping[str, int] = {}

    def __init__(self, input_bytes: int, infer_s: float, input_preserved: bool) -> None:
        self.counter: dict[str, object] = {"name": "simulated", "rate_hz": 1_000_000, "unit": "ticks"}
        self.inputs = [_spec("input", input_bytes)]
        self.outputs = [_spec("output", 10)]
        self.input_preserved = input_preserved
        self.busy_s = 0.0
        self._infer_s = infer_s
        self._input = b""

    def set_input(self, tensor: int, data: bytes) -> None:
        """See Engine.set_input."""
        self._input = data

    def run(self) -> int:
        """See Engine.run."""
        self.busy_s += self._infer_s
        return round(self._infer_s * 1e6)

    def output(self, tensor: int) -> bytes:
        """See Engine.output."""
        return answer_to(self._input)

    def stats(self) -> dict[str, int]:
        """See Engine.stats."""
        return {}


def answer_to(data: bytes) -> bytes:
    """Return the output of SumEngine for an input."""
    return bytes((sum(data) + i) % 256 for i in range(10))


class SimulatedLine:
    """A link to a device that is simulated. Give a session its `clock`."""

    name = "simulated:"

    def __init__(
        self,
        line: Line,
        *,
        input_bytes: int = 49_152,
        infer_s: float = 0.1,
        window: int = 4096,
        max_payload: int = 1024,
        input_preserved: bool = True,
        seed: int = 1,
    ) -> None:
        self.line, self.window, self.max_payload = line, window, max_payload
        self.engine = SumEngine(input_bytes, infer_s, input_preserved)
        self.now = 0.0
        self.bytes_out = self.frames_out = self.overruns = 0
        self.restart()
        self._random = random.Random(seed)
        self._byte_s = 10 / line.baud
        self._line_free_at = self._device_free_at = 0.0
        self._waiting: deque[tuple[float, int]] = deque()  # when the device has taken how many bytes
        self._replies: deque[tuple[float, bytes]] = deque()
        self._reply = b""
        self._cut_at = 0.0
        self._until_error = int(self._random.expovariate(line.byte_error)) if line.byte_error else 0

    def restart(self) -> None:
        """Let the device begin again: it has nothing of its input."""
        identity = {"board": "simulated", "firmware": "-"}
        self._server = Server(self.engine, identity, self._answer, window=self.window, max_payload=self.max_payload)

    def clock(self) -> float:
        """Return the simulated time in seconds."""
        return self.now

    def open(self) -> None:
        """See Link.open."""
        self._cut_at = self.now + self.line.cut_every_s if self.line.cut_every_s else float("inf")

    def close(self) -> None:
        """See Link.close: the device runs on, and what it has sent is lost."""
        self._replies.clear()

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self._check_cut()
        self.bytes_out += len(data)
        begin = max(self.now, self._line_free_at)
        self._line_free_at = begin + len(data) * self._byte_s
        at = 0
        for piece in data.split(b"\0")[:-1]:
            at += len(piece) + 1
            self.frames_out += bool(piece)
            self._arrive(piece + b"\0", begin + at * self._byte_s)

    def read(self, timeout_s: float) -> bytes:
        """See Link.read: time goes on until bytes arrive, or for `timeout_s`."""
        self._check_cut()
        first = self._replies[0][0] if self._replies else float("inf")
        self.now = max(self.now, min(first, self.now + max(0.0, timeout_s), self._cut_at))
        data = b""
        while self._replies and self._replies[0][0] <= self.now:
            data += self._replies.popleft()[1]
        return data

    def _check_cut(self) -> None:
        if self.now >= self._cut_at:
            raise LinkError(f"{self.name} cut")

    def _arrive(self, piece: bytes, at: float) -> None:
        """A frame has arrived at the device, which takes it when it has answered those before it."""
        while self._waiting and self._waiting[0][0] <= at:
            self._waiting.popleft()
        if sum(size for _, size in self._waiting) + len(piece) > self.window + 2:
            self.overruns += 1
            return
        busy_s, self._reply = self.engine.busy_s, b""
        begin = max(at, self._device_free_at)
        self._server.receive(self._spoiled(piece))
        done = begin + self.engine.busy_s - busy_s
        self._waiting.append((begin, len(piece)))
        self._device_free_at = done + len(self._reply) * self._byte_s
        for reply in self._reply.split(b"\0")[:-1]:
            done += (len(reply) + 1) * self._byte_s
            self._replies.append((done + self.line.latency_s, self._spoiled(reply + b"\0")))

    def _answer(self, data: bytes) -> None:
        self._reply += data

    def _spoiled(self, piece: bytes) -> bytes:
        if len(piece) > 1 and self._random.random() < self.line.frame_drop:
            return b"\0"
        if not self.line.byte_error:
            return piece
        spoiled = bytearray(piece)
        while self._until_error < len(spoiled):
            spoiled[self._until_error] ^= 1 << self._random.randrange(8)
            self._until_error += 1 + int(self._random.expovariate(self.line.byte_error))
        self._until_error -= len(spoiled)
        return bytes(spoiled)


def _spec(name: str, size: int) -> Tensor:
    return {"name": name, "shape": [1, size], "dtype": "uint8", "scale": 1.0, "zero_point": 0}


BAUDS = (115_200, 921_600, 3_000_000)
FAULTS = {
    "clean": Line(),
    "1 % of bytes flipped": Line(byte_error=0.01),
    "0.1 % of bytes flipped": Line(byte_error=0.001),
    "5 % of frames dropped": Line(frame_drop=0.05),
    "cut every 10 s": Line(cut_every_s=10.0),
}
INPUT_BYTES = 49_152
INFER_S = 0.1


@dataclass(frozen=True)
class Cost:
    """Simulated seconds for all pictures, without the first, how many were sent, and how often the line was cut."""

    seconds: float
    pictures: int
    sent_again: int
    cuts: int

    def useful(self, line: Line, input_bytes: int, infer_s: float) -> float:
        """Return how much of the time is transfer or inference, from 0 to 1."""
        return self.pictures * (input_bytes * 10 / line.baud + infer_s) / self.seconds


def cost(line: Line, pictures: int, input_bytes: int = INPUT_BYTES, infer_s: float = INFER_S, seed: int = 1) -> Cost:
    """Send pictures over a line, each until it is answered, and check the answers. The same seed gives the same."""
    link = SimulatedLine(line, input_bytes=input_bytes, infer_s=infer_s, seed=seed)
    rng = random.Random(seed)
    with ExitStack() as stack:
        session, cuts, begin, again = _opened(stack, link), 0, 0.0, 0
        for number in range(pictures + 1):
            data = rng.randbytes(input_bytes)
            while True:
                try:
                    result = session.infer(data)
                    break
                except LinkError:
                    cuts, again = cuts + 1, again + session.resent_frames
                    stack.close()
                    session = _opened(stack, link)
            if result.output_bytes != answer_to(data):
                raise AssertionError(f"picture {number}: wrong output")
            begin = begin or link.now
    return Cost(link.now - begin, pictures, again + session.resent_frames, cuts)


def _opened(stack: ExitStack, link: SimulatedLine) -> Session:
    random.seed(1)  # sequence numbers begin at random
    return stack.enter_context(Session(link, clock=link.clock))


def main() -> None:
    """Print a row for each speed and line."""
    for baud in BAUDS:
        clean = 0.0
        for name, faults in FAULTS.items():
            line = replace(faults, baud=baud)
            result = cost(line, 20)
            clean = clean or result.seconds
            useful = result.useful(line, INPUT_BYTES, INFER_S)
            print(
                f"{baud:9,} baud, {name:22} {result.seconds / result.pictures:7.3f} s a picture, "
                f"{result.seconds / clean:5.2f} x, {useful:6.1%} transfer or inference, "
                f"{result.sent_again:,} frames sent again, {result.cuts} cuts"
            )


if __name__ == "__main__":
    main()
