"""One exchange of requests and replies: sent ahead as far as the window allows, and again when an answer is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING, NoReturn

from deploy import frames
from deploy.frames import Code, Frame, Type
from deploy.joined import JoinedWrites
from deploy.request import NoAnswer, Refused, Request, TooLong, refusal_in
from deploy.sent import Sent
from errors import DeviceError, LinkError

if TYPE_CHECKING:
    from deploy.exchange import Exchange

_BACKOFF = 1.5
_MOST_BACKOFFS = 30
_LONGEST_RESEND_S = 2.0
_LONGEST_RUN_RESEND_S = 10.0
_LATE_S = 0.1
SPLIT_TRIES = 6
SHORT_LINE_BYTES = 128
STILL_SHORT_BYTES = 512
"""A frame that is longer is not the last thing to try on a line that is silent."""
_MOST_PROBES = 4
"""So many frames are sent again when there is no answer; more if they are known to be lost."""
_AT_ONCE = 64
"""So many frames are encoded at once."""


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
        self.sent: dict[int, Sent] = {}  # by sequence number, in the order in which they went out last
        self._bytes_out = self._bytes_taken = 0
        self._clock = self.exchange.clock
        self._times = 0
        self._silent = 0
        self._unwritten = JoinedWrites(self.exchange.link, self.exchange.window)
        self._damaged = self.exchange.decoder.damaged
        self._may_have_parity = self.exchange.best_frames().with_parity

    def run(self) -> list[bytes]:
        """Return the replies' payloads. Raises as Exchange.transact."""
        try:
            self._converse()
        except TooLong:
            raise
        except LinkError as e:
            how_far = f", {self.done} of {len(self.requests)} frames answered" if len(self.requests) > 1 else ""
            raise type(e)(f"{e} (during {self.doing}{how_far})") from e
        return [reply for reply in self.replies if reply is not None]

    @property
    def doing(self) -> str:
        """What is being done, for errors."""
        return self.stage

    @property
    def in_flight(self) -> int:
        """How many bytes the device has not taken yet, as far as its answers show: it takes them in order."""
        return self._bytes_out - self._bytes_taken

    def _converse(self) -> None:
        silent_s = 0.0
        while self.done < len(self.requests):
            self._send_ahead()
            if not self._may_wait_for_more():
                self._unwritten.flush()
            before, done, damaged = self._clock(), self.done, self.exchange.decoder.damaged
            wait_s = max(0.0, min(self.sent[seq].resend_at for seq in self._watched()) - before)
            for frame in self.exchange.receive(wait_s):
                self._take(frame)
            now = self._clock()
            if len(self.sent) == 1 and self.exchange.decoder.damaged > damaged:
                next(iter(self.sent.values())).resend_at = now  # the damaged frame was its answer, most likely
            # While this process was stopped, or the host asleep, it did not wait for the device.
            silent_s = 0.0 if self.done > done else silent_s + min(now - before, wait_s + _LATE_S)
            if silent_s > self._patience_s():
                self._give_up(f"{self.exchange.link.name}: no answer in {silent_s:.2g} s")
            if due := self._due(now):
                self._silent += 1
                # What is sent again counts once: it is taken for lost.
                self._bytes_taken = self._bytes_out - sum(len(s.data) for seq, s in self.sent.items() if seq not in due)
                self._resend(due, is_known=False)
                self._put_off(max(self.sent[seq].resend_at for seq in due))

    def _put_off(self, until: float) -> None:
        """Wait for the answers to what was just sent again: they show which of the others are lost."""
        for seq in self._watched():
            self.sent[seq].resend_at = max(self.sent[seq].resend_at, until)

    def _give_up(self, message: str) -> NoReturn:
        if self.may_split and max(self._size(self.sent[seq]) for seq in self._watched()) > STILL_SHORT_BYTES:
            raise TooLong(message, self.replies, is_silent=True)
        raise NoAnswer(message)

    def _patience_s(self) -> float:
        return self.give_up_s + self.busy_s + 4 * self.exchange.speed.expect(self.in_flight)

    def _busy_s(self, number: int) -> float:
        """Return how long the device may compute before it answers a request."""
        return self.busy_s

    def _is_conditional(self, number: int) -> bool:
        """Whether `_may_begin` depends on what was sent before this request."""
        return False

    def _may_begin(self, number: int) -> bool:
        """Whether a request may be sent for the first time as soon as the window has room."""
        return True

    def _begun(self, seq: int) -> None:
        """A request gets its first sequence number, or another one; it is sent right after."""

    def _send_ahead(self) -> None:
        while numbers := self._that_fit():
            ahead = []
            for number in numbers:
                request = self.requests[number]
                repaired = 0 if self._has_parity(request) else None
                ahead.append(Frame(request.type, self.exchange.next_seq(), request.payload, repaired=repaired))
            for number, frame, data in zip(numbers, ahead, frames.encode_all(ahead), strict=True):
                self.unsent.popleft()
                self.sent[frame.seq] = Sent(number, data, frame.repaired is not None)
                self._begun(frame.seq)
                self._send(frame.seq, is_known=True)

    def _that_fit(self) -> list[int]:
        """Return the next requests for which the window has room; one whose turn depends on others comes alone."""
        numbers: list[int] = []
        room = self.exchange.window - self.in_flight
        for number in islice(self.unsent, _AT_ONCE):
            if (numbers and self._is_conditional(number)) or not self._may_begin(number):
                break
            request = self.requests[number]
            room -= frames.encoded_size(len(request.payload), with_parity=self._has_parity(request))
            if room < 0 and (numbers or self.sent):
                break
            numbers.append(number)
        return numbers

    def _has_parity(self, request: Request) -> bool:
        return self._may_have_parity and len(request.payload) <= frames.LONGEST_REPAIRABLE

    def _send(self, seq: int, is_known: bool) -> None:
        """Send a request; `is_known` if no answer can come to an earlier time that it was sent."""
        sent = self.sent.pop(seq)
        self.sent[seq] = sent
        self._times += 1
        sent.last = self._times
        if is_known:
            sent.first, sent.at = self._times, self._clock()
            sent.position = self._bytes_out + len(sent.data)
            sent.ahead = self.in_flight + len(sent.data)
        at_risk = self._bytes_at_risk(sent)
        self.exchange.errors.sent(at_risk)
        copies = self._copies(sent, at_risk)
        if copies > 1:
            sent.guesses = -1
        self._bytes_out += copies * len(sent.data)
        self._unwritten.add(sent.data * copies)
        wait, busy_s = self._wait(sent), self._busy_s(sent.number)
        longest = max(wait, _LONGEST_RUN_RESEND_S if busy_s else _LONGEST_RESEND_S)
        sent.resend_at = self._clock() + min(wait * _BACKOFF ** min(self._silent, _MOST_BACKOFFS), longest)

    def _bytes_at_risk(self, sent: Sent) -> int:
        """Return how many bytes must arrive undamaged for the request to be answered."""
        return len(sent.data) + frames.encoded_size(self.requests[sent.number].reply_bytes)

    def _copies(self, sent: Sent, at_risk: int) -> int:
        """Return how often to send a frame: nothing that follows the last ones shows that they are lost."""
        return 1 if self.unsent else self._copies_that_fit(sent, at_risk)

    def _copies_that_fit(self, sent: Sent, at_risk: int) -> int:
        room = (self.exchange.window - self.in_flight) // len(sent.data)
        copies = self.exchange.errors.copies(at_risk, with_parity=sent.with_parity)
        return max(1, min(copies, room))

    def _may_wait_for_more(self) -> bool:
        """Whether the line is busy for long enough that short frames may wait to be written with others."""
        window = self.exchange.window
        on_line = self.in_flight - len(self._unwritten)
        is_busy = len(self._unwritten) < window // 4 and on_line > window // 2
        return is_busy and self._silent == 0 and self._has_more()

    def _has_more(self) -> bool:
        """Whether requests wait for room in the window."""
        return bool(self.unsent)

    def _due(self, now: float) -> list[int]:
        """Return what to send again for want of an answer: the last ones, whose answers overtake those before them."""
        watched = self._watched()
        due = [seq for seq in watched if self.sent[seq].resend_at <= now]
        if due and self.in_order:
            return self._by_number(watched)
        return watched[-_MOST_PROBES:] if due and len(watched) > _MOST_PROBES else due

    def _watched(self) -> list[int]:
        """Return which requests are sent again if their answers do not come in time."""
        return list(self.sent)

    def _by_number(self, seqs: Sequence[int]) -> list[int]:
        return sorted(seqs, key=lambda seq: self.sent[seq].number)

    def _wait(self, sent: Sent) -> float:
        speed = self.exchange.speed
        expected = speed.expect(max(sent.ahead, self.in_flight) + self.requests[sent.number].reply_bytes)
        return speed.patience(expected, self.exchange.timeouts.resend_s) + self._busy_s(sent.number)

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
                    raise TooLong(f"{self.exchange.link.name}: {len(sent.data)} bytes at once get lost", self.replies)
            sent.tries += 1
            sent.guesses += not is_known and sent.guesses >= 0
            self.exchange.resent += 1
            self._send(seq, is_known)

    def _size(self, sent: Sent) -> int:
        """Return the length of a frame or of its answer, the longer of both."""
        return max(len(sent.data), frames.encoded_size(self.requests[sent.number].reply_bytes))

    def _is_too_long(self, sent: Sent) -> bool:
        size = self._size(sent)
        if size <= SHORT_LINE_BYTES:
            return False
        is_seen = size > len(sent.data) and self.exchange.decoder.damaged > self._damaged
        return is_seen or sent.tries >= SPLIT_TRIES or 3 * self.exchange.best_frames().length < size

    def _take(self, frame: Frame) -> None:
        sent = self.sent.get(frame.seq)
        if sent is None:
            self.exchange.take_second(frame.seq)
            return
        request = self.requests[sent.number]
        if frame.type == Type.ERROR:
            refusal = refusal_in(frame, request.type, self.exchange.link.name, self.doing)
            if refusal.code == Code.BUSY or self._is_early(sent, refusal):
                return  # It is sent again in its time.
            raise refusal
        if frame.type != request.type | frames.REPLY:
            raise DeviceError(
                f"{self.exchange.link.name}: {request.type.name} was answered with frame type {frame.type:02x}, "
                f"expected {request.type | frames.REPLY:02x}; rebuild and flash the firmware"
            )
        now = self._clock()
        self._silent = 0
        # Frames that waited behind a lost one and were sent again do not show the line's speed.
        if not self._busy_s(sent.number) and (sent.tries == 1 or not self.in_order):
            learn = self.exchange.speed.learn if sent.first == sent.last else self.exchange.speed.learn_at_most
            learn(sent.ahead, now - sent.at)
        self.exchange.expect_second(frame.seq, sent.guesses)
        self._answered(frame.seq, frame.payload, now)
        # The line keeps order and so does the device: what went out earlier and has no answer is lost.
        lost = list(takewhile(lambda seq: self.sent[seq].last < sent.first, self.sent))
        self._resend(self._to_send_again(lost, frame), is_known=True)

    def _answered(self, seq: int, payload: bytes, now: float) -> None:
        sent = self.sent.pop(seq)
        self._bytes_taken = max(self._bytes_taken, sent.position if self.sent else self._bytes_out)
        self.replies[sent.number] = payload
        if self.in_order:
            self._hurry(now)
        self.done += 1
        if self.on_reply:
            self.on_reply(self.done)

    def _is_early(self, sent: Sent, refusal: Refused) -> bool:
        """Whether a request was refused because what it needs has not arrived; then see to it that it does."""
        return False

    def _to_send_again(self, lost: list[int], frame: Frame) -> list[int]:
        """Return which requests to send again, of those without an answer that an answer has overtaken."""
        return lost
