"""How a run gets its place: at once, or by waiting in the coordinator's queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from deploy.lab.address import LabAddress
from deploy.lab.coordinator import Coordinator
from deploy.lab.facts import LINE, Holding, Lab, Place
from deploy.lab.owner import is_gone
from deploy.lab.situation import candidates, holding_of, release_step, taken_resources, taken_text, why_dead
from errors import LinkError

WAITING, ALLOCATED = 0, 1
"""States of a reservation, by labgrid's numbers."""
POLL_S = 1.0
"""A reservation that is not polled for a minute ends."""
PORT_S = 20.0
"""How long ser2net may take until it has its port."""
Say = Callable[[str], None]


class Queue:
    """Gets a place for an address. `pause` waits some seconds and raises if the run has ended meanwhile.

    `waits` is called with what is waited for, `note` with what a person should know.
    """

    def __init__(
        self, session: Coordinator, address: LabAddress, pause: Callable[[float], None], waits: Say, note: Say
    ):
        self._session, self._address = session, address
        self._pause, self._waits, self._note = pause, waits, note
        self._tokens: list[str] = []

    @contextmanager
    def holding(self) -> Iterator[Holding]:
        """Take a place, and give it back in the end.

        Raises LinkError if there is none, if nothing exports what it has, or if it is taken for longer than the
        address allows.
        """
        try:
            place = self._get()
            try:
                yield held(self._session, place)
            finally:
                with suppress(LinkError):
                    self._session.release(place)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Leave the queue: a reservation does not end with the place that it got, and would keep it for a minute."""
        while self._tokens:
            with suppress(LinkError):
                self._session.cancel(self._tokens.pop())

    def candidates(self) -> list[Place]:
        """Return the places that would do. Raises LinkError if there is none: the coordinator would wait forever."""
        return candidates(self._session.lab(), self._address)

    def _get(self) -> str:
        address = self._address
        self._release_dead_owners()
        self._expect_exported(self.candidates())
        if address.place and not address.wait_s:
            return self._acquire(address.place)
        limit = time.monotonic() + (address.wait_s or 0.0)
        tags = address.tags or (("name", address.place),)
        self._tokens.append(self._session.reserve(tags))
        while True:
            states = [self._session.poll(token) for token in self._tokens]
            state, place = states[-1]
            if state == ALLOCATED and not self._is_dead(place):
                return self._acquire(place)
            if state == ALLOCATED:
                self._note(f"passes over place {place}: {self._why_dead(place)}")
                self._tokens.append(self._session.reserve(tags))  # the other one keeps the dead place out of the way
                continue
            if state != WAITING:
                raise LinkError(f"the reservation of {address.wanted} ended (state {state}); run again")
            self._release_dead_owners()
            self._expect_exported(self.candidates())
            if time.monotonic() >= limit:
                raise LinkError(
                    f"no free place in {address.wait_s or 0:g} s for {address.wanted}: {self._situation()}; "
                    "wait longer with --give-up-after or ?wait=SECONDS"
                )
            self._waits(f"waits for {address.wanted}: {self._situation()}")
            self._pause(POLL_S)

    def _acquire(self, name: str) -> str:
        lab = self._session.lab()
        place = next(place for place in lab.places if place.name == name)
        if place.owner:
            raise LinkError(f"{taken_text(place)}; {release_step(place)}, or wait for it with ?wait=SECONDS")
        others = self._session.owners_of_reservations()
        if place.reservation and place.reservation not in self._tokens:
            raise LinkError(
                f"place {name} is reserved by {others.get(place.reservation, 'another')}; wait with ?wait=SECONDS"
            )
        for other in lab.shared_with(place):
            self._note(f"place {name} and place {other} have the same board: labgrid would lend both at a time")
        try:
            self._session.acquire(name)
        except BaseException:
            with suppress(LinkError):  # it may be taken, though the answer did not come
                self._session.release(name)
            raise
        self._leave()  # now, since the coordinator looks at a place again 15 s after a reservation of it has ended
        return name

    def _expect_exported(self, places: list[Place]) -> None:
        if all(self._is_dead(place.name) for place in places):
            raise LinkError(f"place {places[0].name}: {self._why_dead(places[0].name)}")

    def _is_dead(self, name: str) -> bool:
        return bool(self._why_dead(name))

    def _why_dead(self, name: str) -> str:
        lab = self._session.lab()
        place = next((place for place in lab.places if place.name == name), None)
        return "it was deleted" if place is None else why_dead(lab, place)

    def _release_dead_owners(self) -> None:
        """Give back what runs of this user have taken here that ended without doing so."""
        for place in self.candidates():
            if place.owner and is_gone(place.owner):
                self._session.release(place.name, place.owner)
                self._note(f"place {place.name} was still taken by {place.owner}, which has ended: given back")

    def _situation(self) -> str:
        lab, owners = self._session.lab(), self._session.owners_of_reservations()
        own = {token for token, owner in owners.items() if owner == self._session.owner}
        texts = []
        for place in self.candidates():
            if dead := why_dead(lab, place):
                texts.append(f"{place.name}: {dead.partition(';')[0]}")
            elif place.owner:
                texts.append(taken_text(place).removeprefix("place "))
            elif place.reservation and place.reservation not in own:
                texts.append(f"{place.name} is reserved by {owners.get(place.reservation, 'another')}")
        return ", ".join(texts) or "others are before it in the queue"


def held(session: Coordinator, name: str) -> Holding:
    """Return what a place has that this session has taken, once its ports are known. Raises LinkError."""
    session.wait(lambda: _is_ready(session.lab(), name), PORT_S)
    holding = holding_of(session.lab(), name, session.owner)
    if not holding.resources:  # the coordinator gives a place without them
        raise LinkError(f"place {name}: nothing of it is exported any more; see whether its exporter runs")
    return holding


def _is_ready(lab: Lab, name: str) -> bool:
    place = next((place for place in lab.places if place.name == name), Place(name))
    return all(resource.port is not None for resource in taken_resources(lab, place) if resource.cls == LINE)
