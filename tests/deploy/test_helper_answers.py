"""What a board that is damaged or lies answers through the helper: each is one error, and nothing large is built."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from deploy.links.channel import plain
from deploy.remote import helper
from deploy.remote.answers import ANSWER_BYTES, parse_entry, parse_facts, parse_listing
from deploy.remote.board import ANSWER_TIMEOUT_S, Board
from deploy.remote.connect import CONNECT_TIMEOUT_S, EMULATED_TIMEOUT_S, Address
from deploy.remote.wheels import platform_of
from errors import DeployError, Error, LinkError
from fields import Fields, Source

FACTS: dict[str, Any] = {
    "folder": "/home/pi/.cache/alpharho", "machine": "aarch64", "python": "3.11.2", "implementation": "cpython",
    "libc": "glibc 2.36", "cores": 4, "libraries": {"numpy": "1.26.4", "ai-edge-litert": "2.0.0.dev1"},
}  # fmt: skip
SOURCE = Source("ssh://board", LinkError, "run again", is_json=True)


def fields(values: dict[str, Any]) -> Fields:
    return Fields(values, SOURCE)


def test_the_facts_of_a_real_board_pass() -> None:
    facts = parse_facts(fields(FACTS))
    assert facts.libraries == FACTS["libraries"]
    assert platform_of(facts, "ssh://board").glibc == (2, 36)
    assert parse_facts(fields({**FACTS, "libc": ""})).libc == ""
    assert parse_facts(fields({**FACTS, "libc": "musl", "folder": "/data/jürgen pi/.cache/alpharho"})).libc == "musl"
    assert parse_facts(fields(helper.facts("/home/pi"))).cores > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("libc", "glibc 2.20000000"),
        ("libc", "glibc 2"),
        ("libc", "glibc 2.36\x1b[31m"),
        ("libc", 7),
        ("python", "3.11" + "1" * 100),
        ("python", "3.x"),
        ("python", [3, 11]),
        ("machine", "aarch64; rm -rf /"),
        ("machine", "../x"),
        ("machine", "[red]arm"),
        ("implementation", ""),
        ("folder", "relative"),
        ("folder", "/x\n"),
        ("folder", "/" + "x" * 5000),
        ("folder", None),
        ("cores", 0),
        ("cores", True),
        ("cores", 10**9),
        ("libraries", {"numpy": "x"}),
        ("libraries", {"numpy": "1." + "9" * 1000}),
        ("libraries", {"num\x1bpy": "1.0"}),
        ("libraries", {f"n{i}": "1.0" for i in range(100)}),
        ("libraries", ["numpy"]),
    ],
)
def test_facts_that_can_t_be_are_refused(key: str, value: object) -> None:
    with pytest.raises(LinkError, match=f"^ssh://board: .*{key}.*; run again$") as error:
        parse_facts(fields({**FACTS, key: value}))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_wheels_are_not_asked_for_with_a_version_that_can_t_be() -> None:
    facts = replace(parse_facts(fields(FACTS)), libc="glibc 2.20000000")
    with pytest.raises(DeployError, match="its C library is not glibc"):
        platform_of(facts, "ssh://board")


def test_entries_and_listings() -> None:
    assert parse_entry(fields({"path": "/a b", "found": False})).found is False
    assert parse_entry(fields({"path": "/a"})).found
    for wrong in ({}, {"path": "a"}, {"path": "/a", "found": 1}, {"path": "/\x1b"}):
        with pytest.raises(LinkError):
            parse_entry(fields(wrong))
    good = {"size": 3, "sha256": "ab" * 32}
    assert parse_listing(fields({"a": good}))["a"].size == 3
    files: tuple[Any, ...] = (1, {}, {**good, "size": -1}, {**good, "sha256": "x"})
    for file in files:
        with pytest.raises(LinkError):
            parse_listing(fields({"a": file}))
    with pytest.raises(LinkError, match="at most"):
        parse_listing(fields({str(i): good for i in range(2000)}))


def test_any_json_for_any_key_is_one_error_or_right() -> None:
    rng = random.Random(0)
    values: list[Any] = [None, 0, -1, 1e300, 2**70, "", "x" * 9999, "\x1b]0;x\x07", [], [[]], {}, {"a": {}}, True]
    for _ in range(500):
        answer = {**FACTS, rng.choice(list(FACTS)): rng.choice(values)}
        if rng.random() < 0.3:
            del answer[rng.choice(list(answer))]
        for parse in (parse_facts, parse_entry, parse_listing):
            with contextlib.suppress(LinkError):
                parse(fields(answer))


class Says:
    """A link whose reads give what is said, in pieces, and then the last piece again and again."""

    name, stderr = "ssh://board", ()

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.total = list(pieces), 0

    def read(self, timeout_s: float) -> bytes:
        data = self.pieces.pop(0) if len(self.pieces) > 1 else self.pieces[0]
        self.total += len(data)
        return data

    def write(self, data: bytes) -> None:
        pass


def board_that_says(*pieces: bytes) -> Board:
    board = Board(Address("board"))
    board._helper = Says(*pieces)  # type: ignore[assignment]
    return board


def test_a_line_without_an_end_is_given_up() -> None:
    board = board_that_says(b"x" * 65536)
    with pytest.raises(LinkError, match=f"ssh://board: sent {ANSWER_BYTES} bytes in one line, expected an answer"):
        board.ask("names")
    assert board._helper.total <= ANSWER_BYTES + 2 * 65536  # type: ignore[union-attr]


@pytest.mark.parametrize("answer", ["[]", "7", '{"ok": 7}', "{}", "{", '{"error": {"a": 1}}', '{"ok": {"path": 1}}'])
def test_an_answer_of_another_form_is_one_error(answer: str) -> None:
    with pytest.raises(Error) as error:
        board_that_says(f"motd\n{helper.MARK}{answer}\n".encode()).entry("have", name="x", sha256="y")
    assert str(error.value).startswith("ssh://board: ")


def test_words_of_a_refusal_are_bounded_and_printable() -> None:
    refusal = json.dumps({"error": "busy", "text": "\x1b[2J[red]root\n" + "y" * 10**5})
    with pytest.raises(DeployError) as error:
        board_that_says(f"{helper.MARK}{refusal}\n".encode()).ask("hello")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500
    assert plain("a\x1b[31m\r\nb") == "a [31m b"


def test_a_helper_on_an_emulated_board_gets_more_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    patience: list[float] = []

    def ask(self: Board, what: str, timeout_s: float, **values: object) -> None:
        patience.append(timeout_s)
        raise DeployError("asked")

    monkeypatch.setattr(Board, "ask", ask)
    for timeout_s in (CONNECT_TIMEOUT_S, EMULATED_TIMEOUT_S):
        board = Board(Address("board", timeout_s=timeout_s))
        board._helper = Says(b"")  # type: ignore[assignment]
        with pytest.raises(DeployError, match="asked"):
            board._begin(b"code")
    assert patience == [ANSWER_TIMEOUT_S, 6 * ANSWER_TIMEOUT_S]
