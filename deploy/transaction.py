"""One exchange of requests and replies: sent ahead as far as the window allows, and again when an answer is missing."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from deploy import frames
from deploy.frames import Code, Frame, Type
from deploy.request import NoAnswer, Refused, Request, TooLong
from errors import DeviceError, LinkError

if TYPE_CHECKING:
    from deploy.exchange import Exchange

_REFUSAL = struct.Struct("<BH")
_BACKOFF = 1.5
_LONGEST_RESEND_S = 2.0
_LONGEST_RUN_RESEND_S = 10.0
SPLIT_TRIES = 6
SHORT_LINE_BYTES = 128
JOINED_BYTES = 1024
"""Short frames are written together, as many as fit into so many bytes."""


@dataclass
class _Sent:
    """A request that is on the line: how many bytes it takes there, itself and with those before it.

    Each time that a request is sent has a number. `first` is that of the first time whose answer may still come, `last`
    that of the last time.
    """

    number: int
    line_bytes: int
    ahead: int
    at: float
    resend_at: float = 0.0
    tries: int = 1
    first: int = 0
    last: int = 0


@dataclass
class Transaction:
    """The state of one call of Exchange.transact, whose arguments the fields are."""

    exchange: Exchange
    requests: Sequence[Request]
    stage: str
    busy_s: float
    give_up_s: float
    on_reply: Callable[[int], None] | None
    may_split: bool
    in_order: bool

    def __post_init__(self) -> None:
        self.replies: list[bytes | None] = [None] * len(self.requests)
        self.done = 0
        self.unsent = deque(range(len(self.requests)))
        self.sent: dict[int, _Sent] = {}  # by sequence number, in the order in which they went out last
        self.under_way = 0
        self._times = 0
        self._silent = 0
        self._pending = bytearray()
        self._damaged = self.exchange.decoder.damaged

    def run(self) -> list[bytes]:
        """Return the replies' payloads. Raises as Exchange.transact."""
        exchange = self.exchange
        answered_at = time.monotonic()
        try:
            while self.done < len(self.requests):
                self._send_ahead()
                self._flush()
                first = min(sent.resend_at for sent in self.sent.values())
                done = self.done
                for frame in exchange.receive(first - time.monotonic()):
                    self._take(frame)
                now = time.monotonic()
                if self.done > done:
                    answered_at = now
                elif now - answered_at > self._patience():
                    raise NoAnswer(f"{exchange.link.name}: no answer in {now - answered_at:.2g} s")
                due = self._due(now)
                self._silent += bool(due)
                self._resend(due, is_known=False)
        except TooLong:
            raise
        except LinkError as e:
            how_far = f", {self.done} of {len(self.requests)} frames answered" if len(self.requests) > 1 else ""
            raise type(e)(f"{e} (during {self.stage}{how_far})") from e
        return [reply for reply in self.replies if reply is not None]

    def _patience(self) -> float:
        return self.give_up_s + self.busy_s + 4 * self.exchange.speed.expect(self.under_way)

    def _send_ahead(self) -> None:
        while self.unsent:
            request = self.requests[self.unsent[0]]
            size = frames.encoded_size(len(request.payload))
            if self.sent and self.under_way + size > self.exchange.window:
                return
            number, seq = self.unsent.popleft(), self.exchange.next_seq()
            self.under_way += size
            self.sent[seq] = _Sent(number, size, self.under_way, time.monotonic())
            self._send(seq, is_known=True)

    def _send(self, seq: int, is_known: bool) -> None:
        """Send a request; `is_known` if no answer can come to an earlier time that it was sent."""
        sent = self.sent.pop(seq)
        self.sent[seq] = sent
        self._times += 1
        sent.last = self._times
        if is_known:
            sent.first = self._times
        request = self.requests[sent.number]
        line_bytes = sent.line_bytes + frames.encoded_size(request.reply_bytes)
        errors = self.exchange.errors
        errors.sent(line_bytes)
        copies = 1 if self.unsent else min(errors.copies(line_bytes), max(1, self.exchange.window // self.under_way))
        self._write(frames.encode(Frame(request.type, seq, request.payload)) * copies)
        wait = self._wait(sent)
        longest = max(wait, _LONGEST_RUN_RESEND_S if self.busy_s else _LONGEST_RESEND_S)
        sent.resend_at = time.monotonic() + min(wait * _BACKOFF**self._silent, longest)

    def _write(self, data: bytes) -> None:
        if len(self._pending) + len(data) > JOINED_BYTES:
            self._flush()
        self._pending += data

    def _flush(self) -> None:
        if self._pending:
            data = bytes(self._pending)
            self._pending.clear()
            self.exchange.link.write(data)

    def _due(self, now: float) -> list[int]:
        due = [seq for seq, sent in self.sent.items() if sent.resend_at <= now]
        if due and self.in_order:
            return sorted(self.sent, key=lambda seq: self.sent[seq].number)
        return due

    def _wait(self, sent: _Sent) -> float:
        expected = self.exchange.speed.expect(sent.ahead + self.requests[sent.number].reply_bytes)
        return self.exchange.speed.slack(self.exchange.timeouts.resend_s) + 3 * expected + self.busy_s

    def _hurry(self, now: float) -> None:
        """An answer has come: each frame behind a lost one gets its full patience again."""
        for sent in self.sent.values():
            sent.tries = min(sent.tries, 2)
            sent.resend_at = min(sent.resend_at, now + self._wait(sent))

    def _resend(self, seqs: list[int], is_known: bool) -> None:
        for seq in seqs:
            sent = self.sent[seq]
            if not self.in_order or seq == seqs[0]:
                self.exchange.errors.lost()
                if self.may_split and self._is_too_long(sent):
                    raise TooLong(f"{self.exchange.link.name}: {sent.line_bytes} bytes at once get lost", self.replies)
            sent.tries += 1
            self.exchange.resent += 1
            self._send(seq, is_known)

    def _is_too_long(self, sent: _Sent) -> bool:
        reply_size = frames.encoded_size(self.requests[sent.number].reply_bytes)
        size = max(sent.line_bytes, reply_size)
        if size <= SHORT_LINE_BYTES:
            return False
        is_seen = reply_size == size and self.exchange.decoder.damaged > self._damaged
        return is_seen or sent.tries >= SPLIT_TRIES or 3 * self.exchange.errors.best_length < size

    def _take(self, frame: Frame) -> None:
        sent = self.sent.get(frame.seq)
        if sent is None:
            return  # The second answer to a request that was sent twice.
        request = self.requests[sent.number]
        if frame.type == Type.ERROR:
            refusal = self._refusal(frame, request)
            if refusal.code == Code.BUSY:
                return  # It is sent again in its time.
            raise refusal
        if frame.type != request.type | frames.REPLY:
            raise DeviceError(
                f"{self.exchange.link.name}: {request.type.name} was answered with frame type {frame.type:02x}, "
                f"expected {request.type | frames.REPLY:02x}; rebuild and flash the firmware"
            )
        now = time.monotonic()
        self._silent = 0
        # Frames that waited behind a lost one and were sent again do not show the line's speed.
        if not self.busy_s and (sent.tries == 1 or not self.in_order):
            learn = self.exchange.speed.learn if sent.tries == 1 else self.exchange.speed.learn_at_most
            learn(sent.ahead, now - sent.at)
        self.under_way -= sent.line_bytes
        del self.sent[frame.seq]
        self.replies[sent.number] = frame.payload
        if self.in_order:
            self._hurry(now)
        self.done += 1
        if self.on_reply:
            self.on_reply(self.done)
        # The line keeps order and so does the device: what went out earlier and has no answer is lost.
        lost = takewhile(lambda seq: self.sent[seq].last < sent.first, self.sent)
        self._resend(list(lost), is_known=True)

    def _refusal(self, frame: Frame, request: Request) -> Refused:
        name = self.exchange.link.name
        if len(frame.payload) < _REFUSAL.size:
            return Refused(
                f"{name}: ERROR of {len(frame.payload)} bytes, expected at least 3; flash the firmware again", 0, ""
            )
        _, code = _REFUSAL.unpack_from(frame.payload)
        sent_text = frame.payload[_REFUSAL.size :].decode("utf-8", errors="replace")
        text = "".join(c if c.isprintable() else " " for c in sent_text)[:300]
        label = Code(code).name if code in Code._value2member_map_ else f"code {code}"
        return Refused(f"{name}: device refused {request.type.name}: {label}: {text} (during {self.stage})", code, text)
