"""A place of a lab that is held for a whole run: taken, watched, and given back however the run ends."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import IO

import process
from artifact import ROOT
from deploy.lab.address import LabAddress, named
from deploy.lab.facts import Holding, Lab, Resource, Said
from deploy.lab.lines import line_of, probe_of, uri_of
from errors import Error, LinkError
from fields import Json, Source, load_json
from fields.dataclass_json import from_json, to_json
from target import Target

PROGRAM = "deploy.lab.program"
END_S = 15.0
"""How long giving a place back may take: ser2net takes two seconds to end."""
LOOK_S = 60.0
Say = Callable[[str], None]
SOURCE = Source("the program that holds the place", LinkError, "run again")


class PlaceLost(Error):
    """Another run has the place now. Its line may carry the other run's traffic, so this run ends and does not wait."""


class Held:
    """A place that a process of its own holds for this one. `hold` makes it.

    `target` is the board that is meant to be there.
    """

    def __init__(self, address: LabAddress, target: Target, accept_new: bool = False):
        self.address, self.target = address, target
        self._lost = ""
        self._holding: Holding | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (close does it)
        request = {"address": to_json(address), "accept_new": accept_new}
        self._program = _start("hold", request, self._errors)

    def wait(self, waits: Say, note: Say) -> None:
        """Return when the place is held; `waits` is called with what is waited for. Raises LinkError if it is not."""
        for said in self._lines():
            if said.waits:
                waits(said.waits)
            if said.note:
                note(said.note)
            if said.error:
                raise LinkError(f"--link {self.address.uri}: {said.error}")
            if said.holding:
                self._holding = said.holding
                threading.Thread(target=self._listen, daemon=True).start()
                return
        raise LinkError(f"--link {self.address.uri}: {self._why_ended()}")

    @property
    def holding(self) -> Holding:
        """The place, and what it has now."""
        assert self._holding is not None
        return self._holding

    @property
    def link(self) -> str:
        """The URI of this very place, whatever was asked for: what caches and journals have as their key."""
        return named(self.holding.coordinator, self.holding.place)

    @property
    def line(self) -> Resource:
        """The line of the board. Raises LinkError if there is none, as when its exporter is gone."""
        return line_of(self.holding, self.target, self.address.resource)

    @property
    def uri(self) -> str:
        """The URI of the line as it is now: ser2net has another port after each start. Raises LinkError as `line`."""
        return uri_of(self.line, self.target, self.holding.coordinator)

    @property
    def probe(self) -> Resource | None:
        """The board's debug probe on the exporter's host, None if there is none."""
        return probe_of(self.holding)

    def check(self) -> None:
        """Raise PlaceLost if another run has the place now."""
        if not self._lost and self._program.poll() is not None:
            self._lost = self._why_ended()
        if self._lost:
            raise PlaceLost(f"{self.link}: {self._lost}")

    def close(self) -> None:
        """Give the place back. Never raises."""
        assert self._program.stdin is not None
        if self._program.stdin.closed:
            return
        with suppress(OSError):
            self._program.stdin.close()
        was_killed = self._program.poll() is not None
        process.stop(self._program, END_S)
        if was_killed and self._holding:  # nobody else will give the place back
            with suppress(Error):
                release(self.address, self._holding.place, self._holding.owner)
        if self._program.stdout and not self._holding:  # else the thread that listens reads to its end
            self._program.stdout.close()
        self._errors.close()

    def _lines(self) -> Iterator[Said]:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            yield said_of(line)

    def _listen(self) -> None:
        with suppress(LinkError, ValueError, OSError):  # its end is seen by check()
            for said in self._lines():
                self._holding = said.holding or self._holding
                self._lost = said.lost or self._lost
        with suppress(OSError):
            if self._program.stdout:
                self._program.stdout.close()

    def _why_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._program.wait(END_S)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        ending = process.ending(code) if (code := self._program.poll()) is not None else "it hangs"
        return f"the program that holds the place ended ({lines[-1][:200] if lines else ending}); run again"


@contextmanager
def hold(
    address: LabAddress, target: Target, give_up_s: float, waits: Say, note: Say, accept_new: bool = False
) -> Iterator[Held]:
    """Yield a place of the lab, held until the body ends.

    One of several with the same tags is waited for as long as `give_up_s`, unless the address says how long.
    Raises LinkError if the lab is not reached, or has no such place, or none is free in time.
    """
    if address.wait_s is None and address.tags:
        address = replace(address, wait_s=give_up_s)
    held = Held(address, target, accept_new)
    try:
        held.wait(waits, note)
        held.line  # noqa: B018 (before anything else: a place without a line is an error of its own)
        for text in probe_notes(held):
            note(text)
        yield held
    finally:
        held.close()


def probe_notes(held: Held) -> list[str]:
    """Return what a person should know of a place's probe."""
    if held.target.kind == "mcu" and held.target.measured_on == "hardware" and held.probe is None:
        return [f"place {held.holding.place} has no debug probe: its board is measured with what it was flashed with"]
    return []


def look(address: LabAddress, accept_new: bool = False) -> Lab:
    """Return what a lab has. Raises LinkError if it is not reached, or has no place that the address means."""
    return _ask("look", address, {"accept_new": accept_new}).lab or Lab(address.coordinator)


def release(address: LabAddress, place: str, owner: str) -> None:
    """Give back a place that `owner` has taken; does nothing if another has it. Raises LinkError."""
    _ask("release", address, {"place": place, "owner": owner})


def said_of(line: bytes) -> Said:
    """Return what a line of the program says. Raises LinkError if it is not one."""
    return from_json(Said, load_json(line, SOURCE).values, SOURCE)


def _ask(what: str, address: LabAddress, more: dict[str, Json]) -> Said:
    """Run the program to its end, and return the last that it said."""
    finished = process.run(
        [sys.executable, "-m", PROGRAM, what], error=LinkError, timeout_s=LOOK_S, check=False, folder=ROOT,
        name=f"coordinator {address.coordinator}", stdin=_line({"address": to_json(address), **more}),
    )  # fmt: skip
    said = [said_of(line.encode()) for line in finished.stdout.splitlines()]
    if said and said[-1].error:
        raise LinkError(said[-1].error)
    if finished.exit_code:
        raise LinkError(f"coordinator {address.coordinator}: {finished.last_line()}; run again")
    return said[-1] if said else Said()


def _start(what: str, request: dict[str, Json], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the program. It outlives this process by the moment in which it gives the place back."""
    program = process.start(
        [sys.executable, "-m", PROGRAM, what], error=LinkError, folder=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=errors, outlives_us=True,
    )  # fmt: skip
    assert program.stdin is not None
    program.stdin.write(_line(request))
    return program


def _line(request: dict[str, Json]) -> bytes:
    return json.dumps(request).encode() + b"\n"
