"""Frames against the vectors, and over random bytes, chunks and damage."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from deploy import cobs_py, frame_rows, frames, parity
from deploy.frames import Decoder, Frame, Item, Text
from tests.deploy import make_vectors

VECTORS: dict[str, Any] = json.loads(make_vectors.VECTORS.read_text())

HEADS = (st.integers(0, 255), st.integers(0, 0xFFFF))
VERSIONS = st.integers(1, frame_rows.MAX_VERSION)
payloads = st.one_of(st.binary(max_size=600), st.binary(max_size=9).map(lambda b: b * 120), st.just(bytes(700)))
frames_with_parity = st.builds(
    Frame, *HEADS, st.binary(max_size=frames.LONGEST_REPAIRABLE), VERSIONS, repaired=st.just(0)
)
some_frames = st.one_of(st.builds(Frame, *HEADS, payloads, VERSIONS, repaired=st.none()), frames_with_parity)


def by_name(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


def as_json(item: Item) -> dict[str, Any]:
    if isinstance(item, Text):
        return {"text": item.line}
    return {"version": item.version, "type": item.type, "seq": item.seq, "payload": item.payload.hex()}


def fed_in_pieces(decoder: Decoder, data: bytes, cuts: list[int]) -> list[Item]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [item for a, b in itertools.pairwise(places) for item in decoder.feed(data[a:b])]


def test_vectors_are_what_their_maker_makes() -> None:
    assert make_vectors.VECTORS.read_text() == make_vectors.text(), "run python tests/deploy/make_vectors.py"


@by_name(VECTORS["frames"])
def test_frame_encodes_and_decodes_as_in_the_vector(case: dict[str, Any]) -> None:
    frame = Frame(case["type"], case["seq"], bytes.fromhex(case["payload"]))
    line = bytes.fromhex(case["line"])
    assert frames.encode(frame) == line
    assert Decoder().feed(line) == [frame]
    assert len(line) <= frames.encoded_size(len(frame.payload))


@by_name(VECTORS["repairable"])
def test_frame_is_repaired_as_in_the_vector(case: dict[str, Any]) -> None:
    line, payload = bytes.fromhex(case["line"]), bytes.fromhex(case["payload"])
    decoder, frame = Decoder(), Frame(case["type"], case["seq"], payload, repaired=case["repaired"])
    assert decoder.feed(line) == ([] if case["repaired"] is None else [frame])
    assert decoder.damaged == (case["repaired"] is None)
    if case["repaired"] == 0:
        assert frames.encode(frame) == line
        assert len(line) <= frames.encoded_size(len(payload), with_parity=True)


@given(frames_with_parity, st.sets(st.integers(1, 250), max_size=4), st.integers(1, 255))
def test_up_to_four_damaged_bytes_are_repaired(frame: Frame, places: set[int], change: int) -> None:
    """Anywhere in the frame before COBS; damage to what COBS adds is not repaired."""
    whole = cobs.decode(frames.encode(frame)[1:-1])
    damaged = bytearray(whole)
    for place in {place % len(whole) or 1 for place in places}:
        damaged[place] ^= change
    count = sum(a != b for a, b in zip(damaged, whole, strict=True))
    if damaged[:-8] == whole[:-8]:
        count = 0  # the parity of a whole frame is not looked at
    assert frames.decode(cobs.encode(bytes(damaged))) == frame._replace(repaired=count)


@given(st.lists(frames_with_parity, min_size=1, max_size=12), st.integers(0), st.integers(0, 6))
def test_many_at_once_are_encoded_and_repaired_like_each(sent: list[Frame], seed: int, most: int) -> None:
    lines = [frames.encode(frame) for frame in sent]
    assert frames.encode_all(sent) == lines
    rng = random.Random(seed)
    damaged = [bytearray(cobs.decode(line[1:-1])) for line in lines]
    for body in damaged:
        for _ in range(rng.randint(0, most)):
            body[rng.randrange(len(body))] ^= rng.randrange(1, 256)
    chunks = [cobs.encode(bytes(body)) for body in damaged]
    several = chunks * (1 + frames.FEW_TO_REPAIR // len(chunks))
    assert frames.decode_all(several) == [frames.decode(chunk) for chunk in several]


full_blocks = st.binary(min_size=200, max_size=frames.LONGEST_REPAIRABLE).map(lambda b: b.replace(b"\x55", b"\1"))
many_zeros = st.integers(0, frames.LONGEST_REPAIRABLE).map(lambda size: b"\x55" * size)
odd_frames = st.builds(Frame, *HEADS, st.one_of(full_blocks, many_zeros), VERSIONS, repaired=st.just(0))


@given(st.lists(st.one_of(some_frames, odd_frames), min_size=1, max_size=12), st.integers(0), st.integers(0, 3))
def test_many_encodings_are_decoded_like_each(sent: list[Frame], seed: int, most: int) -> None:
    """Whatever is damaged or missing of them, codes of COBS too."""
    rng = random.Random(seed)
    chunks = []
    for frame in sent:
        chunk = bytearray(frames.encode(frame)[1:-1])
        for _ in range(rng.randint(0, most)):
            chunk[rng.randrange(len(chunk))] = rng.randrange(1, 256)
        chunks.append(bytes(chunk[: rng.choice([len(chunk), len(chunk), rng.randint(2, len(chunk))])]))
    several = chunks * (1 + frames.FEW_TO_REPAIR // len(chunks))
    assert frames.decode_all(several) == [frames.decode(chunk) for chunk in several]


@pytest.mark.parametrize("size", [0, 1, 8, 246, 247])
def test_a_frame_with_parity_is_zero_at_each_root_of_the_generator(size: int) -> None:
    data = random.Random(size).randbytes(size)
    for exponent in range(parity.BYTES):
        value = 0
        for byte in data + parity.of(data):
            for _ in range(exponent):
                value = value << 1 ^ (0x11D if value & 0x80 else 0)
            value ^= byte
        assert value == 0


def test_what_is_too_long_for_parity_is_refused() -> None:
    frames.encode(Frame(7, 1, bytes(frames.LONGEST_REPAIRABLE), repaired=0))
    with pytest.raises(ValueError, match="at most 237 bytes"):
        frames.encode(Frame(7, 1, bytes(frames.LONGEST_REPAIRABLE + 1), repaired=0))


@pytest.mark.parametrize("step", [1, 3, 1000])
@by_name(VECTORS["streams"])
def test_stream_decodes_as_in_the_vector(case: dict[str, Any], step: int) -> None:
    line = bytes.fromhex(case["line"])
    decoder = Decoder(case["max_frame"], case["text_end"].encode())
    items = [item for start in range(0, len(line), step) for item in decoder.feed(line[start : start + step])]
    assert [as_json(item) for item in items] == case["items"]
    assert decoder.damaged == case["damaged"]


@given(
    st.lists(st.one_of(some_frames, st.sampled_from([b"boot\r\n", b"x", b"\r\n", b"%", b"\xff\0"]))),
    st.lists(st.integers(0)),
)
def test_any_chunking_gives_the_same(parts: list[Frame | bytes], cuts: list[int]) -> None:
    data = b"".join(frames.encode(part) if isinstance(part, Frame) else part for part in parts)
    whole, pieces = Decoder(), Decoder()
    items = whole.feed(data)
    assert fed_in_pieces(pieces, data, cuts) == items
    assert pieces.damaged == whole.damaged
    assert [item for item in items if isinstance(item, Frame)] == [part for part in parts if isinstance(part, Frame)]


@given(st.binary(max_size=2000), st.lists(st.integers(0)), st.integers(1, 300))
def test_any_bytes_are_survived_alike_in_any_chunking(data: bytes, cuts: list[int], room: int) -> None:
    whole, pieces = Decoder(room, max_text=room), Decoder(room, max_text=room)
    assert fed_in_pieces(pieces, data, cuts) == whole.feed(data)
    assert pieces.damaged == whole.damaged


@given(st.lists(some_frames, min_size=1, max_size=4), st.data())
def test_damage_never_makes_a_wrong_frame(sent: list[Frame], data: st.DataObject) -> None:
    line = bytearray(b"".join(frames.encode(frame) for frame in sent))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line) - 1))
        kind = data.draw(st.sampled_from(["flip", "drop", "insert", "zero"]))
        if kind == "flip":
            line[at] ^= data.draw(st.integers(1, 255))
        elif kind == "drop" and len(line) > 1:
            del line[at : at + data.draw(st.integers(1, 9))]
            line = line or bytearray(1)
        elif kind == "zero":
            line[at] = 0
        else:
            line[at:at] = data.draw(st.binary(max_size=9))
    got = [item for item in Decoder().feed(bytes(line)) if isinstance(item, Frame)]
    remaining = iter([frame._replace(repaired=None) for frame in sent])
    assert all(frame._replace(repaired=None) in remaining for frame in got), (
        "a frame came out that did not go in, or out of order"
    )


def test_damage_to_one_frame_leaves_the_next_alone() -> None:
    good = Frame(7, 9, b"after")
    rng = random.Random(3)
    for _ in range(500):
        line = bytearray(frames.encode(Frame(3, 8, rng.randbytes(100))))
        line[rng.randrange(1, len(line) - 1)] ^= rng.randrange(1, 256)
        assert good in Decoder().feed(bytes(line) + frames.encode(good))


def test_over_long_frame_is_dropped_without_being_kept() -> None:
    decoder = Decoder(max_frame=100)
    for _ in range(1000):
        decoder.feed(b"\x05\x01" * 500)
    assert len(decoder._chunk) <= 1000
    assert decoder.damaged == 1
    assert decoder.feed(b"\0" + frames.encode(Frame(7, 1, b""))) == [Frame(7, 1, b"")]


@pytest.mark.parametrize(
    "frame", [Frame(7, 0x10000, b""), Frame(256, 1, b""), Frame(7, 1, bytes(0x10000)), Frame(7, -1, b"")]
)
def test_frame_that_does_not_fit_its_header_is_refused(frame: Frame) -> None:
    with pytest.raises(ValueError, match=r"payload|header"):
        frames.encode(frame)


@given(st.integers(0, 70_000))
def test_payload_that_fits_is_the_largest(line_bytes: int) -> None:
    size = frames.payload_that_fits(line_bytes)
    assert size == 0 or frames.encoded_size(size) <= line_bytes
    assert size == frames.MAX_PAYLOAD or frames.encoded_size(size + 1) > line_bytes


@given(st.one_of(st.binary(max_size=800), st.lists(st.sampled_from([0, 1, 255]), max_size=800).map(bytes)))
def test_plain_cobs_gives_the_same_bytes_as_the_package(data: bytes) -> None:
    assert cobs_py.encode(data) == cobs.encode(data)
    assert cobs_py.decode(cobs.encode(data)) == data


@given(st.lists(st.integers(0, 6), max_size=12).map(bytes))
def test_plain_cobs_refuses_what_the_package_refuses(data: bytes) -> None:
    def tried(module: Any) -> bytes | None:
        try:
            return module.decode(data)
        except module.DecodeError:
            return None

    assert tried(cobs_py) == tried(cobs)


@pytest.mark.parametrize("size", [253, 254, 255, 507, 508, 509, 762])
def test_plain_cobs_at_full_blocks(size: int) -> None:
    for data in (b"\x01" * size, b"\x01" * size + b"\0", b"\0" + b"\x01" * size):
        assert cobs_py.encode(data) == cobs.encode(data)
        assert cobs_py.decode(cobs.encode(data)) == data
