"""How a place is named, and what line of it is a link."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

import target
from deploy.lab import address, lines, owner
from deploy.lab.address import COORDINATOR, DEFAULT_COORDINATOR, named, of_match, parse
from deploy.lab.facts import LINE, SSH, Holding, Resource, Said
from deploy.lab.held import said_of
from errors import LinkError
from fields.dataclass_json import to_json

pytestmark = pytest.mark.usefixtures("no_lab")
HOST_FW, RPI4 = target.load("host-fw"), target.load("rpi4")
OTHER = "desk/eve"
SINCE = 1_790_000_000.0


# Addresses


def test_a_place_is_named_or_has_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    one = parse("labgrid://Desk-1?resource=uart0&wait=90")  # upper case stays
    assert (one.place, one.tags, one.resource, one.wait_s) == ("Desk-1", (), "uart0", 90.0)
    assert one.coordinator == DEFAULT_COORDINATOR
    monkeypatch.setenv(COORDINATOR, "lab")
    assert parse("labgrid://?board=stm32f4&site=berlin").tags == (("board", "stm32f4"), ("site", "berlin"))
    assert parse("labgrid://a").coordinator == "lab:20408"
    assert parse("labgrid://a", "other:1").coordinator == "other:1"
    assert parse("labgrid://a?coordinator=[::1]:9", "other:1").coordinator == "[::1]:9"
    assert parse("labgrid://a?coordinator=ssh://me@lab:2222/9").coordinator == "ssh://me@lab:2222/9"
    assert address.ssh_parts("ssh://me@lab:2222/9") == ("ssh://me@lab:2222", 9)
    assert address.ssh_parts("ssh://lab") == ("ssh://lab", 20408)
    again = parse(named("ssh://me@lab:2222/9", "a b/c"))
    assert (again.place, again.coordinator) == ("a b/c", "ssh://me@lab:2222/9")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("labgrid://", "expected the name of a place or tags, as in labgrid://PLACE"),
        ("labgrid://a?board=b", "expected the name of a place or tags"),
        ("labgrid://a/b", "expected the name of a place or tags"),
        ("labgrid://?board", "not a URI"),
        ("labgrid://?board=", "board= can't be a tag"),
        ("labgrid://?Board=b", "Board=b can't be a tag"),
        ("labgrid://?board=b&board=c", "board is given twice"),
        ("labgrid://a?wait=soon", "wait is seconds from 0 to 1000000, got soon"),
        ("labgrid://a?wait=nan", "wait is seconds"),
        ("labgrid://a?coordinator=a/b", r"coordinator a/b: expected HOST\[:PORT\]"),
        ("labgrid://a?coordinator=lab:99999", "coordinator lab:99999: expected"),
        ("labgrid://a?coordinator=ssh://lab/x", "expected ssh://"),
    ],
)
def test_each_mistake_in_an_address_is_one_line(uri: str, message: str) -> None:
    with pytest.raises(LinkError, match=message) as error:
        parse(uri)
    assert "\n" not in str(error.value)


def test_a_match_becomes_tags() -> None:
    assert of_match("board={target}, site=berlin", "nucleo-f446re") == "labgrid://?board=nucleo_f446re&site=berlin"
    for wrong in ("board", "board=", "wait=3", "a=b,,c=d"):
        with pytest.raises(LinkError, match="--place-match"):
            of_match(wrong, "pico")


# Owners


def test_only_a_process_of_this_user_here_is_known_to_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = owner.own_name()
    assert mine.count("/") == 1  # with two, labgrid-client ends in a traceback for everybody
    assert f"+{os.getpid()}" in mine
    assert not owner.is_gone(mine)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    person = owner.person()
    space = mine.removeprefix(f"{person}+{os.getpid()}.").partition(".")[2]
    end = ".1" + (f".{space}" if space else "")
    dead = f"{person}+{child.pid}{end}"
    assert owner.is_gone(dead)
    assert owner.is_gone(f"{person}+{os.getpid()}{end}")  # the number is another process's now
    assert not owner.is_gone(f"{dead}.7" if not space else f"{dead[: -len(space)]}7")  # of another container
    assert not owner.is_gone(f"other-{dead}")
    assert not owner.is_gone(person)  # labgrid's own client
    monkeypatch.setenv("LG_USERNAME", "a/b")
    with pytest.raises(LinkError, match="LG_USERNAME 'a/b': expected a name without spaces"):
        owner.own_name()


# Lines


def resource(name: str = "NetworkSerialPort", cls: str = LINE, **more: Any) -> Resource:
    usual = {"host": "desk", "port": 5000, "protocol": "raw", "proxy": "desk.example"}
    return Resource("lab", "board", name, cls, **{**usual, **more})


@pytest.mark.parametrize(
    ("one", "coordinator", "uri"),
    [
        (resource(), "lab:1", "tcp://desk:5000"),
        (resource(host="fe80::1"), "lab:1", "tcp://[fe80::1]:5000"),
        (resource(protocol="rfc2217", speed=115200), "lab:1", "rfc2217://desk:5000?baud=921600"),
        (resource(is_isolated=True), "lab:1", "tcp://desk:5000?via=desk.example"),
        (resource(is_isolated=True, proxy="localhost"), "127.0.0.1:1", "tcp://desk:5000?via=localhost"),
        (resource(host="127.0.0.1"), "ssh://me@lab:22/1", "tcp://127.0.0.1:5000?via=me@lab:22"),
        (resource(protocol="rfc2217", is_isolated=True), "lab:1", "rfc2217://desk:5000?baud=921600&via=desk.example"),
        (resource(cls=SSH, user="pi", port=None), "lab:1", "ssh://pi@desk:22"),
        (resource(cls=SSH, user="pi", is_isolated=True), "lab:1", "ssh://pi@desk:5000?via=desk.example"),
    ],
)
def test_what_an_exporter_says_becomes_a_link(one: Resource, coordinator: str, uri: str) -> None:
    assert lines.uri_of(one, HOST_FW, coordinator) == uri


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (resource(port=None), "it has no port"),
        (resource(host=""), "it has no host"),
        (resource(protocol="telnet"), "its protocol is telnet, expected raw or rfc2217"),
        (
            resource(host="localhost"),
            "its host is localhost, which would be this machine; start .* --hostname",
        ),
        (resource(is_isolated=True, proxy="localhost"), "says that its host is localhost"),
        (resource(is_isolated=True, proxy=""), "does not say behind which host"),
    ],
)
def test_an_exporter_that_says_what_can_t_be_is_one_line(one: Resource, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        lines.uri_of(one, HOST_FW, "lab:1")


def test_the_line_suits_the_target() -> None:
    serial, ssh, probe = (
        resource("uart0"),
        resource("ssh", SSH),
        resource("probe", "NetworkUSBDebugger", usb_path="1-2"),
    )
    holding = Holding("p", "lab:1", "me", (serial, ssh, probe))
    assert lines.line_of(holding, HOST_FW) == serial
    assert lines.line_of(holding, RPI4) == ssh
    assert lines.probe_of(holding) == probe
    two = replace(holding, resources=(serial, resource("uart1")))
    assert lines.line_of(two, HOST_FW, "uart1").name == "uart1"
    for one, board, wanted, message in (
        (two, HOST_FW, "", r"place p: 2 lines there; name one of uart0, uart1 with \?resource=NAME"),
        (two, HOST_FW, "uart9", "place p: no line uart9 there; name one of uart0, uart1"),
        (
            replace(holding, resources=(ssh,)),
            HOST_FW,
            "",
            "host-fw needs a NetworkSerialPort there, it has NetworkServ",
        ),
        (replace(holding, resources=()), HOST_FW, "", "nothing of it is exported any more; see whether its exporter"),
    ):
        with pytest.raises(LinkError, match=message):
            lines.line_of(one, board, wanted)


def test_what_the_program_says_is_read_back() -> None:
    said = Said(holding=Holding("p", "lab:1", "me", (resource(), resource(port=None))))
    assert said_of(json.dumps(to_json(said)).encode()) == said
    with pytest.raises(LinkError, match="the program that holds the place: not JSON"):
        said_of(b"Traceback")
