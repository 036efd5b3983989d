"""Devices that lie: each ends in one clear line, none in a hang, a crash or a wrong result."""

from __future__ import annotations

import contextlib
import json
import re
import struct
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy import frames
from deploy.frames import REPLY, Frame, Type
from deploy.info import MAX_INFO_BYTES, parse_info, parse_stats
from deploy.request import Timeouts
from deploy.session import Session
from errors import DeviceError, Error
from tests.deploy.fake import FakeLink, ScriptedLink

QUICK = Timeouts(handshake_s=0.3, give_up_s=0.3, run_s=0.3, resend_s=0.02)
GOOD: dict[str, Any] = {
    "protocol": 1,
    "board": "b",
    "engine": "e",
    "engine_version": "1",
    "kernels": "k",
    "model_sha256": "0" * 64,
    "firmware": "f",
    "inputs": [{"name": "i", "shape": [1, 8], "dtype": "int8", "scale": 0.1, "zero_point": 0}],
    "outputs": [{"name": "o", "shape": [1, 2], "dtype": "int8", "scale": 0.1, "zero_point": 0}],
    "memory": {"arena": 1},
    "counter": {"name": "C", "rate_hz": 1, "unit": "ticks"},
    "window": 2048,
    "max_payload": 1024,
    "input_preserved": True,
}


def info_reply(text: bytes, total: int | None = None, offset: int = 0) -> Callable[[Any], bytes]:
    payload = struct.pack("<II", offset, len(text) if total is None else total) + text
    return lambda item: frames.encode(Frame(item.type | REPLY, item.seq, payload))


def refused_in(link: Any) -> str:
    with pytest.raises(Error) as error:
        Session(link, QUICK).__enter__()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_good_one_is_good() -> None:
    with Session(ScriptedLink(info_reply(json.dumps(GOOD).encode())), QUICK) as session:
        assert session.info.board == "b"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (info_reply(b"{", total=1 << 31), "of at most 65536, received from 0 of 2147483648"),
        (info_reply(b"{}", total=0), "received from 0 of 0"),
        (info_reply(b"{}" * 9, total=4), "18 bytes from 0 pass its own total 4"),
        (info_reply(b"{}", offset=7), "received from 7"),
        (info_reply(b""), "reply of 8 bytes, expected at least 9"),
        (info_reply(b"nonsense"), "not JSON"),
        (info_reply(b"[" * 60_000), "not JSON"),
        (info_reply(b"\xff\xfe{}"), "not JSON"),
        (info_reply(b"[1]"), "expected a JSON object, got .1."),
        (info_reply(b'{"protocol": NaN}'), "NaN is not a JSON number"),
        (info_reply(b'{"protocol": 1' + b"0" * 5000 + b"}"), "not JSON"),
        (lambda item: frames.encode(Frame(0x82, item.seq, b"{}")), "INFO was answered with frame type 82"),
        (lambda item: frames.encode(Frame(0xFF, item.seq, b"")), "ERROR of 0 bytes"),
        (lambda item: frames.encode(Frame(0xFF, item.seq, b"\x01\x63\x00\x1b[31m\n\xff")), "code 99:  \\[31m"),
        (lambda item: frames.encode(Frame(0x81, item.seq, b"", 2)), "speaks protocol version 2, this host 1"),
        (lambda item: frames.encode(Frame(0xFF, item.seq, b"\1\1\0", 3)), "speaks protocol version 3, this host 1"),
        (lambda item: frames.encode(Frame(0x81, item.seq ^ 1, b"{}")), "no answer in"),
        (lambda item: b"\xa5" * 100, r"no answer in [0-9.]+ s .*received \d+ bytes; check"),
        (lambda item: b"login: ", "no answer in"),
        (lambda item: b"Hello\r\n", "last 'Hello'"),
    ],
)
def test_a_wrong_handshake_is_an_error_of_one_line(reply: Callable[[Any], bytes], message: str) -> None:
    assert re.search(message, refused_in(ScriptedLink(reply)))


def test_a_total_that_changes_is_refused() -> None:
    text = json.dumps(GOOD).encode()
    parts = iter([(0, 900, text[:100]), (100, 901, text[100:200])])

    def reply(item: Any) -> bytes:
        at, total, part = next(parts)
        return frames.encode(Frame(0x81, item.seq, struct.pack("<II", at, total) + part))

    assert "of at most 900, received from 100 of 901" in refused_in(ScriptedLink(reply))


def test_info_that_never_ends_is_bounded() -> None:
    def reply(item: Any) -> bytes:
        return frames.encode(Frame(0x81, item.seq, item.payload + struct.pack("<I", MAX_INFO_BYTES) + bytes(100)))

    link = ScriptedLink(reply)
    asked = []
    plain = link.reply
    link.reply = lambda item: asked.append(1) or plain(item)  # type: ignore[func-returns-value]
    assert "pass its own total 65536" in refused_in(link)
    assert len(asked) <= MAX_INFO_BYTES // 100 + 1


def test_info_of_another_protocol_is_refused_by_both_numbers() -> None:
    text = json.dumps({**GOOD, "protocol": 2}).encode()
    assert "speaks protocol version 2, this host 1" in refused_in(ScriptedLink(info_reply(text)))


