"""One exchange that writes an input and, if it is the last part of one, runs it and reads the outputs."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from deploy import frames, parity
from deploy.coding import CODED, HEADER
from deploy.frames import CHUNK, COUNT, GRANULE, MAP, MAP_GRANULES, REPAIRED, STORED, WITH_MAP, Code, Frame, Type
from deploy.request import Refused, Request
from deploy.sent import Sent
from deploy.transaction import Transaction
from errors import DeviceError

FEW = 12
REFUSAL_BYTES = 45
"""What a refusal takes on the line, about."""


def input_bytes(payload: bytes) -> int:
    """Return how many bytes of an input a WRITE with this payload carries."""
    if payload[0] & CODED:
        size: int = HEADER.unpack_from(payload, CHUNK.size)[0]
        return size
    return len(payload) - CHUNK.size


def stored(payload: bytes) -> bytes:
    """Return the answer to a WRITE with this payload, without a map."""
    return STORED.pack(*CHUNK.unpack_from(payload), input_bytes(payload))


def check_write(request: Request, reply: bytes, name: str) -> None:
    """Raise DeviceError if the reply of the link `name` confirms another chunk than was sent."""
    sizes = (STORED.size, request.reply_bytes, request.reply_bytes + REPAIRED.size)
    if reply[: STORED.size] != stored(request.payload) or len(reply) not in sizes:
        size = input_bytes(request.payload)
        offset = CHUNK.unpack_from(request.payload)[1]
        raise DeviceError(f"{name}: WRITE of {size} bytes at {offset} was answered by {reply[:16].hex()}")


def has_map(reply: bytes) -> bool:
    """Whether the answer to a WRITE has a map; one without is taken too."""
    return len(reply) >= STORED.size + MAP.size


def map_in(reply: bytes) -> tuple[int, int]:
    """Return the map in the answer to a WRITE: the granule of its bit 0, and its bits, 1 for each that is stored."""
    return frames.first_in_map(STORED.unpack_from(reply)[1]), MAP.unpack_from(reply, STORED.size)[0]


def ticks_in(request: Request, reply: bytes, name: str) -> list[int]:
    """Return each inference's ticks in the answer to a RUN. Raises DeviceError if it is not one to this request."""
    (count,) = COUNT.unpack(request.payload)
    if len(reply) != COUNT.size + 8 * count or reply[: COUNT.size] != request.payload:
        raise DeviceError(f"{name}: RUN of {count} was answered by {len(reply)} bytes: {reply[:16].hex()}")
    return list(struct.unpack_from(f"<{count}Q", reply, COUNT.size))


