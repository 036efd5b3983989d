"""Firmware with the stand-in engine on each emulated board and as a process of this machine."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

import target
from compilers.image.firmware import FirmwareImage
from deploy import frames
from deploy.board_state import BoardState
from deploy.flashers import flasher_for
from deploy.frames import Decoder, Frame, Text, Type
from deploy.identity import differences
from deploy.links import Link
from deploy.session import Session
from measure.samples import Clock
from tests.firmware.conftest import Images
from tests.firmware.standin import EMULATED, INPUT_BYTES, expected_output

INPUT = bytes(i * 7 & 0xFF for i in range(INPUT_BYTES))
BOARDS = [pytest.param(name, marks=pytest.mark.emulated) for name in EMULATED] + ["host-fw"]
EMULATED_ONLY = [pytest.param(name, marks=pytest.mark.emulated) for name in EMULATED]
# One board for each family whose receive interrupt fills a ring, which could overflow: sixteen times as much as it
# holds. The program that runs on this host gets sixteen times that in a fraction of the time.
FLOODED = ("qemu-m4", "qemu-m55", "netduinoplus2")
FLOOD_BYTES = 1 << 16
WINDOW, HOST_WINDOW = 4096, 65536


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> target.Target:
    return target.load(request.param)


@pytest.fixture
def image(board: target.Target, images: Images) -> FirmwareImage:
    return images(board.name)


@pytest.fixture
def session(board: target.Target, image: FirmwareImage) -> Iterator[Session]:
    with Session(flasher_for(board).start(image.elf)) as session:
        yield session


def talk(link: Link, text: str, ready: int, timeout_s: float = 120.0) -> list[str]:
    """Send text and return the lines that come until `ready` of them are m-ready."""
    decoder, deadline = Decoder(), time.monotonic() + timeout_s
    lines: list[str] = []
    link.write(text.encode())
    while lines.count("m-ready") < ready:
        assert time.monotonic() < deadline, lines
        lines += [item.line for item in decoder.feed(link.read(1.0)) if isinstance(item, Text)]
    return lines


def test_it_boots_infers_and_agrees_with_its_image(
    board: target.Target, image: FirmwareImage, session: Session
) -> None:
    info = session.info
    assert (info.board, info.engine, info.firmware) == (board.name, "standin", image.revision)
    window = HOST_WINDOW if board.name == "host-fw" else WINDOW
    assert (info.window, info.max_payload, info.input_preserved) == (window, 1024, False)
    assert any("alpharho" in line for line in session.log)
    assert differences(board, info, BoardState()) == ()
    assert session.stats().uptime_us is not None
    damaged = session.stats().damaged_frames
    assert damaged <= 1  # an STM32 loses what comes before its UART is on: the first frame may be cut
    for data in (INPUT, bytes(INPUT_BYTES)):
        assert session.infer(data).output_bytes == expected_output(data)
    session.ping(bytes(range(256)) * 4)
    stats = session.stats()
    assert (stats.inferences, stats.damaged_frames, stats.overruns) == (2, damaged, 0)
    # The plan's, the linker's and the device's own figures: `image` was checked against the plan when it was built.
    assert stats.arena == info.memory["arena"] == image.arena_bytes
    if board.emulator:
        assert stats.stack == info.memory["stack"] == image.stack_bytes
        assert stats.stack
        assert stats.stack_used
        assert stats.stack_used < stats.stack // 2
        assert (info.counter.unit, stats.peak_rss) == (board.emulator.unit, None)
    else:
        assert stats.peak_rss
        assert stats.peak_rss > image.arena_bytes
        assert info.counter.unit == "ticks"


@pytest.mark.parametrize("name", EMULATED_ONLY)
def test_each_run_takes_the_same_count(name: str, images: Images) -> None:
    counts = set()
    for _ in range(2):
        with Session(flasher_for(target.load(name)).start(images(name).elf)) as session:
            ticks = [session.infer(INPUT).ticks for _ in range(2)]
            # What arrives while it infers must not count either.
            session.write_input(INPUT)
            run = frames.encode(Frame(Type.RUN, 4242, b"\x01\0"))
            session.link.write(run + frames.encode(Frame(Type.PING, 4243, bytes(900))))
            counts |= {*ticks, int.from_bytes(reply_to(session.link, 4242).payload[2:], "little")}
            clock = Clock(session.info.counter)
    assert len(counts) == 1
    # Some ten instructions or cycles for each byte of the input.
    assert 4 * INPUT_BYTES < clock(counts.pop()) < 40 * INPUT_BYTES


def reply_to(link: Link, seq: int, timeout_s: float = 120.0) -> Frame:
    decoder, deadline = Decoder(), time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for item in decoder.feed(link.read(1.0)):
            if isinstance(item, Frame) and item.seq == seq:
                return item
    raise AssertionError(f"no reply to {seq}")


def test_it_survives_random_bytes(board: target.Target, session: Session) -> None:
    survive(session, (1 << 20) if board.measured_on == "host" else (1 << 12))


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("name", FLOODED)
def test_it_survives_a_flood_of_random_bytes(name: str, images: Images) -> None:
    with Session(flasher_for(target.load(name)).start(images(name).elf)) as session:
        survive(session, FLOOD_BYTES)


def survive(session: Session, count: int) -> None:
    noise = random.Random(count).randbytes(count)
    for at in range(0, count, WINDOW):
        session.link.write(noise[at : at + WINDOW])
        session.link.read(0)
    # All of it may still lie in the sockets' buffers, and the emulators are slow.
    session.link.write(b"\0" + frames.encode(Frame(Type.PING, 4242, b"")))
    reply_to(session.link, 4242, timeout_s=300)
    assert session.infer(INPUT).output_bytes == expected_output(INPUT)
    stats = session.stats()
    assert stats.damaged_frames > count // 1000  # one byte in 256 is a zero, and ends something that is no frame
    assert stats.overruns == 0


def test_garbage_at_boot_is_tolerated(board: target.Target, image: FirmwareImage) -> None:
    link = flasher_for(board).start(image.elf)
    link.open()
    link.write(random.Random(1).randbytes(300) + b"\0")
    with Session(link) as session:
        assert session.infer(INPUT).output_bytes == expected_output(INPUT)


def test_a_reset_starts_it_again(session: Session) -> None:
    session.infer(INPUT)
    session.reset()
    assert session.stats().inferences == 0
    assert session.infer(INPUT).output_bytes == expected_output(INPUT)


def test_the_runner_of_mlperf_tiny_can_drive_it(board: target.Target, session: Session) -> None:
    pixels = bytes((byte + 128) & 0xFF for byte in INPUT)  # the firmware takes 128 off: pixels become int8
    link = session.link
    assert talk(link, "name%", 1) == [f"m-name-dut-[{board.name}]", "m-ready"]
    assert talk(link, "profile%", 1)[1:] == ["m-model-[standin]", "m-ready"]
    assert talk(link, f"db load {INPUT_BYTES}%", 1) == [f"m-[Expecting {INPUT_BYTES} bytes]", "m-ready"]
    chunks = [pixels[at : at + 31].hex() for at in range(0, INPUT_BYTES, 31)]
    for at in range(0, len(chunks), 20):
        part = chunks[at : at + 20]
        answers = talk(link, "".join(f"db {chunk}%" for chunk in part), len(part))
    assert answers[-2:] == ["m-load-done", "m-ready"]
    answers = talk(link, "infer 3 2%", 1)
    starts, stops = [int(line.removeprefix("m-lap-us-")) for line in answers if line.startswith("m-lap-us-")]
    assert starts <= stops
    # 0.00390625 is the scale and -128 the zero point of the stand-in's output.
    values = [(int.from_bytes([b], signed=True) + 128) * 0.00390625 for b in expected_output(INPUT)]
    assert answers[-2].startswith("m-results-[")
    results = [float(text) for text in answers[-2].removeprefix("m-results-[").rstrip("]").split(",")]
    assert results == pytest.approx(values, abs=0.00051)
    assert talk(link, f"db load {INPUT_BYTES + 1}%", 1)[0].startswith("e-[")
    assert session.infer(INPUT).output_bytes == expected_output(INPUT)
