"""One exchange of requests and replies: sent ahead as far as the window allows, and again when an answer is missing."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
SPLIT_TRIES = 3
SHORT_LINE_BYTES = 512


@dataclass
class _Sent:
    """A request that is on the line: how many bytes it takes there, itself and with those before it."""

    number: int
    line_bytes: int
    ahead: int
    at: float
    resend_at: float
    tries: int = 1


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

    def run(self) -> list[bytes]:
        """Return the replies' payloads. Raises as Exchange.transact."""
        exchange = self.exchange
        answered_at = time.monotonic()
        try:
            while self.done < len(self.requests):
                self._send_ahead()
                first = min(sent.resend_at for sent in self.sent.values())
                done = self.done
                for frame in exchange.receive(first - time.monotonic()):
                    self._take(frame)
                now = time.monotonic()
                if self.done > done:
                    answered_at = now
                elif now - answered_at > self._patience():
                    raise NoAnswer(f"{exchange.link.name}: no answer in {now - answered_at:.2g} s")
                self._resend(self._due(now), now)
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
            self.sent[seq] = _Sent(number, size, self.under_way, time.monotonic(), 0.0)
            self._send(seq)

    def _send(self, seq: int) -> None:
        sent = self.sent.pop(seq)
        self.sent[seq] = sent
        request = self.requests[sent.number]
        self.exchange.link.write(frames.encode(Frame(request.type, seq, request.payload)))
        wait = self._wait(sent)
        longest = max(wait, _LONGEST_RUN_RESEND_S if self.busy_s else _LONGEST_RESEND_S)
        sent.resend_at = time.monotonic() + min(wait * _BACKOFF ** (sent.tries - 1), longest)

    def _due(self, now: float) -> list[int]:
        due = [seq for seq, sent in self.sent.items() if sent.resend_at <= now]
        if due and self.in_order:
            return sorted(self.sent, key=lambda seq: self.sent[seq].number)
        return due

    def _wait(self, sent: _Sent) -> float:
        expected = self.exchange.speed.expect(sent.ahead + self.requests[sent.number].reply_bytes)
        return self.exchange.timeouts.resend_s + 3 * expected + self.busy_s

    def _hurry(self, now: float) -> None:
        """An answer has come: each frame behind a lost one gets its full patience again."""
        for sent in self.sent.values():
            sent.tries = min(sent.tries, 2)
            sent.resend_at = min(sent.resend_at, now + self._wait(sent))

    def _resend(self, seqs: list[int], now: float) -> None:
        for seq in seqs:
            sent = self.sent[seq]
            counts = not self.in_order or seq == seqs[0]
            if counts and self.may_split and sent.tries >= SPLIT_TRIES and sent.line_bytes > SHORT_LINE_BYTES:
                raise TooLong(f"{self.exchange.link.name}: {sent.line_bytes} bytes at once get lost", self.replies)
            sent.tries += 1
            self.exchange.resent += 1
            self._send(seq)

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
        overtaken = []
        # Frames that waited behind a lost one and were sent again do not show the line's speed.
        if not self.busy_s and (sent.tries == 1 or not self.in_order):
            learn = self.exchange.speed.learn if sent.tries == 1 else self.exchange.speed.learn_at_most
            learn(sent.ahead, now - sent.at)
        if sent.tries == 1:
            overtaken = [seq for seq in self.sent if self.sent[seq].tries == 1][: self._position(frame.seq)]
        self.under_way -= sent.line_bytes
        del self.sent[frame.seq]
        self.replies[sent.number] = frame.payload
        if self.in_order:
            self._hurry(now)
        self.done += 1
        if self.on_reply:
            self.on_reply(self.done)
        # The line keeps order and so does the device: what went out earlier and has no answer is lost.
        self._resend(overtaken, now)

    def _position(self, seq: int) -> int:
        first_tries = [s for s in self.sent if self.sent[s].tries == 1]
        return first_tries.index(seq)

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
