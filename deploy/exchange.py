"""Requests and their replies over a link: sequence numbers, sending ahead, and sending again what was lost."""

from __future__ import annotations

import random
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy import frames
from deploy.frames import Code, Frame, Text, Type
from deploy.line_speed import LineSpeed
from deploy.links import Link
from errors import DeviceError, LinkError

_REFUSAL = struct.Struct("<BH")
_BACKOFF = 1.5
_LONGEST_RESEND_S = 2.0
_LONGEST_RUN_RESEND_S = 10.0
_LOG_LINES = 500
SPLIT_TRIES = 3
SHORT_LINE_BYTES = 512


class Refused(DeviceError):
    """The device answered a request with ERROR. `code` is frames.Code where known; `text` the device's words."""

    def __init__(self, message: str, code: int, text: str):
        super().__init__(message)
        self.code = code
        self.text = text


class NoAnswer(LinkError):
    """The link is there, but no answer came over it in time."""


class TooLong(NoAnswer):
    """A long frame was lost again and again: on a line that loses bytes, only shorter ones get through.

    `replies` are those that came, None for the others.
    """

    def __init__(self, message: str, replies: Sequence[bytes | None] = ()):
        super().__init__(message)
        self.replies = replies


@dataclass(frozen=True)
class Timeouts:
    """Seconds. A resend comes after `resend_s` plus what the bytes under way take at the line's measured speed.

    `handshake_s`: until a started device answers at all. `give_up_s`: without any answer while requests are out.
    `run_s`: for one inference, in which a device can't answer.
    """

    handshake_s: float = 15.0
    give_up_s: float = 10.0
    run_s: float = 120.0
    resend_s: float = 0.25


@dataclass(frozen=True)
class Request:
    """One request; `reply_bytes` is how large a reply it asks for, which time-outs allow for."""

    type: Type
    payload: bytes = b""
    reply_bytes: int = 16


@dataclass
class _Sent:
    number: int
    line_bytes: int
    ahead: int
    at: float
    resend_at: float
    tries: int = 1


@dataclass
class Exchange:
    """The state of one conversation over an open link. `on_log` gets each line that the device says on its own."""

    link: Link
    timeouts: Timeouts = field(default_factory=Timeouts)
    on_log: Callable[[str], None] | None = None
    window: int = 256

    def __post_init__(self) -> None:
        self.decoder = frames.Decoder()
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self.speed = LineSpeed()
        self.resent = 0
        self.received = 0
        self._seq = random.randrange(1, 0x10000)

    def transact(
        self,
        requests: Sequence[Request],
        stage: str,
        *,
        busy_s: float = 0.0,
        give_up_s: float | None = None,
        on_reply: Callable[[int], None] | None = None,
        may_split: bool = False,
        in_order: bool = False,
    ) -> list[bytes]:
        """Send all requests, ahead of their answers as far as the window allows; return the replies' payloads.

        `stage` says in errors what was going on; `busy_s` is how long the device may compute before it answers;
        `on_reply` is called with the number of answers so far. Raises LinkError if the device is gone or silent,
        Refused if it answers with ERROR, DeviceError if it speaks another version. With `may_split` it raises TooLong
        when a frame that could be shorter is lost three times. With `in_order` the device takes each request only after
        the one before: those behind a lost one are sent again with it.
        """
        patience = give_up_s or self.timeouts.give_up_s
        return _Transaction(self, requests, stage, busy_s, patience, on_reply, may_split, in_order).run()

    def next_seq(self) -> int:
        """Return the sequence number of a new request: 1 to 65,535."""
        self._seq = self._seq % 0xFFFF + 1
        return self._seq

    def receive(self, timeout_s: float) -> list[Frame]:
        """Return the replies that have come, waiting up to `timeout_s` for bytes; text and LOG go to the log."""
        data = self.link.read(timeout_s)
        self.received += len(data)
        replies = []
        for item in self.decoder.feed(data):
            if isinstance(item, Text):
                self._say(item.line)
            elif item.version != frames.VERSION:
                raise DeviceError(
                    f"{self.link.name}: device speaks protocol version {item.version}, this host {frames.VERSION}; "
                    "build and flash the firmware of this checkout"
                )
            elif item.type == Type.LOG:
                self._say(item.payload.decode("utf-8", errors="replace"))
            else:
                replies.append(item)
        return replies

    def _say(self, text: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in text).strip()
        self.log.append(line)
        if self.on_log:
            self.on_log(line)


class _Transaction:
    """One call of Exchange.transact."""

    def __init__(
        self,
        exchange: Exchange,
        requests: Sequence[Request],
        stage: str,
        busy_s: float,
        give_up_s: float,
        on_reply: Callable[[int], None] | None,
        may_split: bool,
        in_order: bool,
    ):
        self.exchange = exchange
        self.requests = requests
        self.stage = stage
        self.busy_s = busy_s
        self.give_up_s = give_up_s
        self.on_reply = on_reply
        self.may_split = may_split
        self.in_order = in_order
        self.replies: list[bytes | None] = [None] * len(requests)
        self.done = 0
        self.unsent = deque(range(len(requests)))
        self.sent: dict[int, _Sent] = {}  # by sequence number, in the order in which they went out last
        self.under_way = 0

    def run(self) -> list[bytes]:
        exchange = self.exchange
        heard = time.monotonic()
        try:
            while self.done < len(self.requests):
                self._send_ahead()
                first = min(sent.resend_at for sent in self.sent.values())
                done = self.done
                for frame in exchange.receive(first - time.monotonic()):
                    self._take(frame)
                now = time.monotonic()
                if self.done > done:
                    heard = now
                elif now - heard > self._patience():
                    raise NoAnswer(f"{exchange.link.name}: no answer in {now - heard:.2g} s")
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
        """An answer has come: what waits behind a lost frame begins its patience anew."""
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
        # Where frames wait behind a lost one, how long those took that were sent again says nothing of the line.
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
                f"{name}: ERROR of {len(frame.payload)} bytes, expected at least 3; flash the firmware anew", 0, ""
            )
        _, code = _REFUSAL.unpack_from(frame.payload)
        words = frame.payload[_REFUSAL.size :].decode("utf-8", errors="replace")
        text = "".join(c if c.isprintable() else " " for c in words)[:300]
        label = Code(code).name if code in Code._value2member_map_ else f"code {code}"
        return Refused(f"{name}: device refused {request.type.name}: {label}: {text} (during {self.stage})", code, text)
