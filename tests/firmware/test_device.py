"""The device's side of the protocol: each request, each error, and the text commands, with sanitizers on.

The driver's network has inputs of 200 and 65 bytes and an output of 10: byte j is the sum of input 0, plus j.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.agent.server import Server
from deploy.frames import REPLY, Code, Decoder, Frame, Text, Type, encode
from tests.deploy.fake import FakeLink
from tests.deploy.test_text_mode import VectorEngine
from tests.firmware.driver import Driver, build_driver

PRESERVES_TWO, PRESERVES_ONE, OVERWRITES_ONE = b"\x01", b"\x03", b"\x02"
TICKS = 0x0102030405060708
INPUT = bytes(range(200))
TEXT_VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "text.json").read_text())
FIRST, SECOND = struct.pack("<BI", 0, 0) + INPUT, struct.pack("<BI", 1, 0) + bytes(65)
ONCE = struct.pack("<H", 1)
READ_ALL = struct.pack("<BIH", 0, 0, 10)
OUTPUT = bytes((sum(INPUT) + j) & 0xFF for j in range(10))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    driver = Driver(build_driver(tmp_path_factory.mktemp("driver")), "device")
    yield driver
    assert driver.close() == 0


def ask(driver: Driver, network: bytes, *requests: Frame | bytes) -> list[Frame]:
    """Return the replies to requests; a tuple in place of a frame is sent as it is."""
    stream = b"".join(r if isinstance(r, bytes) else encode(r) for r in requests)
    return [item for item in Decoder().feed(driver(network + stream)) if isinstance(item, Frame)]


def say(driver: Driver, network: bytes, *commands: str) -> list[str]:
    """Return the lines that answer text commands."""
    lines = driver(network + "".join(f"{c}%" for c in commands).encode()).decode()
    assert lines.count("\n") == lines.count("\r\n")
    assert lines.endswith("m-ready\r\n")
    return lines.splitlines()


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


def test_the_runner_of_mlperf_tiny_gets_its_answers(driver: Driver) -> None:
    pixels = bytes((b + 128) & 0xFF for b in INPUT)  # the device takes 128 off
    load = ["db load 200"] + [f"db {pixels[at : at + 31].hex()}" for at in range(0, 200, 31)]
    answers = say(driver, OVERWRITES_ONE, "name", "profile", "timestamp", *load, "infer 2 1", "results")
    values = ",".join(f"{0.5 * (int.from_bytes(OUTPUT[j : j + 1], signed=True) + 3):.3f}" for j in range(10))
    assert answers == [
        "m-name-dut-[board]", "m-ready",
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[network]", "m-ready",
        "m-lap-us-1234567", "m-ready",
        "m-[Expecting 200 bytes]", "m-ready", *["m-ready"] * 6, "m-load-done", "m-ready",
        "m-warmup-start-1", "m-warmup-done", "m-infer-start-2", "m-lap-us-1234567", "m-lap-us-1234567", "m-infer-done",
        f"m-results-[{values}]", "m-ready",
        f"m-results-[{values}]", "m-ready",
    ]  # fmt: skip


@pytest.mark.parametrize("case", TEXT_VECTORS["cases"], ids=lambda case: str(case["name"]))
def test_text_vectors(driver: Driver, case: dict[str, Any]) -> None:
    network = PRESERVES_ONE if case["input_preserved"] else OVERWRITES_ONE
    expected = [line for _, lines in case["exchange"] for line in [*lines, "m-ready"]]
    assert say(driver, network, *(command for command, _ in case["exchange"])) == expected


def test_what_was_loaded_is_printed(driver: Driver) -> None:
    *_, first, second, ready = say(driver, PRESERVES_ONE, "db load 9", "db 000102030405060708", "db print")
    assert (first, second, ready) == ("m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08", "m-ready")
    assert say(driver, PRESERVES_ONE, "db load 9", "db 0001020304", "db print 2 3")[-2:] == [
        "m-buffer-03-04",
        "m-ready",
    ]


@pytest.mark.parametrize(
    "commands",
    [
        ["db load 201"], ["db load 0"], ["db load"], ["db load x"], ["db load 99999999999999999999"], ["db load -1"],
        ["db"], ["db 00"], ["db load 2", "db 0"], ["db load 2", "db 0g"], ["db load 2", "db 0001", "db 02"],
        ["db print 1 1"], ["infer"], ["infer 0"], ["infer 1 -1"], ["infer 99999999999"], ["results"], ["nonsense"],
        ["db load 199", f"db {'00' * 90}", f"db {'00' * 90}", f"db {'00' * 19}", "infer 1 0"], ["x" * 201],
    ],
)  # fmt: skip
def test_a_wrong_command_is_answered_with_an_error(driver: Driver, commands: list[str]) -> None:
    *_, message, ready = say(driver, PRESERVES_ONE, *commands)
    assert message.startswith("e-[")
    assert ready == "m-ready"


def test_digits_past_the_end_are_dropped(driver: Driver) -> None:
    answers = say(driver, PRESERVES_ONE, "db load 2", "db 00010203", "db print")
    assert answers[2:] == ["m-load-done", "m-ready", "m-buffer-00-01", "m-ready"]


def test_text_and_frames_share_the_line(driver: Driver) -> None:
    ping = Frame(Type.PING, 3, b"x")
    items = Decoder().feed(driver(PRESERVES_ONE + b"name%" + encode(ping) + b"name%\r\n" + encode(ping)))
    name = [Text("m-name-dut-[board]"), Text("m-ready")]
    reply = ping._replace(type=Type.PING | REPLY)
    assert items == [*name, reply, *name, reply]


WORDS = (
    "name", "profile", "timestamp", "db", "load", "print", "infer", "results", "0", "1", "2", "9", "199", "200", "201",
    "0200", "-1", "1e2", "4294967297", "00", "0f", "FF", "zz", "000", "0x00", "x" * 40, "00" * 90, "a5" * 33,
)  # fmt: skip
BETWEEN = (" ", "  ", "\t", "\r\n", "")
COMMANDS = st.lists(
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BETWEEN)).map("".join), max_size=4).map("".join)
    | st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
    | st.sampled_from(BETWEEN),
    min_size=1,
    max_size=12,
).map(lambda commands: [command for command in commands if len(command) <= 200])
LOAD = ["db load 200", *(f"db {INPUT[at : at + 50].hex()}" for at in range(0, 200, 50))]


@given(st.sampled_from([[], LOAD]), COMMANDS)
def test_the_agent_answers_any_commands_as_the_firmware_does(
    driver: Driver, first: list[str], others: list[str]
) -> None:
    commands = ["name", *first, *others]
    link = FakeLink(VectorEngine())
    link.server = Server(VectorEngine(), {"board": "board", "firmware": ""}, link.answer)
    link.write("".join(f"{command}%" for command in commands).encode())
    answers = re.sub(r"m-lap-us-\d+", "m-lap-us-1234567", link.read(0).decode()).splitlines()
    assert answers == say(driver, PRESERVES_ONE, *commands)
