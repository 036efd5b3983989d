"""The device's side of the protocol: each request and each error, with sanitizers on.

The driver's network has inputs of 200 and 65 bytes and an output of 10: byte j is the sum of input 0, plus j.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.frames import REPLY, Code, Decoder, Frame, Type, encode
from tests.deploy.fake import FakeEngine, FakeLink
from tests.firmware.device_driver import INPUT, OUTPUT, OVERWRITES_ONE, PRESERVES_ONE, PRESERVES_TWO, driver
from tests.firmware.driver import Driver

__all__ = ["driver"]  # fixtures


TICKS = 0x0102030405060708
MAP_VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors" / "write_map.json").read_text())
FIRST, SECOND = struct.pack("<BI", 0, 0) + INPUT, struct.pack("<BI", 1, 0) + bytes(65)
ONCE = struct.pack("<H", 1)
READ_ALL = struct.pack("<BIH", 0, 0, 10)


def ask(driver: Driver, network: bytes, *requests: Frame | bytes) -> list[Frame]:
    """Return the replies to requests; a tuple in place of a frame is sent as it is."""
    stream = b"".join(r if isinstance(r, bytes) else encode(r) for r in requests)
    return [item for item in Decoder().feed(driver(network + stream)) if isinstance(item, Frame)]


def error_of(frame: Frame) -> tuple[int, int]:
    assert frame.type == Type.ERROR
    kind, code = struct.unpack("<BH", frame.payload[:3])
    assert frame.payload[3:].decode().isprintable()
    return kind, code


def test_ping_answers_its_bytes(driver: Driver) -> None:
    for payload in (b"", b"\0" * 300, bytes(range(256)) * 4):
        assert ask(driver, PRESERVES_ONE, Frame(Type.PING, 9, payload)) == [Frame(Type.PING | REPLY, 9, payload)]


def test_info_comes_in_parts(driver: Driver) -> None:
    text = b'{"protocol":1}'
    for at in (0, 5, len(text)):
        (reply,) = ask(driver, PRESERVES_ONE, Frame(Type.INFO, 1, struct.pack("<I", at)))
        assert reply.payload == struct.pack("<II", at, len(text)) + text[at:]
        for most in (0, 1, 5, 1000, 0xFFFF):
            (reply,) = ask(driver, PRESERVES_ONE, Frame(Type.INFO, 1, struct.pack("<IH", at, most)))
            assert reply.payload == struct.pack("<II", at, len(text)) + text[at : at + most]


def test_stats_count(driver: Driver) -> None:
    broken = b"\0\x03\x01\x07\x05\x01\0"
    *_, reply = ask(
        driver, PRESERVES_ONE, Frame(Type.WRITE, 1, FIRST), broken, Frame(Type.RUN, 2, struct.pack("<H", 3)),
        Frame(Type.STATS, 3, b""),
    )  # fmt: skip
    assert json.loads(reply.payload) == {
        "inferences": 3, "frames": 3, "damaged_frames": 1, "overruns": 3, "uptime_us": 1234567,
        "arena": 265, "stack": 4096, "stack_used": 440, "run_ticks": 1 << 40, "run_second_ticks": 99,
    }  # fmt: skip


def test_an_input_runs_and_its_output_is_read(driver: Driver) -> None:
    wrote, other, ran, read, part = ask(
        driver, PRESERVES_TWO, Frame(Type.WRITE, 1, FIRST), Frame(Type.WRITE, 2, SECOND), Frame(Type.RUN, 3, ONCE),
        Frame(Type.READ, 4, READ_ALL), Frame(Type.READ, 5, struct.pack("<BIH", 0, 3, 4)),
    )  # fmt: skip
    assert wrote == Frame(Type.WRITE | REPLY, 1, struct.pack("<BIH", 0, 0, 200))
    assert other == Frame(Type.WRITE | REPLY, 2, struct.pack("<BIH", 1, 0, 65))
    assert ran == Frame(Type.RUN | REPLY, 3, struct.pack("<HQ", 1, TICKS))
    assert read == Frame(Type.READ | REPLY, 4, READ_ALL[:5] + OUTPUT)
    assert part == Frame(Type.READ | REPLY, 5, struct.pack("<BI", 0, 3) + OUTPUT[3:7])


@pytest.mark.parametrize("vector", MAP_VECTORS, ids=lambda vector: vector["about"])
def test_write_answers_which_granules_are_stored(driver: Driver, vector: dict[str, Any]) -> None:
    """Input 0 has 200 bytes: three granules and an eighth of one. The agent gives the same bytes."""
    writes = [
        Frame(Type.WRITE, i + 1, struct.pack("<BI", t, at) + bytes(n)) for i, (t, at, n) in enumerate(vector["writes"])
    ]
    *_, last = ask(driver, PRESERVES_TWO, *writes)
    assert (last.type, last.payload.hex()) == (Type.WRITE | REPLY, vector["reply"])
    link = FakeLink(FakeEngine(input_size=200))
    for frame in writes:
        link.write(encode(frame))
    *_, last = [item for item in Decoder().feed(link.read(0.0)) if isinstance(item, Frame)]
    assert last.payload.hex() == vector["reply"]


@pytest.mark.parametrize("network", [PRESERVES_ONE, OVERWRITES_ONE])
def test_an_input_that_was_run_is_not_stored_any_more(driver: Driver, network: bytes) -> None:
    """So the host sees that it must send all of it again if it did not get the answer."""
    empty = Frame(Type.WRITE, 3, struct.pack("<BI", 0x80, 64))
    *_, before, _, after = ask(
        driver, network, Frame(Type.WRITE, 1, FIRST), empty, Frame(Type.RUN, 2, ONCE), empty._replace(seq=4)
    )
    assert before.payload == struct.pack("<BIHQ", 0x80, 64, 0, 0xF)
    assert after.payload == struct.pack("<BIHQ", 0x80, 64, 0, 0)


def test_a_request_with_parity_is_answered_with_parity(driver: Driver) -> None:
    for size, repaired in ((0, 0), (237, 0)):
        (reply,) = ask(driver, PRESERVES_ONE, Frame(Type.PING, 9, bytes(size), repaired=0))
        assert reply == Frame(Type.PING | REPLY, 9, bytes(size), repaired=repaired)
    wrote, refused = ask(
        driver, PRESERVES_TWO, Frame(Type.WRITE, 1, FIRST, repaired=0), Frame(Type.RUN, 2, ONCE, repaired=0)
    )
    assert wrote == Frame(Type.WRITE | REPLY, 1, struct.pack("<BIH", 0, 0, 200), repaired=0)
    assert error_of(refused) == (Type.RUN, Code.INPUT)
    assert refused.repaired == 0
    (reply,) = ask(driver, PRESERVES_ONE, Frame(Type.PING, 9, b"plain"))
    assert reply.repaired is None


@pytest.mark.parametrize("damaged", [0, 1, 4])
def test_a_map_is_followed_by_how_many_bytes_were_repaired(driver: Driver, damaged: int) -> None:
    """The agent gives the same bytes."""
    write = Frame(Type.WRITE, 1, struct.pack("<BI", 0x80, 0) + INPUT[:64], repaired=0)
    line = bytearray(encode(write))
    for at in range(damaged):
        line[20 + at] ^= 0x81
    (reply,) = ask(driver, PRESERVES_TWO, bytes(line))
    assert reply == Frame(Type.WRITE | REPLY, 1, struct.pack("<BIHQB", 0x80, 0, 64, 1, damaged))
    link = FakeLink(FakeEngine(input_size=200))
    link.write(bytes(line))
    assert Decoder().feed(link.read(0.0)) == [reply]


def test_a_map_of_an_input_that_is_not_there_is_refused(driver: Driver) -> None:
    (reply,) = ask(driver, PRESERVES_TWO, Frame(Type.WRITE, 1, struct.pack("<BI", 0x82, 0) + bytes(64)))
    assert error_of(reply) == (Type.WRITE, Code.RANGE)


def test_a_run_with_the_same_number_runs_once(driver: Driver) -> None:
    run = Frame(Type.RUN, 7, struct.pack("<H", 2))
    _, first, again, stats, other = ask(
        driver, PRESERVES_ONE, Frame(Type.WRITE, 1, FIRST), run, run, Frame(Type.STATS, 8, b""), run._replace(seq=9)
    )
    assert first == again
    assert struct.unpack("<HQQ", first.payload) == (2, TICKS, TICKS + 1)
    assert json.loads(stats.payload)["inferences"] == 2
    assert struct.unpack("<HQQ", other.payload) == (2, TICKS + 2, TICKS + 3)


def test_a_refused_run_is_remembered_until_a_write(driver: Driver) -> None:
    run = Frame(Type.RUN, 7, ONCE)
    first, again, _, after = ask(driver, PRESERVES_ONE, run, run, Frame(Type.WRITE, 8, FIRST), run)
    assert error_of(first) == (Type.RUN, Code.INPUT)
    assert first == again
    assert after.type == Type.RUN | REPLY


def test_an_input_that_is_overwritten_must_be_written_again(driver: Driver) -> None:
    write, run = Frame(Type.WRITE, 1, FIRST), Frame(Type.RUN, 2, ONCE)
    _, ran, refused, twice, _, ran_again = ask(
        driver, OVERWRITES_ONE, write, run, run._replace(seq=3), Frame(Type.RUN, 4, struct.pack("<H", 2)), write,
        run._replace(seq=5),
    )  # fmt: skip
    assert ran.type == ran_again.type == Type.RUN | REPLY
    assert error_of(refused) == (Type.RUN, Code.INPUT)
    assert error_of(twice) == (Type.RUN, Code.RANGE)


def test_a_preserved_input_is_new_from_the_first_write_on(driver: Driver) -> None:
    part = Frame(Type.WRITE, 3, struct.pack("<BI", 0, 64) + bytes(64))
    _, ran, again, _, refused = ask(
        driver, PRESERVES_ONE, Frame(Type.WRITE, 1, FIRST), Frame(Type.RUN, 2, ONCE), Frame(Type.RUN, 4, ONCE), part,
        Frame(Type.RUN, 5, ONCE),
    )  # fmt: skip
    assert ran.type == again.type == Type.RUN | REPLY
    assert error_of(refused) == (Type.RUN, Code.INPUT)


@given(order=st.permutations([0, 64, 128, 192]), missing=st.sampled_from([None, 0, 64, 128, 192]))
def test_chunks_may_come_in_any_order_and_twice_but_all(driver: Driver, order: list[int], missing: int | None) -> None:
    chunks = [
        Frame(Type.WRITE, 1 + at, struct.pack("<BI", 0, at) + INPUT[at : at + 64])
        for at in order + order[:2]
        if at != missing
    ]
    *_, ran = ask(driver, OVERWRITES_ONE, *chunks, Frame(Type.RUN, 999, ONCE))
    assert ran.type == (Type.RUN | REPLY if missing is None else Type.ERROR)


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (Type.INFO, b"", Code.LENGTH),
        (Type.INFO, b"\0\0\0\0\0", Code.LENGTH),
        (Type.INFO, b"\0\0\0\0\0\0\0", Code.LENGTH),
        (Type.INFO, struct.pack("<IH", 15, 4), Code.RANGE),
        (Type.INFO, struct.pack("<I", 15), Code.RANGE),
        (Type.INFO, b"\xff\xff\xff\xff", Code.RANGE),
        (Type.STATS, b"\0", Code.LENGTH),
        (Type.WRITE, b"\0\0\0\0", Code.LENGTH),
        (Type.WRITE, struct.pack("<BI", 1, 0) + bytes(65), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 255, 0), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 0) + bytes(201), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 201), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 0xFFFFFFC0) + bytes(64), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 0xFFFFFFFF) + bytes(65), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 1) + bytes(64), Code.RANGE),
        (Type.WRITE, struct.pack("<BI", 0, 64) + bytes(63), Code.RANGE),
        (Type.RUN, b"", Code.LENGTH),
        (Type.RUN, b"\x01\0\0", Code.LENGTH),
        (Type.RUN, b"\0\0", Code.RANGE),
        (Type.RUN, struct.pack("<H", 128), Code.RANGE),
        (Type.RUN, b"\xff\xff", Code.RANGE),
        (Type.RUN, ONCE, Code.INPUT),
        (Type.READ, b"\0\0\0\0\0\0", Code.LENGTH),
        (Type.READ, struct.pack("<BIH", 1, 0, 1), Code.RANGE),
        (Type.READ, struct.pack("<BIH", 0, 0, 11), Code.RANGE),
        (Type.READ, struct.pack("<BIH", 0, 10, 1), Code.RANGE),
        (Type.READ, struct.pack("<BIH", 0, 0xFFFFFFFF, 2), Code.RANGE),
        (Type.READ, READ_ALL, Code.INPUT),
        (Type.RESET, b"\0", Code.LENGTH),
        (0, b"", Code.TYPE),
        (8, b"", Code.TYPE),
        (Type.LOG, b"", Code.TYPE),
        (Type.PING | REPLY, b"", Code.TYPE),
        (Type.ERROR, b"", Code.TYPE),
    ],
)
def test_what_is_wrong_is_refused(driver: Driver, kind: int, payload: bytes, code: Code) -> None:
    (reply,) = ask(driver, PRESERVES_ONE, Frame(kind, 77, payload))
    assert reply.seq == 77
    assert error_of(reply) == (kind, code)


def test_the_largest_run_fits_its_reply(driver: Driver) -> None:
    _, reply = ask(driver, PRESERVES_ONE, Frame(Type.WRITE, 1, FIRST), Frame(Type.RUN, 2, struct.pack("<H", 127)))
    assert struct.unpack("<H127Q", reply.payload) == (127, *range(TICKS, TICKS + 127))


def test_another_version_is_refused_in_ours(driver: Driver) -> None:
    (reply,) = ask(driver, PRESERVES_ONE, Frame(Type.PING, 5, b"", version=2))
    assert reply.version == 1
    assert reply.seq == 5
    assert error_of(reply) == (Type.PING, Code.VERSION)


def test_a_failed_inference_is_an_error_and_leaves_no_output(driver: Driver) -> None:
    bad = Frame(Type.WRITE, 2, struct.pack("<BI", 1, 0) + b"\xee" + bytes(64))
    *_, ran, read = ask(
        driver, PRESERVES_TWO, Frame(Type.WRITE, 1, FIRST), bad, Frame(Type.RUN, 3, ONCE), Frame(Type.READ, 4, READ_ALL)
    )
    assert error_of(ran) == (Type.RUN, Code.ENGINE)
    assert error_of(read) == (Type.READ, Code.INPUT)


def test_no_output_is_read_where_the_next_input_may_lie(driver: Driver) -> None:
    write = Frame(Type.WRITE, 1, FIRST)
    *_, read = ask(
        driver, PRESERVES_ONE, write, Frame(Type.RUN, 2, ONCE), write._replace(seq=3), Frame(Type.READ, 4, READ_ALL)
    )
    assert error_of(read) == (Type.READ, Code.INPUT)