def changed(path: str, value: Any) -> bytes:
    copy = json.loads(json.dumps(GOOD))
    *parents, last = path.split(".")
    where = copy
    for step in parents:
        where = where[int(step)] if isinstance(where, list) else where[step]
    if value is KeyError:
        del where[last]
    else:
        where[last] = value
    return json.dumps(copy).encode()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("board", KeyError, "INFO: key board is missing"),
        ("board", "", "INFO: key board: expected 1 to 200 printable characters, got ''"),
        ("board", "a\nb", "board: expected"),
        ("board", "x" * 201, "board: expected"),
        ("board", 7, "board: expected .* got 7"),
        ("model_sha256", "AB" * 32, "model_sha256: expected 64 lower-case hex digits"),
        ("protocol", True, "protocol: expected an integer from 1 to 255, got True"),
        ("protocol", 1.0, "protocol: expected"),
        ("window", 63, "window: expected an integer from 64"),
        ("window", 1 << 40, "window: expected"),
        ("max_payload", 0, "max_payload: expected an integer from 80 to 65535"),
        ("max_payload", 1 << 16, "max_payload: expected"),
        ("max_payload", 10**4000, "max_payload: expected .* got a number of 13288 bits"),
        ("inputs", [], r"inputs: expected a list of 1 to 255 objects, got \[\]"),
        ("inputs", [1], "inputs: expected"),
        ("outputs", "x", "outputs: expected"),
        ("inputs.0.shape", [1, -3], r"inputs\[0\].shape\[1\]: expected an integer from 1 to"),
        ("inputs.0.shape", [1] * 9, "shape: expected a list of 0 to 8 integers"),
        ("inputs.0.shape", [1 << 20, 1 << 20], "shape: expected at most 67108864 bytes, got 1099511627776"),
        ("inputs.0.dtype", "int9", r"dtype: expected one of int8, .*, got 'int9'"),
        ("inputs.0.scale", -1, "scale: expected a number from 0 to"),
        ("inputs.0.scale", 1e300, "scale: expected"),
        ("inputs.0.zero_point", 1 << 31, "zero_point: expected"),
        ("inputs.0.name", None, "name: expected .* got None"),
        ("memory", {"arena": -1}, r"memory.arena: expected an integer from 0"),
        ("memory", {"a b": 1}, "memory: expected names of letters, digits and _"),
        ("memory", {f"m{n}": n for n in range(65)}, "memory: expected at most 64 integers"),
        ("counter.unit", "hours", "counter.unit: expected one of ticks, instructions, rp2040js cycles, got 'hours'"),
        ("counter.rate_hz", 0, "rate_hz: expected"),
        ("counter", 3, "counter: expected an object, got 3"),
        ("input_preserved", 1, "input_preserved: expected true or false, got 1"),
    ],
)
def test_each_field_of_info_is_checked(path: str, value: Any, message: str) -> None:
    with pytest.raises(DeviceError, match=message) as error:
        parse_info(changed(path, value), "dev")
    assert str(error.value).startswith("dev: INFO")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "shape", "dtype"]), inner),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.sampled_from(list(GOOD)), JSON)
def test_any_value_in_any_field_is_taken_or_refused(name: str, value: Any) -> None:
    with contextlib.suppress(DeviceError):
        parse_info(json.dumps({**GOOD, name: value}).encode(), "dev")


@given(st.binary(max_size=200))
def test_any_bytes_as_stats_are_taken_or_refused(data: bytes) -> None:
    with contextlib.suppress(DeviceError):
        assert all(isinstance(value, int | None) for value in asdict(parse_stats(data, "dev")).values())


@pytest.mark.parametrize(
    ("kind", "payload", "message"),
    [
        (Type.WRITE, b"", "WRITE of .* was answered by"),
        (Type.WRITE, struct.pack("<BIH", 0, 0, 1), "WRITE of .* was answered by"),
        (Type.RUN, b"", "RUN of 1 was answered by 0 bytes"),
        (Type.RUN, struct.pack("<HQ", 2, 5), "RUN of 1 was answered by 10 bytes"),
        (Type.READ, struct.pack("<BI", 0, 0) + bytes(9), "READ .* was answered by 14 bytes"),
        (Type.READ, struct.pack("<BI", 1, 0) + bytes(10), "READ .* was answered by 15 bytes from 01"),
        (Type.READ, b"", "READ .* was answered by 0 bytes"),
    ],
)
def test_a_reply_that_does_not_fit_its_request_is_refused(kind: Type, payload: bytes, message: str) -> None:
    link = FakeLink()
    link.server._handlers[kind] = lambda _: payload
    if kind == Type.RUN:
        link.server._on_run = lambda _: payload  # type: ignore[assignment, method-assign]
    with Session(link, QUICK) as session, pytest.raises(DeviceError, match=message):
        session.infer(bytes(5000))


def test_stats_of_text_are_refused() -> None:
    link = FakeLink()
    link.server._handlers[Type.STATS] = lambda _: b'{"inferences": "many"}'
    with (
        Session(link, QUICK) as session,
        pytest.raises(DeviceError, match=r"STATS: key inferences: expected an integer"),
    ):
        session.stats()


def test_a_ping_that_comes_back_changed_is_refused() -> None:
    link = FakeLink()
    link.server._handlers[Type.PING] = lambda payload: payload + b"x"
    with Session(link, QUICK) as session, pytest.raises(DeviceError, match="PING came back with other bytes"):
        session.ping(b"abc")
