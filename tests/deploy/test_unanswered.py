"""WRITEs that come together: which of them the agent answers, and that those answers show all of them."""

from __future__ import annotations

import itertools

import pytest

from deploy import frames
from deploy.agent.server import Server
from deploy.frames import CHUNK, COUNT, GRANULE, MAP, MAP_BEFORE, REPAIRED, STORED, WITH_MAP, Frame, Type
from tests.deploy.fake import IDENTITY, FakeEngine

SIZE = 12_800
STEP = 128


def write(seq: int, offset: int, size: int = STEP, flag: int = WITH_MAP) -> Frame:
    return Frame(Type.WRITE, seq, CHUNK.pack(flag, offset) + bytes(size), repaired=0)


def answers(*requests: Frame, damage: int = 0) -> list[Frame]:
    """Return the answers to frames that come in one piece, with so many bytes of each damaged."""
    sent: list[bytes] = []
    server = Server(FakeEngine(SIZE), IDENTITY, sent.append)
    line = bytearray()
    for request in requests:
        encoded = bytearray(frames.encode(request))
        for place in range(40, 40 + damage):
            encoded[place] ^= 0x80
        line += encoded
    server.receive(bytes(line))
    return [item for item in frames.Decoder().feed(b"".join(sent)) if isinstance(item, Frame)]


def shown(answer: Frame) -> set[int]:
    """Return the granules that an answer's map shows as written."""
    offset, bits = STORED.unpack_from(answer.payload)[1], MAP.unpack_from(answer.payload, STORED.size)[0]
    first = max(0, offset // GRANULE - MAP_BEFORE)
    return {first + i for i in range(64) if bits >> i & 1}


@pytest.mark.parametrize("count", range(1, 14))
def test_every_fourth_and_the_last_three_are_answered(count: int) -> None:
    replies = answers(*(write(1 + i, i * STEP) for i in range(count)))
    left = count % 4 or 4
    assert [reply.seq for reply in replies] == [*range(4, count, 4), *range(count - min(3, left) + 1, count + 1)]
    assert set().union(*map(shown, replies)) == set(range(count * STEP // GRANULE))


def test_a_write_far_from_those_before_it_does_not_stand_for_them() -> None:
    places = [0, 1 << 12, 0, 1 << 13, 128, 64, 0, 1 << 13]
    replies = answers(*(write(1 + i, offset) for i, offset in enumerate(places)))
    assert [reply.seq for reply in replies] == [1, 2, 3, 4, 7, 8]
    for before, after in itertools.pairwise([0, *(reply.seq for reply in replies)]):
        reply = next(reply for reply in replies if reply.seq == after)
        for number in range(before, after):
            assert {places[number] // GRANULE, places[number] // GRANULE + 1} <= shown(reply)


def test_an_empty_write_is_answered_by_itself() -> None:
    assert [reply.seq for reply in answers(*(write(1 + i, 4096 * i, 0) for i in range(4)))] == [1, 2, 3, 4]


def test_other_requests_are_answered_in_their_turn() -> None:
    more = [Frame(Type.PING, 9, b"x"), write(10, 0, flag=0), write(11, 1 << 20), Frame(Type.RUN, 12, COUNT.pack(1))]
    for other in more:
        replies = answers(write(1, 0), write(2, STEP), other, write(3, 2 * STEP))
        assert [reply.seq for reply in replies] == [1, 2, other.seq, 3]


@pytest.mark.parametrize("damage", [0, 1, 3])
def test_what_was_repaired_is_counted_once(damage: int) -> None:
    replies = answers(*(write(1 + i, i * STEP) for i in range(11)), damage=damage)
    counts = [REPAIRED.unpack_from(reply.payload, STORED.size + MAP.size)[0] for reply in replies]
    assert counts == [4 * damage, 4 * damage, 0, 0, 3 * damage]
