"""The link within a held place, the session over it, and what a request means by a lab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import target
from artifact import Artifact, ImageFacts
from benchmarks import many
from deploy import bench_file
from deploy.device import device_for
from deploy.lab import held as labs
from deploy.lab.facts import LINE, Holding, Lab, Match, Place, Resource
from deploy.lab.held import Held, PlaceLost
from deploy.links import held as held_links
from deploy.links.held import HeldLink
from deploy.session import Session
from errors import ConfigError, LinkError
from measure.connection import is_loss
from pipeline import lab
from pipeline.request import Request
from tests.deploy.fake import FakeLink

HOST_FW, PICO = target.load("host-fw"), target.load("pico-uart")
URI = "labgrid://desk-1"


class Place1:
    """A held place whose line may move and which may be lost."""

    target = HOST_FW
    probe = None
    uri = "tcp://desk:1"
    lost = False

    def __init__(self) -> None:
        self.holding = Holding("desk-1", "lab:1", "me")

    def check(self) -> None:
        if self.lost:
            raise PlaceLost("desk-1: taken")


def test_a_link_ends_with_its_place_and_moves_with_its_line() -> None:
    place: Any = Place1()
    made: list[str] = []

    def make(uri: str) -> FakeLink:
        made.append(uri)
        return FakeLink()

    link = HeldLink(place, make)
    link.open()
    link.open()
    assert link.name == "desk-1 (fake:)"
    place.uri = "tcp://desk:2"  # ser2net was started again
    link.close()
    link.open()
    assert made == ["tcp://desk:1", "tcp://desk:2"]
    link.write(b"x")
    place.lost = True
    for body in (link.open, lambda: link.write(b"x"), lambda: link.read(0)):
        with pytest.raises(PlaceLost) as error:
            body()
        assert not is_loss(error.value)  # what comes back is another's
    link.close()


def test_a_device_in_a_place_has_its_line(tmp_path: Path) -> None:
    image = Artifact(tmp_path, "firmware", "tiny", "00", ImageFacts("ab", {}))
    place: Any = Place1()
    device = device_for(HOST_FW, image, "labgrid://desk-1?coordinator=lab:1", held=place)
    link = device.flash()
    assert isinstance(link, held_links.HeldLink)
    assert link.inner.name == "tcp://desk:1"


def test_the_link_of_a_place_names_it_whatever_was_asked_for() -> None:
    held = Held.__new__(Held)
    held._holding = Holding("desk-1", "lab:1", "me")
    assert held.link == "labgrid://desk-1?coordinator=lab:1"


# What a request means


def test_a_match_and_a_bench_file_are_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text('[pico-uart]\nlink = "labgrid://?board=pico"\n[host-fw]\nlink = "tcp://desk:1"\n')
    monkeypatch.setattr(bench_file, "BENCH", bench)
    assert lab.with_link(Request(), PICO).link == "labgrid://?board=pico"
    assert lab.with_link(Request(link="tcp://a:1"), PICO).link == "tcp://a:1"
    assert lab.with_link(Request(), HOST_FW).link is None
    assert lab.with_link(Request(place_match="b={target}"), HOST_FW).link == "labgrid://?b=host_fw"
    with pytest.raises(ConfigError, match="--place-match b=c: stands for a link, and there is --link; leave one out"):
        lab.with_link(Request(place_match="b=c", link="tcp://a:1"), PICO)
    address = lab.address_of(Request(link=URI, coordinator="lab:7"))
    assert address is not None
    assert address.coordinator == "lab:7"


def places(*owners: str) -> Lab:
    match = (Match("lab", "*", "*"),)
    names = [f"desk-{number}" for number in range(1, len(owners) + 1)]
    there = tuple(Place(name, (("board", "a"),), match, one, 1.0) for name, one in zip(names, owners, strict=True))
    return Lab("lab:1", there, (Resource("lab", "x", "line", LINE, host="h", port=1),))


def test_several_places_are_different_ones_and_free_ones_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labs, "look", lambda *a: places("eve", "", ""))
    request = Request(target="host-fw", place_match="board=a", coordinator="lab:1", give_up_after=9.0)
    assert lab.units(request) == [many.Unit("host-fw", "labgrid://?board=a", "host-fw")]
    units = lab.units(replace(request, places=3))
    assert [unit.name for unit in units] == ["host-fw@desk-2", "host-fw@desk-3", "host-fw@desk-1"]
    assert units[0].link == "labgrid://desk-2?coordinator=lab:1&wait=9"
    with pytest.raises(LinkError, match="--places 4: 3 can be used with board=a; give --places 3"):
        lab.units(replace(request, places=4))
    with pytest.raises(ConfigError, match="--places 2: says how many of --place-match"):
        lab.units(Request(places=2))


def test_a_place_that_can_t_be_had_is_noticed_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(link: str, now: Lab) -> None:
        monkeypatch.setattr(labs, "look", lambda *a: now)
        request = Request(link=link, coordinator="lab:1")
        address = lab.address_of(request)
        assert address is not None
        lab.check(address, request)

    check(URI, places(""))
    check(f"{URI}?wait=5", places("eve"))
    check("labgrid://?board=a", places("eve"))
    with pytest.raises(LinkError, match=r"labgrid://desk-1: place desk-1 is taken by eve since .*\?wait=SECONDS"):
        check(URI, places("eve"))
    with pytest.raises(LinkError, match=r"place desk-1: nothing exports lab/\*/\*; see whether its exporter runs"):
        check(URI, replace(places(""), resources=()))


def test_a_report_is_kept_under_the_name_of_the_place() -> None:
    place: Any = Place1()
    assert lab.named_after(Request(), HOST_FW, None) == "host-fw"
    assert lab.named_after(Request(), HOST_FW, place) == "host-fw@desk-1"
    assert lab.named_after(Request(unit="kitchen"), HOST_FW, place) == "kitchen"
    place.holding = Holding("a/b c", "lab:1", "me")
    assert lab.named_after(Request(), HOST_FW, place) == "host-fw@a_b_c"


def test_a_session_ends_when_its_place_is_lost() -> None:
    place: Any = Place1()
    link = HeldLink(place, lambda uri: FakeLink())
    with Session(link) as session:
        assert session.info.board == "fake"
        place.lost = True
        with pytest.raises(PlaceLost, match="desk-1: taken"):
            session.stats()
