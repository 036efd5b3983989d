"""When the agent's server sends what it answers."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from deploy import frames
from deploy.agent.inputs import Input
from deploy.agent.server import JOINED_BYTES, Server
from deploy.frames import CHUNK, COUNT, GRANULE, MAP, MAP_BEFORE, Frame, Type
from tests.deploy.fake import IDENTITY, FakeEngine


def write(seq: int, offset: int, size: int) -> bytes:
    return frames.encode(Frame(Type.WRITE, seq, CHUNK.pack(0, offset) + bytes(size)))


def test_short_answers_go_together_before_a_run_computes() -> None:
    sent: list[bytes] = []

    class Engine(FakeEngine):
        def run(self) -> int:
            assert [item.seq for item in frames.Decoder().feed(b"".join(sent)) if isinstance(item, Frame)] == [1, 2, 3]
            return super().run()

    server = Server(Engine(300), IDENTITY, sent.append)
    run = frames.encode(Frame(Type.RUN, 4, COUNT.pack(1)))
    server.receive(b"".join(write(seq, 100 * seq - 100, 100) for seq in (1, 2, 3)) + run)
    assert [len(frames.Decoder().feed(data)) for data in sent] == [3, 1]


def test_answers_do_not_wait_for_the_end_of_a_long_piece() -> None:
    sent: list[bytes] = []
    Server(FakeEngine(300), IDENTITY, sent.append).receive(write(1, 0, 1) * 200)
    assert len(sent) > 1
    assert max(map(len, sent)) < JOINED_BYTES + frames.encoded_size(16)


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 12)), max_size=30))
def test_an_input_knows_which_of_its_bytes_are_written(writes: list[tuple[int, int]]) -> None:
    data, written = Input(60), set()
    for offset, size in writes:
        size = min(size, 60 - offset)
        data.write(offset, bytes(size))
        written |= set(range(offset, offset + size))
        assert {i for start, end in data.spans for i in range(start, end)} == written
        assert all(end < start for (_, end), (start, _) in itertools.pairwise(data.spans)), "neighbors are one span"
    assert data.whole == (len(written) == 60)


@given(
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 20)), max_size=20), st.integers(0, 150), st.integers(0, 63)
)
def test_a_map_has_the_granules_that_are_written(writes: list[tuple[int, int]], around: int, less: int) -> None:
    size = 151 * GRANULE - less
    data, written = Input(size), set()
    for granule, count in writes:
        end = min(size, (granule + count) * GRANULE)
        data.write(granule * GRANULE, bytes(end - granule * GRANULE))
        written |= set(range(granule, -(-end // GRANULE)))
    first = max(0, around - MAP_BEFORE)
    (bits,) = MAP.unpack(data.map_around(around * GRANULE))
    assert {first + i for i in range(64) if bits >> i & 1} == written & set(range(first, first + 64))
