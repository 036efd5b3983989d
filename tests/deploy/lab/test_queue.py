"""How a place is waited for, held and given back, against a coordinator in this process without gRPC."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import target
from deploy.lab import owner, places
from deploy.lab.address import parse
from deploy.lab.facts import LINE, Lab, Match, Place, Resource
from deploy.lab.waiting import Queue
from errors import LinkError

pytestmark = pytest.mark.usefixtures("no_lab")
HOST_FW, RPI4 = target.load("host-fw"), target.load("rpi4")
OTHER = "desk/eve"
SINCE = 1_790_000_000.0


def place(name: str, tag: str = "a", **more: Any) -> Place:
    return Place(name, (("board", tag),), (Match("lab", name, "*"),), **more)


class Session:
    """A coordinator with places; `rules` change what it has before each look at it."""

    def __init__(self, *there: Place, dead: tuple[str, ...] = ()):
        self.owner = "here/me+1"
        self.places = {one.name: one for one in there}
        self.dead = dead
        self.tokens: dict[str, tuple[dict[str, str], str]] = {}
        self.did: list[str] = []

    def lab(self) -> Lab:
        there = [Resource("lab", n, "line", LINE, host=n, port=1) for n in self.places if n not in self.dead]
        return Lab("lab:1", tuple(self.places.values()), tuple(there))

    def wait(self, is_so: Callable[[], bool], timeout_s: float | None) -> None:
        assert is_so()

    def sync(self) -> None:
        pass

    def acquire(self, name: str) -> None:
        self.did.append(f"acquire {name}")
        assert not self.places[name].owner
        path = () if name in self.dead else (f"lab/{name}/{LINE}/line",)
        self.places[name] = replace(self.places[name], owner=self.owner, taken=path)

    def release(self, name: str, who: str = "") -> None:
        self.did.append(f"release {name}")
        if self.places[name].owner == (who or self.owner):
            self.places[name] = replace(self.places[name], owner="", taken=())

    def reserve(self, tags: tuple[tuple[str, str], ...]) -> str:
        token = f"T{len(self.tokens)}"
        self.tokens[token] = dict(tags), ""
        return token

    def poll(self, token: str) -> tuple[int, str]:
        tags, got = self.tokens[token]
        for one in self.places.values():
            if not got and one.has(tuple(tags.items())) and not one.owner and not one.reservation:
                got = one.name
                self.tokens[token] = tags, got
                self.places[got] = replace(one, reservation=token)
        return (1, got) if got else (0, "")

    def cancel(self, token: str) -> None:
        self.did.append(f"cancel {token}")
        _, got = self.tokens.pop(token)
        if got:
            self.places[got] = replace(self.places[got], reservation="")

    def owners_of_reservations(self) -> dict[str, str]:
        return {token: self.owner for token in self.tokens} | {"X": OTHER}


class Run:
    """What a run does with a session: `pauses` are called in turn while it waits."""

    def __init__(self, session: Session, uri: str, wait_s: float | None = None, *pauses: Callable[[], object]):
        self.said: list[str] = []
        self.notes: list[str] = []
        self._pauses = [*pauses]
        wanted = replace(parse(uri), wait_s=wait_s)
        one: Any = session
        self.queue = Queue(one, wanted, self._pause, self.said.append, self.notes.append)

    def _pause(self, seconds: float) -> None:
        self._pauses.pop(0)()


def test_a_free_place_is_taken_and_given_back() -> None:
    session = Session(place("p"))
    with Run(session, "labgrid://p").queue.holding() as holding:
        assert holding.resources[0].path == f"lab/p/{LINE}/line"
    assert session.did == ["acquire p", "release p"]


def test_an_error_gives_it_back_and_leaves_the_queue() -> None:
    session = Session(place("p"))
    with pytest.raises(ZeroDivisionError), Run(session, "labgrid://?board=a", 0).queue.holding():
        raise ZeroDivisionError
    assert session.did == ["acquire p", "cancel T0", "release p"]  # in this order the next one gets it at once


@pytest.mark.parametrize(
    ("session", "uri", "message"),
    [
        (Session(place("desk-1")), "labgrid://desk-2", r"no place desk-2; did you mean desk-1\?"),
        (Session(), "labgrid://desk-2", "no place desk-2; there is none"),
        (Session(place("p")), "labgrid://?board=b", "no place with board=b; places have board=a"),
        (
            Session(place("p"), dead=("p",)),
            "labgrid://p",
            r"place p: nothing exports lab/p/\*; see whether its",
        ),
        (Session(place("p"), dead=("p",)), "labgrid://?board=a", r"place p: nothing exports lab/p/\*"),
        (Session(Place("p")), "labgrid://p", "it has no resources; add them with: labgrid-client -p p add-match"),
        (
            Session(place("p", owner=OTHER, since=SINCE)),
            "labgrid://p",
            r"place p is taken by desk/eve since 2026-09-.* release-from desk/eve, or wait for it with \?wait=SECONDS",
        ),
        (Session(place("p", reservation="X")), "labgrid://p", "place p is reserved by desk/eve; wait with"),
        (
            Session(place("p", owner=OTHER, since=SINCE), place("q", reservation="X")),
            "labgrid://?board=a",
            "no free place in 0 s for a place with board=a: p is taken by desk/eve since .*, q is reserved by desk/eve"
            "; wait longer with --give-up-after",
        ),
    ],
)
def test_a_place_that_can_t_be_had_is_one_line(session: Session, uri: str, message: str) -> None:
    before = dict(session.places)
    with pytest.raises(LinkError, match=message) as error, Run(session, uri, 0 if "?" in uri else None).queue.holding():
        pass
    assert "\n" not in str(error.value)
    assert session.places == before
    assert not session.tokens


def test_a_place_that_is_taken_is_waited_for() -> None:
    session = Session(place("p", owner=OTHER, since=SINCE))
    run = Run(session, "labgrid://p", 1e6, lambda: session.release("p", OTHER))
    with run.queue.holding() as holding:
        assert holding.place == "p"
    assert run.said[0].startswith("waits for place p: p is taken by desk/eve since 2026-09-")
    assert not session.tokens


def test_a_run_that_ends_while_it_waits_leaves_the_queue() -> None:
    session = Session(place("p", owner=OTHER))

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Run(session, "labgrid://?board=a", 1e6, end).queue.holding():
        pass
    assert not session.tokens


def test_a_place_without_its_exporter_is_passed_over() -> None:
    session = Session(place("p"), place("q"), dead=("p",))
    run = Run(session, "labgrid://?board=a", 0)
    with run.queue.holding() as holding:
        assert holding.place == "q"
    assert run.notes == ["passes over place p: nothing exports lab/p/*; see whether its exporter runs"]
    assert not session.tokens


def test_a_place_whose_answer_did_not_come_is_given_back() -> None:
    session = Session(place("p"))
    real = session.acquire

    def acquire(name: str) -> None:
        real(name)
        raise LinkError("no answer")

    session.acquire = acquire  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="no answer"), Run(session, "labgrid://?board=a", 0).queue.holding():
        pass
    assert session.places["p"].owner == ""
    assert not session.tokens


def test_what_a_run_of_this_user_left_taken_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    left = f"{owner.person()}+{os.getpid()}.1"  # this number, but not this process
    monkeypatch.setattr(owner, "_space", lambda: "")
    session = Session(place("p", owner=left))
    run = Run(session, "labgrid://p")
    with run.queue.holding():
        assert run.notes == [f"place p was still taken by {left}, which has ended: given back"]


def test_a_place_whose_resources_went_while_it_was_taken_is_not_used() -> None:
    session = Session(place("p"))
    real = session.acquire

    def acquire(name: str) -> None:
        session.dead = ("p",)
        real(name)  # labgrid gives it without anything

    session.acquire = acquire  # type: ignore[method-assign]
    with (
        pytest.raises(LinkError, match="nothing of it is exported any more"),
        Run(session, "labgrid://p").queue.holding(),
    ):
        pass
    assert session.did[-1] == "release p"


def test_two_places_of_one_board_are_noticed() -> None:
    there = tuple(Resource("lab", name, "line", LINE, port=1, proxy="h", device="/dev/ttyACM0") for name in ("p", "q"))
    lab = Lab("lab:1", (place("p"), place("q"), place("r")), there)
    assert lab.shared_with(lab.places[0]) == ["q"]
    row = places._row(lab, lab.places[0])
    assert (row.state, row.step.partition(":")[0]) == (
        "free, the same board as q",
        "let one place have all that a board has",
    )


def test_rows_say_what_keeps_a_place_from_being_used() -> None:
    session = Session(place("p", owner=OTHER, since=SINCE), place("q"), place("r", reservation="X"), dead=("q",))
    rows = [places._row(session.lab(), one) for one in session.places.values()]
    assert rows[0].state.startswith("taken by desk/eve since 2026-09")
    assert rows[1].state == "nothing exports lab/q/*"
    assert rows[1].step == "see whether its exporter runs"
    assert rows[2].state == "reserved"
