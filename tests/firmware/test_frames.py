"""The C decoder and encoder against the vectors that deploy's tests share, and against deploy's own decoder."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.frames import Decoder, Frame, Text, encode, encoded_size
from tests.firmware.driver import Driver, build_driver, build_fuzzer
from tests.fuzz import protocol

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "frames.json").read_text())
MAX_PAYLOAD = 1024
MAX_FRAME = encoded_size(MAX_PAYLOAD) - 2
TEXT_MAX = 200
FUZZ_RUNS = 6_000
EDGES_OF_KEPT_INPUTS = 300  # about 340 with clang 14; random bytes without right checksums reach 156


@pytest.fixture(scope="module")
def receive(driver_program: Path) -> Iterator[Driver]:
    driver = Driver(driver_program, "receive")
    yield driver
    assert driver.close() == 0


def events(answer: bytes) -> tuple[list[Frame | Text], int]:
    """Return the frames and texts that the driver tells of, and how many damaged frames."""
    items: list[Frame | Text] = []
    lines = answer.decode().splitlines()
    for line in lines:
        word, *rest = line.split(" ")
        if word == "frame":
            version, kind, seq, repaired, payload = rest
            count = None if repaired == "255" else int(repaired)
            items.append(Frame(int(kind), int(seq), bytes.fromhex(payload), int(version), count))
        elif word == "text":
            items.append(Text(bytes.fromhex(rest[0]).decode().strip()))
    return items, lines.count("damaged")


@pytest.mark.parametrize("case", VECTORS["frames"], ids=lambda case: case["name"])
def test_frame_decodes_as_the_vector_says(receive: Driver, case: dict[str, Any]) -> None:
    frame = Frame(case["type"], case["seq"], bytes.fromhex(case["payload"]))
    assert events(receive(bytes.fromhex(case["line"]))) == ([frame], 0)


@pytest.mark.parametrize("case", VECTORS["repairable"], ids=lambda case: case["name"])
def test_frame_is_repaired_as_the_vector_says(receive: Driver, case: dict[str, Any]) -> None:
    frame = Frame(case["type"], case["seq"], bytes.fromhex(case["payload"]), repaired=case["repaired"])
    expected = ([], 1) if case["repaired"] is None else ([frame], 0)
    assert events(receive(bytes.fromhex(case["line"]))) == expected


# One vector is for a smaller buffer than the device's: test_a_frame_too_long_is_dropped_whole stands for it here.
@pytest.mark.parametrize(
    "case", [case for case in VECTORS["streams"] if case["name"] != "over_long"], ids=lambda case: case["name"]
)
def test_stream_gives_what_the_vector_says(receive: Driver, case: dict[str, Any]) -> None:
    items, damaged = events(receive(bytes.fromhex(case["line"])))
    expected = [
        Text(item["text"])
        if "text" in item
        else Frame(item["type"], item["seq"], bytes.fromhex(item["payload"]), item["version"])
        for item in case["items"]
        # Text towards a device ends at % alone.
        if "text" not in item or case["text_end"] == "%"
    ]
    assert (items, damaged) == (expected, case["damaged"])


@given(payload=st.binary(max_size=MAX_PAYLOAD), kind=st.integers(0, 255), seq=st.integers(0, 0xFFFF))
def test_any_frame_comes_through(receive: Driver, payload: bytes, kind: int, seq: int) -> None:
    frame = Frame(kind, seq, payload)
    assert events(receive(encode(frame))) == ([frame], 0)


@given(data=st.binary(max_size=3000))
def test_any_bytes_are_survived_as_deploy_survives_them(receive: Driver, data: bytes) -> None:
    compare(receive, data)


@given(
    parts=st.lists(
        st.one_of(
            st.builds(
                Frame,
                st.integers(0, 255),
                st.integers(0, 0xFFFF),
                st.binary(max_size=300),
                st.integers(1, 8),
                repaired=st.none(),
            ).map(encode),
            st.builds(
                Frame, st.integers(0, 12), st.integers(0, 9), st.binary(max_size=237), st.just(1), st.just(0)
            ).map(encode),
            st.sampled_from([b"name%", b"db load 9%", b"boot\r\n", b"\0", b"%", b"\x02\x01", b"\xff"]),
        )
    ),
    flips=st.lists(st.tuples(st.integers(0), st.integers(1, 255)), max_size=6),
)
def test_damaged_streams_are_read_as_deploy_reads_them(
    receive: Driver, parts: list[bytes], flips: list[tuple[int, int]]
) -> None:
    data = bytearray(b"".join(parts))
    for place, mask in flips:
        if data:
            data[place % len(data)] ^= mask
    compare(receive, bytes(data))


def compare(receive: Driver, data: bytes) -> None:
    """Check that the C decoder takes the same frames as deploy's and counts the same damage.

    Text is not compared: the device has no use for lines that a zero ends. The zero at the end completes all that
    deploy's decoder would count.
    """
    data += b"\0"
    decoder = Decoder(MAX_FRAME, text_end=b"%", max_text=1 << 20)
    expected = [item for item in decoder.feed(data) if isinstance(item, Frame)]
    items, damaged = events(receive(data))
    assert [item for item in items if isinstance(item, Frame)] == expected
    assert damaged == decoder.damaged


def test_a_frame_too_long_is_dropped_whole(receive: Driver) -> None:
    ping = Frame(7, 5, b"hello")
    for size in (MAX_PAYLOAD + 1, 5000, 60000):
        assert events(receive(encode(Frame(7, 4, b"\x11" * size)) + encode(ping))) == ([ping], 1)
    # With many zeros a few bytes more fit the buffer for encoded bytes, but they are over the limit all the same.
    for size in range(MAX_PAYLOAD + 1, MAX_PAYLOAD + 5):
        payload = (b"\x11" * 99 + b"\0") * 11
        assert events(receive(encode(Frame(7, 4, payload[:size])) + encode(ping))) == ([ping], 1)
    for payload in (b"\x11" * MAX_PAYLOAD, bytes(MAX_PAYLOAD)):
        assert events(receive(encode(Frame(7, 4, payload)) + encode(ping))) == ([Frame(7, 4, payload), ping], 0)


@pytest.mark.parametrize("size", [TEXT_MAX, TEXT_MAX + 1, 5000])
def test_a_long_command_is_recognized(receive: Driver, size: int) -> None:
    expected = b"text " + b"61" * size + b"\n" if size <= TEXT_MAX else b"long\n"
    assert receive(b"a" * size + b"%name%") == expected + b"text 6e616d65\n"


def test_random_requests_break_nothing(tmp_path: Path) -> None:
    program = build_driver(tmp_path)
    done = subprocess.run([program, "fuzz", "60000"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("options", [(), ("-DSTREAMED_INPUT",)], ids=["whole", "streamed"])
def test_libfuzzer_finds_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    """From the kept inputs on, a fixed number of inputs. The kept ones alone reach what is behind the checksum."""
    clang = protocol.compiler()
    if not clang:
        pytest.skip("no clang; apt install clang libclang-rt-dev")
    program = build_fuzzer(tmp_path, clang, *options)
    corpus = protocol.write_kept(tmp_path / "corpus")
    done = subprocess.run(
        [program, f"-runs={FUZZ_RUNS}", "-max_len=1000", "-seed=1", "-close_fd_mask=1", str(corpus)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    runs, edges = re.search(r"Done (\d+) runs", done.stderr), re.search(r"INITED cov: (\d+)", done.stderr)
    assert runs
    assert edges
    assert int(runs[1]) >= FUZZ_RUNS
    assert int(edges[1]) >= EDGES_OF_KEPT_INPUTS
