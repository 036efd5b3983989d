"""Requests and their replies over a link: sequence numbers, sending ahead, and what the device sends on its own."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy import frames
from deploy.frames import Frame, Text, Type
from deploy.line_errors import Frames, LineErrors
from deploy.line_speed import LineSpeed
from deploy.links import Link
from deploy.request import Request, Timeouts
from deploy.transaction import Transaction
from errors import DeviceError

_LOG_LINES = 500
_MOST_GUESSES = 1000


@dataclass
class Exchange:
    """The state of one conversation over an open link. `on_log` receives each line that the device sends on its own.

    `clock` returns seconds; a simulated line has its own. `can_repair`: the device repairs frames with parity.
    """

    link: Link
    timeouts: Timeouts = field(default_factory=Timeouts)
    on_log: Callable[[str], None] | None = None
    window: int = 256
    clock: Callable[[], float] = time.monotonic
    can_repair: bool = False

    def __post_init__(self) -> None:
        self.decoder = frames.Decoder()
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self.speed = LineSpeed()
        self.errors = LineErrors()
        self.resent = 0
        self.received = 0
        self._seq = random.randrange(1, 0x10000)
        self._guesses: dict[int, int] = {}

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

        `stage` names in errors what was being done; `busy_s` is how long the device may compute before it answers;
        `on_reply` is called with the number of answers so far. Raises LinkError if the device is gone or silent,
        Refused if it answers with ERROR, DeviceError if it speaks another version. With `may_split` it raises TooLong
        when a frame, or an answer, is lost that should be shorter on this line. With `in_order` the device takes each
        request only after the one before: those behind a lost one are sent again with it.
        """
        patience_s = give_up_s or self.timeouts.give_up_s
        return Transaction(self, requests, stage, busy_s, patience_s, on_reply, may_split, in_order).run()

    def best_frames(self) -> Frames:
        """Return which frames lose the least time on this line, as far as it is known."""
        return self.errors.best(can_repair=self.can_repair)

    def next_seq(self) -> int:
        """Return the sequence number of a new request: 1 to 65,535."""
        self._seq = self._seq % 0xFFFF + 1
        return self._seq

    def expect_second(self, seq: int, guesses: int) -> None:
        """Remember a request that has its answer, and how often it was sent again because that came late."""
        if guesses > 0:
            self._guesses[seq] = guesses
            if len(self._guesses) > _MOST_GUESSES:
                del self._guesses[next(iter(self._guesses))]

    def take_second(self, seq: int) -> None:
        """Learn from another answer to a request that has one: nothing of it was lost, the device was only slow."""
        if seq in self._guesses:
            self._guesses[seq] -= 1
            if not self._guesses[seq]:
                del self._guesses[seq]
            self.errors.not_lost()
            self.speed.was_hasty()

    def receive(self, timeout_s: float) -> list[Frame]:
        """Return the replies that have come, waiting up to `timeout_s` for bytes; text and LOG go to the log."""
        data = self.link.read(timeout_s)
        self.received += len(data)
        replies = []
        for item in self.decoder.feed(data):
            if isinstance(item, Text):
                self._log(item.line)
            elif item.version != frames.VERSION:
                raise DeviceError(
                    f"{self.link.name}: device speaks protocol version {item.version}, this host {frames.VERSION}; "
                    "build and flash the firmware of this checkout"
                )
            elif item.type == Type.LOG:
                self._log(item.payload.decode("utf-8", errors="replace"))
            else:
                replies.append(item)
        return replies

    def _log(self, text: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in text).strip()
        self.log.append(line)
        if self.on_log:
            self.on_log(line)
