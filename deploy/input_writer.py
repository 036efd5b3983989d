"""Writing an input: cut into chunks that device and line can take, in order where the device takes it as it comes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from deploy import frames
from deploy.exchange import Exchange
from deploy.frames import Type
from deploy.info import DeviceInfo
from deploy.request import Request, TooLong
from errors import DeviceError

_CHUNK = struct.Struct("<BI")
_STORED = struct.Struct("<BIH")
_WRITE_STEP = 64
_SMALLEST_CHUNK = 256
_PROBE_BYTES = 1024
_GROWTH = 5
"""A line that was bad may be good again: each input is written in chunks a quarter longer than the last."""

Span = tuple[int, int]
"""Bytes of an input, from the first to the one behind the last."""


class InputWriter:
    """Writes inputs to one device. It remembers how long a chunk may be on a line that loses long ones.

    `info` is that of the last handshake.
    """

    info: DeviceInfo

    def __init__(self, exchange: Exchange):
        self._exchange = exchange
        self._longest_chunk = frames.MAX_PAYLOAD

    def write(self, tensor: int, data: bytes, stage: str, on_done: Callable[[int], None] | None = None) -> None:
        """Write all of an input, sending ahead as far as the window allows.

        `stage` names in errors what was being done; `on_done` is called with the number of bytes that are stored.
        Raises LinkError or DeviceError as Exchange.transact.
        """
        size = len(data)
        missing = [(0, size)]
        self._longest_chunk = min(_GROWTH * self._longest_chunk // 4, frames.MAX_PAYLOAD)
        while missing:
            chunks, rest = self._chunks(missing)
            done = size - sum(end - start for start, end in missing)
            try:
                replies: Sequence[bytes | None] = self._write_chunks(
                    tensor, data, chunks, stage, _adding(on_done, done)
                )
            except TooLong as e:
                replies = e.replies
                longest = max(end - start for start, end in chunks)
                best = self._exchange.errors.best_length
                self._longest_chunk = max(_WRITE_STEP, min(best, longest // 2) if best < longest else longest // 4)
                if self.info.input_streamed:
                    missing = [(0, size)]  # its first bytes begin an input, no matter what came before them
                    continue
            missing = rest + self._not_stored(tensor, chunks, replies)

    def _not_stored(self, tensor: int, chunks: Sequence[Span], replies: Sequence[bytes | None]) -> list[Span]:
        """Return the chunks without a reply. Raises DeviceError if a reply confirms another chunk than was sent."""
        for (start, end), reply in zip(chunks, replies, strict=True):
            if reply is not None and reply != _STORED.pack(tensor, start, end - start):
                raise DeviceError(
                    f"{self._exchange.link.name}: WRITE of {end - start} bytes at {start} was answered by "
                    f"{reply[:16].hex()}"
                )
        return [chunk for chunk, reply in zip(chunks, replies, strict=True) if reply is None]

    def _chunks(self, spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
        """Cut spans of the input into chunks as long as device and line can take; return them, and what is for later.

        Where the device takes its input in order, the first goes alone: until that one has begun an input, those behind
        it could be taken for those of an earlier input that are sent again. While the line's speed is unknown, one
        short chunk goes first: a long one that is lost would be waited for as long as the slowest line needs.
        """
        step = self._chunk_bytes()
        chunks = [(at, min(at + step, end)) for start, end in spans for at in range(start, end, step)]
        if self.info.input_streamed and chunks[0][0] == 0:
            return chunks[:1], chunks[1:]
        if step <= _PROBE_BYTES or self._exchange.speed.is_known:
            return chunks, []
        (start, end), probe = chunks[0], min(chunks[0][1], chunks[0][0] + _PROBE_BYTES)
        return [(start, probe)], [(probe, end)] * (probe < end) + chunks[1:]

    def _write_chunks(
        self, tensor: int, data: bytes, chunks: Sequence[Span], stage: str, on_done: Callable[[int], None] | None
    ) -> list[bytes]:
        requests = [Request(Type.WRITE, _CHUNK.pack(tensor, start) + data[start:end]) for start, end in chunks]
        step = chunks[0][1] - chunks[0][0]
        on_reply = None if on_done is None else lambda count: on_done(count * step)
        return self._exchange.transact(
            requests, stage, on_reply=on_reply, may_split=True, in_order=self.info.input_streamed
        )

    def _chunk_bytes(self) -> int:
        """Return the length of a chunk: two frames to a window, so that the line is busy while the device works."""
        window = self.info.window
        fits = frames.payload_that_fits(window // 2)
        if fits < _SMALLEST_CHUNK:
            fits = frames.payload_that_fits(window)
        best = self._exchange.errors.best_length
        most = min(self._longest_chunk, best, min(self.info.max_payload, fits) - _CHUNK.size)
        return max(_WRITE_STEP, most - most % _WRITE_STEP)


def _adding(on_done: Callable[[int], None] | None, before: int) -> Callable[[int], None] | None:
    return None if on_done is None else lambda done: on_done(before + done)