@dataclass
class PictureTransaction(Transaction):
    """`writes` WRITEs, then RUN and READs, if there are any: none of them waits for the answers to those before it.

    RUN is sent when all WRITEs are and at least one is answered: the device has then forgotten the input before this
    one, and takes RUN only if all bytes of this one have arrived. RUN's answer thus says whether they have. No WRITE is
    sent again until it has come: after RUN, that would begin a new input. READ is refused until RUN has run.
    `run_give_up_s` is how long to wait for RUN.
    """

    writes: int = 0
    run_give_up_s: float = 0.0
    run_stage: str = "RUN"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._run: int | None = None  # RUN's sequence number while its answer is awaited
        self._run_sent_at = 0.0
        self._answered_at = self._clock()
        self.run_waited_s = 0.0
        """Seconds from when RUN was sent first until its answer came."""
        self.run_took_s: float | None = None
        """Seconds for which the device computed, about; None if RUN's frame was lost."""

    @property
    def doing(self) -> str:
        """See Transaction.doing."""
        return self.stage if self._run is None else self.run_stage

    def _patience_s(self) -> float:
        patience_s = self.give_up_s if self._run is None else max(self.give_up_s, self.run_give_up_s)
        return patience_s + 4 * self.exchange.speed.expect(self.in_flight)

    def _busy_s(self, number: int) -> float:
        return self.busy_s if number >= self.writes else 0.0

    def _is_conditional(self, number: int) -> bool:
        return number >= self.writes

    def _may_begin(self, number: int) -> bool:
        if number == self.writes:
            self._unwritten.flush()  # a line that repeats what is written at once would begin a new input behind RUN
        return number < self.writes or (self.done > 0 and (self._are_few_missing() or not self.exchange.errors.rate))

    def _are_few_missing(self) -> bool:
        """Whether so few WRITEs have no answer that RUN's answer is a good way to learn which of them arrived."""
        return len(self.sent) <= FEW

    def _begun(self, seq: int) -> None:
        if self.sent[seq].number == self.writes:
            self._run = seq
            self._run_sent_at = self._run_sent_at or self._clock()

    def _bytes_at_risk(self, sent: Sent) -> int:
        if self._wants_map(sent.number):
            return len(sent.data)  # a lost answer does no harm
        at_risk = super()._bytes_at_risk(sent)
        return at_risk if sent.number < self.writes else max(at_risk, len(sent.data) + REFUSAL_BYTES)

    def _copies(self, sent: Sent, at_risk: int) -> int:
        is_followed = self._has_more() or (bool(self.unsent) and sent.number > self.writes)
        if is_followed or (sent.number < self.writes and not self._are_few_missing()):
            return 1
        return self._copies_that_fit(sent, at_risk)

    def _has_more(self) -> bool:
        return bool(self.unsent) and self.unsent[0] < self.writes

    def _watched(self) -> list[int]:
        if self._run is None:
            return list(self.sent)
        return [seq for seq, sent in self.sent.items() if sent.number >= self.writes]

    def _due(self, now: float) -> list[int]:
        due = super()._due(now)
        return due if self._run is None or not due else self._by_number(self._watched())

    def _is_too_long(self, sent: Sent) -> bool:
        is_waiting_for_run = self._run is not None and sent.number >= self.writes
        return not is_waiting_for_run and super()._is_too_long(sent)

    def _answered(self, seq: int, payload: bytes, now: float) -> None:
        number = self.sent[seq].number
        request = self.requests[number]
        if number < self.writes:
            check_write(request, payload, self.exchange.link.name)
            self._learn_repaired(payload)
        elif number == self.writes:
            ticks_in(request, payload, self.exchange.link.name)
            self._run = None
            self.run_waited_s = now - self._run_sent_at
            if self.sent[seq].tries == 1:
                self.run_took_s = now - max(self.sent[seq].at, self._answered_at)
            self._all_stored(now)
        self._answered_at = now
        super()._answered(seq, payload, now)

    def _learn_repaired(self, reply: bytes) -> None:
        if len(reply) == STORED.size + MAP.size + REPAIRED.size:
            (count,) = REPAIRED.unpack_from(reply, STORED.size + MAP.size)
            self.exchange.errors.repaired(min(count, frames.MOST_TOGETHER * parity.REPAIRS))

    def _all_stored(self, now: float) -> None:
        for seq in [seq for seq, sent in self.sent.items() if sent.number < self.writes]:
            self._stored(seq, now)

    def _stored(self, seq: int, now: float) -> None:
        super()._answered(seq, stored(self.requests[self.sent[seq].number].payload), now)

    def _is_early(self, sent: Sent, refusal: Refused) -> bool:
        if refusal.code != Code.INPUT or self._run is None or sent.number < self.writes:
            return False
        writes = [seq for seq, other in self.sent.items() if other.number < self.writes]
        if sent.number > self.writes:
            self._take_back(self.writes + 1)
            self._resend([self._run], is_known=True)
            return True
        if not writes:
            return False
        self._take_back(self.writes)
        self._run = None
        self._resend(self._by_number(writes), is_known=True)
        return True

    def _take_back(self, first: int) -> None:
        """Give requests from a number on new sequence numbers: late answers to the old ones say nothing."""
        for seq in [seq for seq, sent in self.sent.items() if sent.number >= first]:
            self.unsent.append(self.sent.pop(seq).number)
        self.unsent = type(self.unsent)(sorted(self.unsent))

    def _to_send_again(self, lost: list[int], frame: Frame) -> list[int]:
        if frame.type == Type.WRITE | frames.REPLY and has_map(frame.payload):
            lost = self._not_in_map(lost, frame.payload)
        if self._run is None:
            return lost
        return [seq for seq in lost if self.sent[seq].number >= self.writes]

    def _wants_map(self, number: int) -> bool:
        return number < self.writes and self.requests[number].payload[0] >= WITH_MAP

    def _not_in_map(self, lost: list[int], reply: bytes) -> list[int]:
        """Return those of the lost WRITEs that an answer's map does not show as stored; the others are answered.

        Those behind the map wait for an answer whose map has them, if there will be one.
        """
        tensor, (first, bits) = reply[0], map_in(reply)
        is_last = not self._has_more()
        missing, now = [], self._clock()
        for seq in lost:
            if self.sent[seq].number >= self.writes:
                missing.append(seq)
                continue
            request = self.requests[self.sent[seq].number].payload
            other, begin = CHUNK.unpack_from(request)
            end = begin + input_bytes(request)
            low, high = begin // GRANULE - first, -(-end // GRANULE) - first
            mask = (1 << high) - (1 << low) if low >= 0 else 0
            if other == tensor and mask and high <= MAP_GRANULES and bits & mask == mask:
                self._stored(seq, now)
            elif is_last or high <= MAP_GRANULES:
                missing.append(seq)
        return missing
