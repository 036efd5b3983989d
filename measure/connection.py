"""A session with a device that may be lost in mid-run: what was being done goes on when the device is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, TypeVar

from deploy.frames import Code
from deploy.info import DeviceInfo
from deploy.links import Link
from deploy.request import Refused, Restarted
from deploy.session import Session
from errors import DeployError, DeviceError, Error, LinkError

T = TypeVar("T")
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
MOST_LOSSES = 8
"""How often a device may be lost without progress in between: one that fails each time at one picture is broken."""
IDENTITY = ("model_sha256", "firmware", "board", "engine", "engine_version", "kernels", "unit", "inputs", "outputs")
"""What must be the same of a device that is back, as it says in INFO."""


class Opener(Protocol):
    """Opens a session; `lost` is the link of one that broke."""

    def __call__(self, lost: Link | None = None) -> AbstractContextManager[Session]:
        """Return the session, to be entered. Raises LinkError, DeployError or DeviceError."""


class Connection:
    """The session with a device, opened again when it is lost. Use it as a context manager.

    `give_up_s` is how long to wait for a lost device; 0 ends the run at once. `say` is called with a line when it is
    lost and when it is back. `losses` counts how often it was.
    """

    def __init__(
        self,
        opener: Opener,
        give_up_s: float,
        say: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.losses = 0
        self._opener, self._give_up_s, self._say = opener, give_up_s, say
        self._clock, self._sleep = clock, sleep
        self._stack = ExitStack()

    def __enter__(self) -> Connection:
        """Open the first session; nothing is tried twice yet, so that a wrong address is reported at once."""
        self.session = self._stack.enter_context(self._opener())
        self.info = self.session.info
        return self

    def __exit__(self, *reason: object) -> None:
        """Close the session."""
        self._stack.close()

    def run(self, body: Callable[[Session], T], done: Callable[[], int] = lambda: 0) -> T:
        """Return what `body` returns; when the device is lost in it, wait for the device and call it again.

        `done` counts what was finished, and `body` begins behind that; a part of an input that the device still has is
        progress too. Raises what `body` raised last when the device stays away for `give_up_s`, or is lost again and
        again without progress; DeviceError if another one comes back.
        """
        finished, stored, losses, restarts, since = -1, 0, 0, 0, self._clock()
        while True:
            try:
                return body(self.session)
            except Error as e:
                if not is_loss(e) or self._give_up_s <= 0:
                    raise
                before, stored = stored, self.session.resumed_bytes
                if is_further := done() > finished:
                    finished, restarts = done(), 0
                if is_further or stored > before:
                    losses, since = 0, self._clock()
                losses, restarts = losses + 1, restarts + (stored < before)
                if (times := max(losses, restarts)) > MOST_LOSSES:
                    raise type(e)(f"{e}; it was lost {times} times in a row without progress") from e
                self._wait(e, losses, since + self._give_up_s)

    def _wait(self, loss: Error, losses: int, limit: float) -> None:
        """Open the session again, once the device is back. Raises LinkError at the time limit."""
        self.losses += 1
        begin, pause = self._clock(), 0.0 if losses == 1 else FIRST_PAUSE_S * 2 ** (losses - 2)
        self._say(f"device lost ({loss}); waits for it for up to {self._give_up_s:g} s, see --give-up-after")
        lost = self.session.link
        self._stack.close()
        last: Error = loss
        while True:
            self._sleep(max(0.0, min(pause, LONGEST_PAUSE_S, limit - self._clock())))
            try:
                session = self._stack.enter_context(self._opener(lost))
                break
            except (LinkError, DeployError) as e:
                last = e
            pause = max(FIRST_PAUSE_S, 2 * pause)
            if self._clock() >= limit:
                raise LinkError(f"{last}; gave up waiting after {self._give_up_s:g} s, see --give-up-after") from last
        check_same(self.info, session.info, session.link.name)
        session.remember(self.session)
        self.session = session
        self._say(f"device is back after {self._clock() - begin:.1f} s")


def is_loss(error: Error) -> bool:
    """Whether an error means that the device is gone or has restarted, not that it can't do what it is to do."""
    return isinstance(error, LinkError | Restarted) or (isinstance(error, Refused) and error.code == Code.INPUT)


def check_same(before: DeviceInfo, after: DeviceInfo, where: str) -> None:
    """Raise DeviceError, naming what differs, if a device that is back is not the one that was lost."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in IDENTITY}
    wrong = [f"{name} {old} before, {new} now" for name, (old, new) in pairs.items() if old != new]
    if wrong:
        raise DeviceError(
            f"{where}: another device is there now ({'; '.join(wrong)[:300]}); connect the first one again"
        )
