"""A session with a device over any link: what it is, write an input, run, read an output."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from deploy.board_state import BoardState, parse_board
from deploy.exchange import Exchange
from deploy.frames import COUNT, Code, Type
from deploy.handshake import handshake
from deploy.info import DeviceInfo, Stats, parse_stats
from deploy.input_writer import NO_TAIL, InputWriter, Tail, TailAnswers
from deploy.line_speed import RunTime
from deploy.links import Link
from deploy.output_reader import OutputReader
from deploy.picture import ticks_in
from deploy.request import NoAnswer, Refused, Request, Restarted, Timeouts
from errors import DeviceError, Error
from target.sections import EMULATED_UNITS

Progress = Callable[[str, int, int], None]
"""Called with the name of what is being done, how many bytes or runs are done, and of how many."""

_MAX_COUNT = 0xFFFF
_FASTER = {"ticks": 2.0} | dict.fromkeys(EMULATED_UNITS, 50.0)
"""How much faster than this host's clock a counter may run: an emulator's counts in a time of its own."""
_COUNTER_SLACK_S = 1.0


@dataclass(frozen=True)
class Inference:
    """The bytes of all outputs in their order, the device's own ticks for it, and the host's seconds.

    `round_trip_s` is from the first byte out to the last byte in.
    """

    output_bytes: bytes
    ticks: int
    round_trip_s: float


class Session:
    """Talks to one device; use it as a context manager.

    Entering opens the link and begins with the handshake, which waits for a board that is still booting. After that
    `info` describes the device. `log` holds its last lines of text. Methods raise LinkError if the device is gone or
    silent, Refused (a DeviceError) if it answers with ERROR, DeviceError if its answer is wrong.
    """

    info: DeviceInfo

    def __init__(
        self,
        link: Link,
        timeouts: Timeouts | None = None,
        *,
        on_log: Callable[[str], None] | None = None,
        progress: Progress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.link = link
        self.timeouts = timeouts or Timeouts()
        self.progress = progress
        self.exchange = Exchange(link, self.timeouts, on_log, clock=clock)
        self.inferences = 0
        self._writer = InputWriter(self.exchange)
        self._reader = OutputReader(self.exchange)
        self._run_time = RunTime()
        self._input_at: float | None = None
        self._unfinished = b""

    def __enter__(self) -> Session:
        """Open the link; return when the device has answered."""
        try:
            self.link.open()
            self.shake_hands()
        except BaseException:
            self.link.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the link."""
        self.link.close()

    @property
    def log(self) -> deque[str]:
        """The last lines that the device sent on its own: boot text and LOG frames."""
        return self.exchange.log

    @property
    def damaged_frames(self) -> int:
        """How many frames arrived damaged and were dropped."""
        return self.exchange.decoder.damaged

    @property
    def resent_frames(self) -> int:
        """How many requests had to be sent again."""
        return self.exchange.resent

    @property
    def resumed_bytes(self) -> int:
        """How many bytes of the input that is being written the device had from an earlier session."""
        return self._writer.resumed_bytes

    def remember(self, before: Session) -> None:
        """Take over from an earlier session over the line, which was cut.

        It is the line's speed, how often it damages frames, and the inputs that were not finished: what the device
        still has of them is not sent again. A device that restarted has nothing. Nobody else may have used it since.
        """
        self.exchange.speed, self.exchange.errors = before.exchange.speed, before.exchange.errors
        self._unfinished = before._unfinished

    def expect_model(self, sha256: str) -> None:
        """Raise DeviceError, naming both, if the device holds another model than the one of this sha256."""
        if self.info.model_sha256 != sha256:
            raise DeviceError(
                f"{self.link.name}: device holds model {self.info.model_sha256[:12]}, expected {sha256[:12]}; "
                "deploy again without --no-flash, or name the artifact that is on it"
            )

    def infer(self, input_bytes: bytes) -> Inference:
        """Write all inputs, run once and read all outputs.

        Bytes are those of C-ordered arrays of `info`'s specs, one behind the other in the model's order.
        Raises ValueError on a wrong size.
        """
        started, begin = time.perf_counter(), self.exchange.clock()
        self._writer.resumed_bytes = 0
        run = self._run_request(1)
        reads = self._reader.all_requests()
        tail = Tail([run, *reads], self._run_time.longest_s, self.timeouts.run_s, self._stage("RUN"))
        try:
            answers = self.write_inputs(input_bytes, tail, resumes=input_bytes == self._unfinished)
            ticks = ticks_in(run, answers.replies[0] or b"", self.link.name)
            self.inferences += 1
            outputs = self._reader.joined(reads, answers.replies[1:])
            if None in answers.replies:
                outputs = self.read_outputs()
        except Error as e:
            self._unfinished = input_bytes
            if not isinstance(e, Refused) or e.code != Code.INPUT:
                raise
            last = f"; last output: {self.log[-1][:200]}" if self.log else ""
            raise Restarted(f"{self.link.name}: device lost its input, it seems to have restarted{last}") from e
        if answers.took_s is not None:
            self._run_time.learn(answers.took_s)
        # What a device computes while it takes a streamed input counts in the time of its RUN.
        waited_s = self.exchange.clock() - begin if self.info.input_streamed else answers.waited_s
        self._check_ticks(ticks, waited_s)
        self._input_at = None
        self._report_run_and_outputs(len(outputs))
        return Inference(outputs, ticks[0], time.perf_counter() - started)

    def _report_run_and_outputs(self, size: int) -> None:
        if self.progress:
            self.progress("run", 1, 1)
            self.progress("read", size, size)

    def write_inputs(self, data: bytes, tail: Tail = NO_TAIL, *, resumes: bool = False) -> TailAnswers:
        """Write all inputs, given one behind the other in the model's order, and a tail behind the last one.

        With `resumes`, what the device already has of them is not sent again.
        Raises ValueError on a wrong size.
        """
        sizes = [spec.nbytes for spec in self.info.inputs]
        if len(sizes) == 1:
            return self._write(data, 0, tail, resumes)
        if len(data) != sum(sizes):
            raise ValueError(f"{len(sizes)} inputs: expected {sum(sizes)} bytes, got {len(data)}")
        at = 0
        for tensor, size in enumerate(sizes[:-1]):
            self._write(data[at : at + size], tensor, NO_TAIL, resumes)
            at += size
        return self._write(data[at:], len(sizes) - 1, tail, resumes)

    def write_input(self, data: bytes, tensor: int = 0) -> None:
        """Write all of an input, sending ahead as far as the window allows. Raises ValueError on a wrong size."""
        self._write(data, tensor)

    def _write(self, data: bytes, tensor: int, tail: Tail = NO_TAIL, resumes: bool = False) -> TailAnswers:
        size = self.info.inputs[tensor].nbytes
        if len(data) != size:
            raise ValueError(f"input {tensor}: expected {size} bytes, got {len(data)}")
        self._input_at = self.exchange.clock() if self._input_at is None else self._input_at
        self._unfinished = b""
        done = self._reporter("write", 1, size)
        return self._writer.write(tensor, data, self._stage("writing the input"), done, tail, resumes)

    def run(self, count: int = 1) -> list[int]:
        """Run `count` times on the input that was written; return each inference's ticks.

        `count` above 1 needs a device that preserves its input.
        """
        if count < 1:
            raise ValueError(f"count: expected 1 or more, got {count}")
        if count > 1 and not self.info.input_preserved:
            raise DeviceError(
                f"{self.link.name}: this engine overwrites its input, so one input is one run; got count {count}"
            )
        longest = min(self.info.max_payload - COUNT.size, self.exchange.best_frames().length)
        most = max(1, min(_MAX_COUNT, longest // 8))
        ticks: list[int] = []
        while len(ticks) < count:
            ticks += self._run_some(min(most, count - len(ticks)))
            if self.progress:
                self.progress("run", len(ticks), count)
        return ticks

    def read_output(self, tensor: int = 0) -> bytes:
        """Return the bytes of an output as the last run left it."""
        size = self.info.outputs[tensor].nbytes
        step = self._reader.requests(tensor)[0].reply_bytes
        return self._reader.read(tensor, self._stage("reading the output"), self._reporter("read", step, size))

    def read_outputs(self) -> bytes:
        """Return the bytes of all outputs in their order, as the last run left them."""
        return b"".join(self.read_output(tensor) for tensor in range(len(self.info.outputs)))

    def stats(self) -> Stats:
        """Return what changes while the device runs."""
        return parse_stats(self.request(Type.STATS, reply_bytes=512), self.link.name)

    def board(self) -> BoardState:
        """Return what a Linux board's kernel reports now (see agent/linux.py); all None if it is not a Linux board."""
        try:
            return parse_board(self.request(Type.BOARD, reply_bytes=1024), self.link.name)
        except Refused as e:
            if e.code != Code.TYPE:
                raise
            return BoardState()

    def ping(self, data: bytes = b"") -> float:
        """Send bytes, at most `info.max_payload`, that come back; return the seconds it took."""
        started = time.perf_counter()
        if self.request(Type.PING, data, len(data)) != data:
            raise DeviceError(f"{self.link.name}: PING came back with other bytes")
        return time.perf_counter() - started

    def reset(self) -> None:
        """Start the device again and repeat the handshake."""
        self.request(Type.RESET)
        self.shake_hands()

    def shake_hands(self) -> None:
        """Read the device's INFO, when the session begins and after the device has restarted."""
        self.info = self._writer.info = self._reader.info = handshake(self.exchange)

    def request(self, kind: Type, payload: bytes = b"", reply_bytes: int = 16) -> bytes:
        """Send one request as it is and return its reply's payload."""
        return self.exchange.transact([Request(kind, payload, reply_bytes)], self._stage(kind.name))[0]

    def _run_request(self, count: int) -> Request:
        return Request(Type.RUN, COUNT.pack(count), COUNT.size + 8 * count)

    def _run_some(self, count: int) -> list[int]:
        request, clock = self._run_request(count), self.exchange.clock
        started, resent = clock(), self.exchange.resent
        busy_s = min(self._run_time.longest_s, self.timeouts.run_s) * count
        reply = self.exchange.transact(
            [request], self._stage("RUN"), busy_s=busy_s, give_up_s=max(0.1, self.timeouts.run_s * count - busy_s)
        )[0]
        if self.exchange.resent == resent:  # else the time is that of waiting for what was lost
            self._run_time.learn((clock() - started) / count)
        ticks = ticks_in(request, reply, self.link.name)
        self.inferences += count
        self._check_ticks(ticks, clock() - min(started, self._input_at or started))
        self._input_at = None  # what a streamed input took was for the first run
        return ticks

    def _check_ticks(self, ticks: list[int], waited_s: float) -> None:
        """Raise DeviceError if a device says that it computed for far longer than it took to answer."""
        counter = self.info.counter
        seconds = sum(ticks) / counter.rate_hz
        most = _FASTER[counter.unit] * waited_s + _COUNTER_SLACK_S
        if seconds > most:
            raise DeviceError(
                f"{self.link.name}: RUN of {len(ticks)} took {seconds:.3g} s by the device's counter {counter.name}, "
                f"and it answered after {waited_s:.3g} s; check the counter and its rate_hz, {counter.rate_hz}"
            )

    def _stage(self, what: str) -> str:
        return f"{what}, after {self.inferences} inferences" if self.inferences else what

    def _reporter(self, what: str, step: int, size: int, before: int = 0) -> Callable[[int], None] | None:
        progress = self.progress
        if progress is None:
            return None
        return lambda done: progress(what, min(before + done * step, size), size)


__all__ = ["Inference", "NoAnswer", "Progress", "Refused", "Restarted", "Session", "Timeouts"]
