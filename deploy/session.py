"""A session with a device over any link: who it is, an input in, an inference, an output out."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from deploy import frames
from deploy.board_state import BoardState, parse_board
from deploy.exchange import Exchange, NoAnswer, Refused, Request, Timeouts, TooLong
from deploy.frames import Code, Type
from deploy.info import MAX_INFO_BYTES, DeviceInfo, Stats, parse_info, parse_stats
from deploy.links import Link
from errors import DeviceError

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how many bytes or runs of it are done, and of how many."""

_INFO_REPLY = struct.Struct("<II")
_CHUNK = struct.Struct("<BI")
_STORED = struct.Struct("<BIH")
_COUNT = struct.Struct("<H")
_WRITE_STEP = 64
_SMALLEST_CHUNK = 256
_PROBE_BYTES = 1024
_FIRST_RUN_S = 0.25
_MAX_COUNT = 0xFFFF


@dataclass(frozen=True)
class Inference:
    """The output's bytes, the device's own ticks for it, and the host's seconds from first byte out to last byte in."""

    output_bytes: bytes
    ticks: int
    round_trip_s: float


class Session:
    """Talks to one device; use it as a context manager.

    Entering opens the link and shakes hands: INFO is asked until answered, for a board may still be booting. After that
    `info` is what the device is. `log` holds its last lines of text. Methods raise LinkError if the device is gone or
    silent, Refused (a DeviceError) if it answers with ERROR, DeviceError if its answer is none.
    """

    info: DeviceInfo

    def __init__(
        self,
        link: Link,
        timeouts: Timeouts | None = None,
        *,
        on_log: Callable[[str], None] | None = None,
        progress: Progress | None = None,
    ):
        self.link = link
        self.timeouts = timeouts or Timeouts()
        self.progress = progress
        self.exchange = Exchange(link, self.timeouts, on_log)
        self.inferences = 0
        self._run_s = _FIRST_RUN_S
        self._longest_chunk = frames.MAX_PAYLOAD

    def __enter__(self) -> Session:
        """Open the link and shake hands."""
        try:
            self.link.open()
            self.info = self._handshake()
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
        """The last lines that the device said on its own: boot text and LOG frames."""
        return self.exchange.log

    @property
    def damaged_frames(self) -> int:
        """How many frames arrived damaged and were dropped."""
        return self.exchange.decoder.damaged

    @property
    def resent_frames(self) -> int:
        """How many requests had to be sent again."""
        return self.exchange.resent

    def expect_model(self, sha256: str) -> None:
        """Raise DeviceError, naming both, if the device holds another model than the one of this sha256."""
        if self.info.model_sha256 != sha256:
            raise DeviceError(
                f"{self.link.name}: device holds model {self.info.model_sha256[:12]}, expected {sha256[:12]}; "
                "deploy again without --no-flash, or name the artifact that is on it"
            )

    def infer(self, input_bytes: bytes) -> Inference:
        """Write the one input, run once and read output 0. Bytes are those of C-ordered arrays of `info`'s specs."""
        started = time.perf_counter()
        self.write_input(input_bytes)
        try:
            ticks = self.run()[0]
        except Refused as e:
            if e.code != Code.INPUT:
                raise
            said = f"; its last words: {self.log[-1][:200]}" if self.log else ""
            raise DeviceError(f"{self.link.name}: device lost its input, it seems to have restarted{said}") from e
        output = self.read_output()
        return Inference(output, ticks, time.perf_counter() - started)

    def write_input(self, data: bytes, tensor: int = 0) -> None:
        """Write all of an input, sending ahead as far as the window allows. Raises ValueError on a wrong size."""
        size = self.info.inputs[tensor].nbytes
        if len(data) != size:
            raise ValueError(f"input {tensor}: expected {size} bytes, got {len(data)}")
        missing = [(0, size)]
        while missing:
            chunks, rest = self._chunks(missing)
            done = size - sum(end - start for start, end in missing)
            try:
                replies: Sequence[bytes | None] = self._write_chunks(tensor, data, chunks, done)
            except TooLong as e:
                replies = e.replies
                self._longest_chunk = max(_WRITE_STEP, (chunks[0][1] - chunks[0][0]) // 4)
                if self.info.input_streamed:
                    # Its first bytes begin an input, whatever of them came before.
                    missing = [(0, size)]
                    continue
            missing = rest
            for (start, end), reply in zip(chunks, replies, strict=True):
                if reply is None:
                    missing.append((start, end))
                elif reply != _STORED.pack(tensor, start, end - start):
                    raise DeviceError(
                        f"{self.link.name}: WRITE of {end - start} bytes at {start} was answered by {reply[:16].hex()}"
                    )

    def run(self, count: int = 1) -> list[int]:
        """Run `count` times on the input that was written; return each inference's ticks.

        `count` above 1 needs a device that preserves its input.
        """
        if count < 1:
            raise ValueError(f"count: expected 1 or more, got {count}")
        if count > 1 and not self.info.input_preserved:
            raise DeviceError(
                f"{self.link.name}: this engine overwrites its input, so one input is one run; asked {count}"
            )
        most = min(_MAX_COUNT, (self.info.max_payload - _COUNT.size) // 8)
        ticks: list[int] = []
        while len(ticks) < count:
            ticks += self._run_some(min(most, count - len(ticks)))
            if self.progress:
                self.progress("run", len(ticks), count)
        return ticks

    def read_output(self, tensor: int = 0) -> bytes:
        """Return the bytes of an output as the last run left it."""
        size = self.info.outputs[tensor].nbytes
        step = self.info.max_payload - _CHUNK.size
        heads = [_STORED.pack(tensor, at, min(step, size - at)) for at in range(0, size, step)]
        requests = [Request(Type.READ, head, _CHUNK.size + min(step, size)) for head in heads]
        replies = self.exchange.transact(
            requests, self._stage("reading the output"), on_reply=self._reporter("read", step, size)
        )
        for head, reply in zip(heads, replies, strict=True):
            if reply[: _CHUNK.size] != head[: _CHUNK.size] or len(reply) - _CHUNK.size != _STORED.unpack(head)[2]:
                raise DeviceError(
                    f"{self.link.name}: READ {head.hex()} was answered by {len(reply)} bytes from {reply[:5].hex()}"
                )
        return b"".join(reply[_CHUNK.size :] for reply in replies)

    def stats(self) -> Stats:
        """Return what changes while the device runs."""
        return parse_stats(self.request(Type.STATS, reply_bytes=512), self.link.name)

    def board(self) -> BoardState:
        """Return what a Linux board's kernel says now (see agent/linux.py); all None if it is not a Linux board."""
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
        """Start the device again and shake hands anew."""
        self.request(Type.RESET)
        self.exchange.window = Exchange.window
        self.info = self._handshake()

    def request(self, kind: Type, payload: bytes = b"", reply_bytes: int = 16) -> bytes:
        """Send one request as it is and return its reply's payload."""
        return self.exchange.transact([Request(kind, payload, reply_bytes)], self._stage(kind.name))[0]

    def _run_some(self, count: int) -> list[int]:
        request = Request(Type.RUN, _COUNT.pack(count), _COUNT.size + 8 * count)
        started, resent = time.monotonic(), self.exchange.resent
        busy_s = min(2 * self._run_s, self.timeouts.run_s) * count
        reply = self.exchange.transact(
            [request], self._stage("RUN"), busy_s=busy_s, give_up_s=max(0.1, self.timeouts.run_s * count - busy_s)
        )[0]
        if len(reply) != _COUNT.size + 8 * count or reply[: _COUNT.size] != request.payload:
            raise DeviceError(
                f"{self.link.name}: RUN of {count} was answered by {len(reply)} bytes: {reply[:16].hex()}"
            )
        if self.exchange.resent == resent:  # Else the time is that of waiting for what was lost.
            self._run_s = max((time.monotonic() - started) / count, 0.5 * self._run_s)
        self.inferences += count
        return list(struct.unpack_from(f"<{count}Q", reply, _COUNT.size))

    def _handshake(self) -> DeviceInfo:
        text = b""
        total = 1
        give_up_s = self.timeouts.handshake_s
        while len(text) < total:
            request = Request(Type.INFO, struct.pack("<I", len(text)), 1024)
            try:
                reply = self.exchange.transact([request], "the handshake", give_up_s=give_up_s)[0]
            except NoAnswer as e:
                raise NoAnswer(f"{e}; {self._heard()}") from e
            part, total = self._info_part(reply, len(text), total if text else 0)
            text += part
            give_up_s = self.timeouts.give_up_s
        info = parse_info(text, self.link.name)
        if info.protocol != frames.VERSION:
            raise DeviceError(
                f"{self.link.name}: device speaks protocol version {info.protocol}, this host {frames.VERSION}; "
                "build and flash the firmware of this checkout"
            )
        self.exchange.window = info.window
        return info

    def _info_part(self, reply: bytes, offset: int, known_total: int) -> tuple[bytes, int]:
        where = f"{self.link.name}: INFO"
        if len(reply) <= _INFO_REPLY.size:
            raise DeviceError(
                f"{where}: reply of {len(reply)} bytes, expected at least 9; rebuild and flash the firmware"
            )
        at, total = _INFO_REPLY.unpack_from(reply)
        part = reply[_INFO_REPLY.size :]
        if at != offset or not 1 <= total <= MAX_INFO_BYTES or (known_total and total != known_total):
            raise DeviceError(
                f"{where}: expected bytes from {offset} of at most {known_total or MAX_INFO_BYTES}, received from {at} "
                f"of {total}; rebuild and flash the firmware"
            )
        if at + len(part) > total:
            raise DeviceError(
                f"{where}: {len(part)} bytes from {at} pass its own total {total}; flash the firmware anew"
            )
        return part, total

    def _heard(self) -> str:
        said = f", last {self.log[-1][:80]!r}" if self.log else ""
        heard = f"heard {self.exchange.received} bytes{said}" if self.exchange.received else "heard nothing"
        return f"{heard}; see that the board is powered, flashed with our firmware, and at this address and speed"

    def _chunks(self, spans: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Cut spans of the input into chunks as long as device and line can take; return them, and what is for later.

        Where the device takes its input in order, the first goes alone: until that one has begun an input, those behind
        it could be taken for a broken-off one's, sent again. While the line's speed is unknown, one short chunk goes
        first: a long one that is lost would be waited for as long as the slowest line needs.
        """
        step = self._chunk_bytes()
        chunks = [(at, min(at + step, end)) for start, end in spans for at in range(start, end, step)]
        if self.info.input_streamed and chunks[0][0] == 0:
            return chunks[:1], chunks[1:]
        if step <= _PROBE_BYTES or self.exchange.speed.is_known:
            return chunks, []
        (start, end), probe = chunks[0], min(chunks[0][1], chunks[0][0] + _PROBE_BYTES)
        return [(start, probe)], [(probe, end)] * (probe < end) + chunks[1:]

    def _write_chunks(self, tensor: int, data: bytes, chunks: list[tuple[int, int]], done: int) -> list[bytes]:
        requests = [Request(Type.WRITE, _CHUNK.pack(tensor, start) + data[start:end]) for start, end in chunks]
        step = chunks[0][1] - chunks[0][0]
        report = self._reporter("write", step, len(data), done)
        return self.exchange.transact(
            requests,
            self._stage("writing the input"),
            on_reply=report,
            may_split=True,
            in_order=self.info.input_streamed,
        )

    def _chunk_bytes(self) -> int:
        """Two frames to a window, so that the line stays busy while the device works on the first."""
        window = self.info.window
        fits = frames.payload_that_fits(window // 2)
        if fits < _SMALLEST_CHUNK:
            fits = frames.payload_that_fits(window)
        most = min(self._longest_chunk, min(self.info.max_payload, fits) - _CHUNK.size)
        return max(_WRITE_STEP, most - most % _WRITE_STEP)

    def _stage(self, what: str) -> str:
        return f"{what}, after {self.inferences} inferences" if self.inferences else what

    def _reporter(self, what: str, step: int, size: int, before: int = 0) -> Callable[[int], None] | None:
        progress = self.progress
        if progress is None:
            return None
        return lambda done: progress(what, min(before + done * step, size), size)


__all__ = ["Inference", "NoAnswer", "Progress", "Refused", "Session", "Timeouts"]
