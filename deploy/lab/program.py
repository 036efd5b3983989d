"""A process of its own that talks to a lab's coordinator for a run, so that gRPC's threads are not in the run's.

    program.py hold    reads a request on standard input, and holds a place until standard input ends
    program.py look    says what the coordinator knows
    program.py release gives back a place that the request's owner has taken

Standard input is a pipe of the run: it ends however the run ends, by any signal too. A place is tied to no connection
in labgrid and would stay taken forever. Each line of standard output is a deploy.lab.facts.Said as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from deploy.lab.address import LabAddress
from deploy.lab.coordinator import Coordinator
from deploy.lab.facts import Holding, Said
from deploy.lab.owner import own_name
from deploy.lab.situation import candidates, holding_of
from deploy.lab.tunnel import grpc_target
from deploy.lab.waiting import Queue
from errors import Error, LinkError
from fields import Source, load_json
from fields.dataclass_json import from_json, to_json


@dataclass(frozen=True)
class Request:
    """What the run wants. `place` and `owner` are for `release`; `accept_new` is for a coordinator behind SSH."""

    address: LabAddress
    accept_new: bool = False
    place: str = ""
    owner: str = ""


class _RunEnded(Exception):
    """Standard input has ended while the place was waited for."""


class Program:
    """One request; `source` is what the run's end is seen by."""

    def __init__(self, request: Request, source: BinaryIO):
        self._request, self._source = request, source
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._said: Said | None = None

    def hold(self) -> None:
        """Hold a place until the run ends. Raises LinkError."""
        threading.Thread(target=self._watch_input, daemon=True).start()
        address = self._request.address
        with ExitStack() as stack:
            target = stack.enter_context(grpc_target(address.coordinator, self._request.accept_new))
            session = stack.enter_context(Coordinator(target, address.coordinator, own_name()))
            queue = Queue(session, address, self._pause, lambda text: self._say(Said(waits=text)), self._note)
            holding = stack.enter_context(queue.holding())
            self._say(Said(holding=holding))
            threading.Thread(target=self._watch_place, args=(session, holding), daemon=True).start()
            self._ended.wait()

    def look(self) -> None:
        """Say what the coordinator knows, or why the place that is wanted can't be had. Raises LinkError."""
        address = self._request.address
        with (
            grpc_target(address.coordinator, self._request.accept_new) as target,
            Coordinator(target, address.coordinator, own_name()) as session,
        ):
            lab = session.lab()
        if address.place or address.tags:
            candidates(lab, address)
        self._say(Said(lab=lab))

    def release(self) -> None:
        """Give back a place that another program has taken and left. Raises LinkError."""
        address, request = self._request.address, self._request
        with (
            grpc_target(address.coordinator) as target,
            Coordinator(target, address.coordinator, own_name()) as session,
        ):
            session.release(request.place, request.owner)

    def _watch_input(self) -> None:
        while os.read(self._source.fileno(), 1 << 10):
            pass
        self._ended.set()

    def _watch_place(self, session: Coordinator, holding: Holding) -> None:
        """Say when another run takes the place, and when its resources change, as after a restart of its exporter."""
        last: Holding | None = holding
        while last is not None:
            try:
                last = self._next(session, last)
            except LinkError as e:
                self._lose(f"{e}; it may give place {holding.place} to another now")
                return
            if last is not None:
                self._say(Said(holding=last))
        owners = {place.name: place.owner for place in session.lab().places}
        taker = f" by {owner}" if (owner := owners.get(holding.place)) else ""
        self._lose(f"place {holding.place} was taken from us{taker}; ask who works there")

    @staticmethod
    def _next(session: Coordinator, last: Holding) -> Holding | None:
        """Wait until a place is another's (None), or has other resources. Raises LinkError if the session is lost."""

        def now() -> Holding | None:
            lab = session.lab()
            is_ours = any(place.name == last.place and place.owner == session.owner for place in lab.places)
            return holding_of(lab, last.place, session.owner) if is_ours else None

        session.wait(lambda: now() != last, None)
        return now()

    def _lose(self, why: str) -> None:
        if not self._ended.is_set():
            self._say(Said(lost=why))

    def _note(self, text: str) -> None:
        self._say(Said(note=text))

    def _say(self, said: Said) -> None:
        with self._lock:
            if said != self._said:
                print(json.dumps(to_json(said)), flush=True)
            self._said = said

    def _pause(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise _RunEnded


def main(arguments: list[str]) -> int:
    """Do what the first argument says with the request on the first line of standard input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are the run's, which ends the input
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    source = sys.stdin.buffer
    text = source.readline()
    request = from_json(Request, load_json(text, Source("request", Error)).values, Source("request", Error))
    program = Program(request, source)
    try:
        {"hold": program.hold, "look": program.look, "release": program.release}[arguments[0]]()
    except (_RunEnded, BrokenPipeError, SystemExit):
        return 0
    except Error as e:
        print(json.dumps(to_json(Said(error=str(e)))), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # gRPC's and paramiko's threads may not end by themselves
