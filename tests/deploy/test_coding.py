"""Inputs in fewer bytes: what was coded comes back, in any parts, and nothing else is taken for a code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulated_line import Line, SimulatedLine, answer_to
from deploy import coding, encoder
from deploy.coder import channels
from deploy.info import TensorSpec
from deploy.session import Session

SMOOTH = (np.arange(96)[:, None] + np.arange(96)).astype(np.uint8)[..., None].repeat(3, 2).tobytes()
alike = st.tuples(st.binary(min_size=1, max_size=40), st.integers(1, 60)).map(lambda pair: pair[0] * pair[1])
inputs = st.one_of(st.binary(min_size=1, max_size=700), alike, st.integers(1, 900).map(lambda n: bytes([n % 256]) * n))


@given(inputs, st.integers(1, 4))
def test_what_was_coded_comes_back(data: bytes, distance: int) -> None:
    code = encoder.encode(data, distance)
    assert coding.decode(code, len(data)) == data
    assert coding.decode(code[:-1], len(data)) is None
    assert coding.decode(code + b"\0", len(data)) is None
    assert len(code) <= len(data) + len(data) // 64 + 3


@given(inputs, st.integers(1, 4), st.integers(270, 1000), st.integers(192, 2000))
def test_parts_can_be_decoded_alone_and_are_the_whole(data: bytes, distance: int, most: int, longest: int) -> None:
    parts = encoder.parts(data, distance, most, longest)
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    for part in parts:
        (size,) = coding.HEADER.unpack_from(part.code)
        assert size == part.end - part.start <= max(longest, 192)
        assert part.start % 64 == 0
        assert len(part.code) <= most
        assert coding.decode(part.code[coding.HEADER.size :], size) == data[part.start : part.end]


@given(st.binary(max_size=80), st.integers(0, 300))
def test_any_code_gives_so_many_bytes_or_nothing(code: bytes, count: int) -> None:
    decoded = coding.decode(code, count)
    assert decoded is None or len(decoded) == count


def test_the_share_tells_pictures_from_noise() -> None:
    noise = np.random.default_rng(1).integers(0, 256, 27_648).astype(np.uint8).tobytes()
    assert encoder.share(noise, 3) > 1
    assert encoder.share(SMOOTH, 3) == pytest.approx(len(encoder.encode(SMOOTH, 3)) / len(SMOOTH), rel=0.1)
    assert encoder.share(b"short", 3) == 1
    with pytest.raises(ValueError, match="64 bytes take 68, expected at most 60"):
        encoder.parts(noise, 1, 60)


@pytest.mark.parametrize(("shape", "expected"), [((1, 9, 9, 3), 3), ((1, 9, 9, 1), 1), ((1, 9, 9, 40), 1), ((3, 3), 1)])
def test_channels_of_pictures(shape: tuple[int, ...], expected: int) -> None:
    assert channels(TensorSpec("input", shape, "int8", 1.0, 0)) == expected


@pytest.mark.parametrize(("line", "least"), [(Line(), 2.5), (Line(byte_error=0.01), 2.0), (Line(frame_drop=0.05), 2.0)])
def test_a_smooth_picture_takes_less_time_on_a_slow_line(line: Line, least: float) -> None:
    """All but the first, which shows how slow the line is."""
    link = SimulatedLine(line, input_bytes=len(SMOOTH), infer_s=0.01)
    seconds = []
    with Session(link, clock=link.clock) as session:
        for number in range(4):
            data = bytes([number]) + SMOOTH[1:]
            begin = link.now
            assert session.infer(data).output_bytes == answer_to(data)
            seconds.append(link.now - begin)
    assert link.overruns == 0
    assert least * seconds[-1] < len(SMOOTH) * 10 / line.baud


def test_a_fast_line_gets_the_bytes_as_they_are() -> None:
    link = SimulatedLine(Line(baud=10**9, latency_s=0.0), input_bytes=len(SMOOTH), infer_s=0.01)
    with Session(link, clock=link.clock) as session:
        for _ in range(3):
            before = link.bytes_out
            session.infer(SMOOTH)
            assert link.bytes_out - before > len(SMOOTH)
