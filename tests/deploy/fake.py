"""A device in this process: the agent's server over an engine that only adds up, behind a link without a line."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from deploy.agent.engine import EngineError
from deploy.agent.interface import Tensor
from deploy.agent.server import Server
from deploy.request import Timeouts
from errors import LinkError

SHA256 = "ab" * 32
IDENTITY = {"board": "fake", "firmware": "test"}


class FakeEngine:
    """Output byte i is the sum of the input's bytes plus i; `fails` makes a run fail, `input_preserved` is settable."""

    name, version, kernels = "fake", "1", "none"
    model_sha256 = SHA256
    memory: Mapping[str, int] = {"model_file": 1234}

    def __init__(self, input_size: int = 5000, output_size: int = 10, input_preserved: bool = True):
        self.counter: dict[str, object] = {"name": "COUNT", "rate_hz": 1_000_000, "unit": "ticks"}
        self.inputs = [_spec("in", [1, input_size])]
        self.outputs = [_spec("out", [1, output_size])]
        self.input_preserved = input_preserved
        self.fails = ""
        self.runs = 0
        self._input = b""

    def set_input(self, tensor: int, data: bytes) -> None:
        self._input = data

    def run(self) -> int:
        if self.fails:
            raise EngineError(self.fails)
        self.runs += 1
        return 1000 + self.runs

    def output(self, tensor: int) -> bytes:
        return expected_output(self._input, self.outputs[0]["shape"][1])

    def stats(self) -> dict[str, int]:
        return {"runs": self.runs}


def expected_output(data: bytes, size: int = 10) -> bytes:
    return bytes((sum(data) + i) % 256 for i in range(size))


class FakeLink:
    """A server behind a receive buffer of `window` bytes: what is sent beyond it is lost, as on a real UART."""

    name = "fake:"

    def __init__(
        self, engine: FakeEngine | None = None, window: int = 2048, max_payload: int = 1024, boot: bytes = b""
    ):
        self.engine = engine or FakeEngine()
        self.window, self.max_payload, self.boot = window, max_payload, boot
        self.overruns = self.restarts = 0
        self.unread = self.arrived = b""
        self.dies_after: int | None = None
        self.written = 0
        self.restart()

    def restart(self) -> None:
        self.server = Server(self.engine, IDENTITY, self.answer, window=self.window, max_payload=self.max_payload)
        self.arrived += self.boot

    def answer(self, data: bytes) -> None:
        self.arrived += data

    def open(self) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        data, self.unread = self.unread, b""
        if data:
            self.server.receive(data)
        if self.server.reset_wanted:
            self.restarts += 1
            self.restart()
        if not self.arrived:
            time.sleep(min(max(0.0, timeout_s), 0.005))
        arrived, self.arrived = self.arrived, b""
        return arrived

    def write(self, data: bytes) -> None:
        self.written += len(data)
        if self.dies_after is not None and self.written > self.dies_after:
            raise LinkError(f"{self.name}: unplugged")
        room = self.window - len(self.unread)
        self.overruns += len(data) > room
        self.unread += data[:room]

    def close(self) -> None:
        pass


class ScriptedLink:
    """Answers each frame by what `reply(frame)` returns, raw bytes; `start` is said first."""

    name = "scripted:"

    def __init__(self, reply: Callable[[Any], bytes], start: bytes = b""):
        from deploy.frames import Decoder

        self.reply, self.arrived, self.decoder = reply, start, Decoder()

    def open(self) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        if not self.arrived:
            time.sleep(min(max(0.0, timeout_s), 0.005))
        arrived, self.arrived = self.arrived, b""
        return arrived

    def write(self, data: bytes) -> None:
        for item in self.decoder.feed(data):
            self.arrived += self.reply(item)

    def close(self) -> None:
        pass


def _spec(name: str, shape: list[int]) -> Tensor:
    return {"name": name, "shape": shape, "dtype": "uint8", "scale": 0.5, "zero_point": 3}


QUICK = Timeouts(handshake_s=2, give_up_s=2, run_s=2, resend_s=0.02)


def picture(seed: int = 1, size: int = 5000) -> bytes:
    """Return an input of random bytes, the same for the same seed."""
    return random.Random(seed).randbytes(size)
