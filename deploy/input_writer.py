"""Writing an input: cut into chunks that device and line can take, in order where the device takes it as it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from deploy import frames
from deploy.coder import Coder
from deploy.coding import CODED
from deploy.exchange import Exchange
from deploy.frames import CHUNK, GRANULE, MAP, MAP_BEFORE, MAP_GRANULES, STORED, WITH_MAP, Type
from deploy.info import DeviceInfo
from deploy.picture import PictureTransaction, check_write, has_map, map_in
from deploy.request import Request, TooLong

_SMALLEST_CHUNK = 256
_PROBE_BYTES = 1024
_GROWTH = 5
"""A line that was bad may be good again: each input is written in chunks a quarter longer than the last."""

Span = tuple[int, int]
"""Bytes of an input, from the first to the one behind the last."""


@dataclass(frozen=True)
class Tail:
    """What follows the last part of an input: RUN, then READs.

    `busy_s` is how long the device computes, about; `give_up_s` how long to wait for it; `stage` names RUN in errors.
    """

    requests: Sequence[Request]
    busy_s: float
    give_up_s: float
    stage: str


NO_TAIL = Tail((), 0.0, 0.0, "RUN")


@dataclass(frozen=True)
class TailAnswers:
    """The answers to a tail; None to a READ whose answer is too long for the line. Times are PictureTransaction's."""

    replies: Sequence[bytes | None] = ()
    waited_s: float = 0.0
    took_s: float | None = None


class InputWriter:
    """Writes inputs to one device. It remembers how long a chunk may be on a line that loses long ones.

    `info` is that of the last handshake. `resumed_bytes` counts what the device had of inputs that were resumed.
    """

    info: DeviceInfo

    def __init__(self, exchange: Exchange):
        self._exchange = exchange
        self._longest_chunk = frames.MAX_PAYLOAD
        self._coder = Coder(exchange)
        self.resumed_bytes = 0

    def write(
        self,
        tensor: int,
        data: bytes,
        stage: str,
        on_done: Callable[[int], None] | None = None,
        tail: Tail = NO_TAIL,
        resumes: bool = False,
    ) -> TailAnswers:
        """Write all of an input, sending ahead as far as the window allows, and the tail behind it.

        `stage` names in errors what was being done; `on_done` is called with the number of bytes that are stored.
        With `resumes`, the device may have a part of the input from an earlier session, which is not sent again.
        Raises LinkError or DeviceError as Exchange.transact.
        """
        size = len(data)
        missing = self._missing(tensor, size, stage) if resumes else [(0, size)]
        answers = TailAnswers()
        self._longest_chunk = min(_GROWTH * self._longest_chunk // 4, frames.MAX_PAYLOAD)
        codes = _touching(missing, self._coder.codes(self.info, tensor, data, self._chunk_bytes()))
        while missing:
            chunks, rest = (list(codes), []) if codes else self._chunks(missing)
            writes = [self._write_request(tensor, data, span, codes.get(span)) for span in chunks]
            codes = {}  # what is sent once more goes as it is
            done = size - sum(end - start for start, end in missing)
            part = self._transaction(writes, NO_TAIL if rest else tail, stage, _adding(on_done, done, chunks))
            try:
                replies: Sequence[bytes | None] = part.run()
            except TooLong as e:
                replies = e.replies
                if tail.requests and not rest and replies[len(writes)] is not None:
                    return TailAnswers(replies[len(writes) :], part.run_waited_s, part.run_took_s)
                self._shorten(max(len(write.payload) for write in writes) - CHUNK.size, e.is_silent)
                if self.info.input_streamed:
                    missing = [(0, size)]  # its first bytes begin an input, no matter what came before them
                    continue
            missing = rest + [chunk for chunk, reply in zip(chunks, replies, strict=False) if reply is None]
            answers = TailAnswers(replies[len(writes) :], part.run_waited_s, part.run_took_s)
        return answers

    def _missing(self, tensor: int, size: int, stage: str) -> list[Span]:
        """Return which bytes of an input are to be written, one granule at least: the maps of empty WRITEs show it."""
        if not self.info.write_map or self.info.input_streamed:
            return [(0, size)]
        heads = [
            CHUNK.pack(tensor | WITH_MAP, min(at + MAP_BEFORE * GRANULE, size // GRANULE * GRANULE))
            for at in range(0, size, MAP_GRANULES * GRANULE)
        ]
        requests = [Request(Type.WRITE, head, STORED.size + MAP.size) for head in heads]
        bits = 0
        for request, reply in zip(requests, self._exchange.transact(requests, stage), strict=True):
            check_write(request, reply, self._exchange.link.name)
            if has_map(reply):
                first, stored = map_in(reply)
                bits |= stored << first
        count = -(-size // GRANULE)
        absent = [i for i in range(count) if not bits >> i & 1]
        self.resumed_bytes += (count - len(absent)) * GRANULE
        return _joined([(i * GRANULE, min(size, (i + 1) * GRANULE)) for i in absent or [count - 1]])

    def _transaction(
        self, writes: list[Request], tail: Tail, stage: str, on_reply: Callable[[int], None] | None
    ) -> PictureTransaction:
        return PictureTransaction(
            self._exchange,
            [*writes, *tail.requests],
            stage,
            tail.busy_s,
            self._exchange.timeouts.give_up_s,
            on_reply,
            may_split=True,
            in_order=self.info.input_streamed,
            writes=len(writes),
            run_give_up_s=tail.give_up_s,
            run_stage=tail.stage,
        )

    def _write_request(self, tensor: int, data: bytes, span: Span, code: bytes | None) -> Request:
        """Return a WRITE. On a line that loses frames its answer is to say what else has arrived, if it fits."""
        start, end = span
        with_map = self.info.write_map and self._exchange.errors.rate > 0 and end - start <= MAP_BEFORE * GRANULE // 2
        flag, reply_bytes = (WITH_MAP, STORED.size + MAP.size) if with_map else (0, STORED.size)
        if code is not None:
            return Request(Type.WRITE, CHUNK.pack(tensor | flag | CODED, start) + code, reply_bytes)
        return Request(Type.WRITE, CHUNK.pack(tensor | flag, start) + data[start:end], reply_bytes)

    def _shorten(self, longest: int, is_silent: bool) -> None:
        if is_silent:
            self._longest_chunk = _SMALLEST_CHUNK
            return
        best = self._exchange.best_frames().length
        self._longest_chunk = max(GRANULE, min(best, longest // 2) if best < longest else longest // 4)

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

    def _chunk_bytes(self) -> int:
        """Return the length of a chunk: two frames to a window, so that the line is busy while the device works."""
        window = self.info.window
        fits = frames.payload_that_fits(window // 2)
        if fits < _SMALLEST_CHUNK:
            fits = frames.payload_that_fits(window)
        best = self._exchange.best_frames().length
        most = min(self._longest_chunk, best, min(self.info.max_payload, fits) - CHUNK.size)
        return max(GRANULE, most - most % GRANULE)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return spans in order with neighbors made one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def _touching(spans: Sequence[Span], codes: Mapping[Span, bytes]) -> dict[Span, bytes]:
    """Return those codes that have bytes of some spans."""
    return {
        (begin, stop): code
        for (begin, stop), code in codes.items()
        if any(begin < end and start < stop for start, end in spans)
    }


def _adding(on_done: Callable[[int], None] | None, before: int, chunks: Sequence[Span]) -> Callable[[int], None] | None:
    ends = [before, *accumulate((end - start for start, end in chunks), initial=before)][1:]
    return None if on_done is None else lambda count: on_done(ends[min(count, len(chunks))])
