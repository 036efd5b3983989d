"""The session against a device in this process: what works, what is lost, and what is refused."""

from __future__ import annotations

import random
import struct

import pytest

from deploy import frames
from deploy.agent.server import Refusal
from deploy.frames import Code, Frame, Type
from deploy.info import Stats
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Timeouts
from deploy.session import NoAnswer, Refused, Session
from errors import DeviceError, LinkError
from tests.deploy.fake import SHA256, FakeEngine, FakeLink, expected_output

QUICK = Timeouts(handshake_s=2, give_up_s=2, run_s=2, resend_s=0.02)


def picture(seed: int = 1, size: int = 5000) -> bytes:
    return random.Random(seed).randbytes(size)


def test_an_inference_goes_in_and_out() -> None:
    link = FakeLink()
    seen: list[tuple[str, int, int]] = []
    with Session(link, QUICK, progress=lambda *step: seen.append(step)) as session:
        result = session.infer(picture())
        assert session.resent_frames == 0
    assert result.output_bytes == expected_output(picture())
    assert result.ticks == 1001
    assert link.overruns == 0
    assert ("write", 5000, 5000) in seen
    assert ("run", 1, 1) in seen
    assert ("read", 10, 10) in seen
    assert result.round_trip_s > 0


def test_all_outputs_are_read_in_their_order() -> None:
    class TwoOutputs(FakeEngine):
        def __init__(self) -> None:
            super().__init__()
            self.outputs = [{**self.outputs[0], "shape": [1, 10]}, {**self.outputs[0], "shape": [1, 2, 3]}]

        def output(self, tensor: int) -> bytes:
            return bytes([65 + tensor] * (10, 6)[tensor])

    with Session(FakeLink(TwoOutputs()), QUICK) as session:
        assert session.infer(picture()).output_bytes == b"A" * 10 + b"B" * 6


def test_info_comes_in_parts_and_is_the_devices() -> None:
    with Session(FakeLink(max_payload=80, window=256), QUICK) as session:
        assert session.info.board == "fake"
        assert session.info.inputs[0].shape == (1, 5000)
        assert session.info.inputs[0].nbytes == 5000
        assert session.info.outputs[0].scale == 0.5
        assert session.info.memory == {"model_file": 1234}
        assert session.info.counter.rate_hz == 1_000_000


@pytest.mark.parametrize(
    ("window", "max_payload"), [(112, 80), (200, 100), (2048, 1024), (4096, 4000), (1 << 18, 65535)]
)
def test_the_window_is_never_overrun(window: int, max_payload: int) -> None:
    link = FakeLink(FakeEngine(input_size=20_000), window, max_payload)
    with Session(link, QUICK) as session:
        assert session.infer(picture(2, 20_000)).output_bytes == expected_output(picture(2, 20_000))
    assert link.overruns == 0


def test_chunks_start_at_multiples_of_64() -> None:
    offsets: list[int] = []
    link = FakeLink()
    plain = link.write
    decoder = frames.Decoder()

    def spy(data: bytes) -> None:
        written = [f for f in decoder.feed(data) if isinstance(f, Frame) and f.type == Type.WRITE]
        offsets.extend(struct.unpack_from("<I", f.payload, 1)[0] for f in written)
        plain(data)

    link.write = spy  # type: ignore[method-assign]
    with Session(link, QUICK) as session:
        session.write_input(picture())
    assert len(offsets) > 2
    assert not [offset for offset in offsets if offset % 64]


@pytest.mark.parametrize("seed", range(3))
def test_a_lossy_line_gives_the_same_and_nothing_runs_twice(seed: int) -> None:
    inner = FakeLink()
    lossy = LossyLink(inner, Faults(0.03, 0.03, 0.03, 0.01, 0.03, delay_s=0.005), seed)
    with Session(lossy, Timeouts(10, 10, 10, resend_s=0.02)) as session:
        results = [session.infer(picture(n)) for n in range(10)]
        assert session.resent_frames > 0
    assert [r.output_bytes for r in results] == [expected_output(picture(n)) for n in range(10)]
    assert [r.ticks for r in results] == list(range(1001, 1011)), "a lost reply to RUN made it run again"
    assert inner.server.inferences == 10
    assert all(lossy.counts.values())


def test_only_what_is_missing_is_sent_again() -> None:
    link = FakeLink(FakeEngine(input_size=30_000), window=8192)
    plain = link.write
    lost: list[bytes] = []

    def lose_one(data: bytes) -> None:
        if len(data) > 900 and len(lost) < 1 and link.written > 5000:
            lost.append(data)
            link.written += len(data)
        else:
            plain(data)

    link.write = lose_one  # type: ignore[method-assign]
    with Session(link, Timeouts(2, 2, 2, resend_s=1.5)) as session:
        session.write_input(picture(1, 30_000))
        assert session.resent_frames == 1, "the answers to later frames tell that one is lost"


def test_a_line_that_loses_long_frames_gets_shorter_ones() -> None:
    link = FakeLink(FakeEngine(input_size=50_000), 1 << 18, 0xFFFF)
    plain, sizes, seen = link.write, [], []

    def lose_long_ones(data: bytes) -> None:
        sizes.append(len(data))
        if len(data) < 2000:
            plain(data)

    link.write = lose_long_ones  # type: ignore[method-assign]
    with Session(link, QUICK, progress=lambda *step: seen.append(step)) as session:
        for seed in range(2):
            sizes.clear()
            data = picture(seed, 50_000)
            assert session.infer(data).output_bytes == expected_output(data)
    assert max(sizes) < 2000, "the second picture goes in short frames at once"
    written = [done for stage, done, _ in seen if stage == "write"]
    assert written.index(50_000) > 2
    assert max(written) == 50_000


def test_a_line_of_unknown_speed_is_tried_with_a_short_frame() -> None:
    link = FakeLink(FakeEngine(input_size=50_000), 1 << 18, 0xFFFF)
    plain, sizes = link.write, []

    def spy(data: bytes) -> None:
        sizes.append(len(data))
        plain(data)

    link.write = spy  # type: ignore[method-assign]
    with Session(link, QUICK) as session:
        sizes.clear()
        session.write_input(picture(1, 50_000))
        session.write_input(picture(2, 50_000))
    assert [size > 2000 for size in sizes] == [False, True, True]


def test_boot_text_goes_to_the_log() -> None:
    lines: list[str] = []
    link = FakeLink(
        boot=b"\xff\xfe\x00ROM v1\r\n\x1b[0m\r\nstarting" + frames.encode(Frame(Type.LOG, 0, b"hi \x07 there"))
    )
    with Session(link, QUICK, on_log=lines.append) as session:
        assert list(session.log) == ["ROM v1", "starting", "hi   there"]
        assert session.damaged_frames == 2
    assert lines == ["ROM v1", "starting", "hi   there"]


def test_count_runs_that_often_and_splits_what_no_frame_holds() -> None:
    with Session(FakeLink(max_payload=90, window=256), QUICK) as session:
        session.write_input(picture())
        assert session.run(25) == list(range(1001, 1026))


def test_an_engine_that_eats_its_input_runs_once() -> None:
    with Session(FakeLink(FakeEngine(input_preserved=False)), QUICK) as session:
        session.write_input(picture())
        with pytest.raises(DeviceError, match="overwrites its input"):
            session.run(2)


def test_run_without_input_is_refused() -> None:
    with Session(FakeLink(), QUICK) as session:
        with pytest.raises(Refused, match="refused RUN: INPUT: input 0 is not whole") as refused:
            session.run()
        assert refused.value.code == Code.INPUT


def test_half_an_input_after_a_run_is_not_whole() -> None:
    with Session(FakeLink(), QUICK) as session:
        session.infer(picture())
        session.run()  # The same input again is fine.
        session.request(Type.WRITE, struct.pack("<BI", 0, 0) + bytes(64))
        with pytest.raises(Refused, match="INPUT"):
            session.run()


def test_an_output_is_there_until_the_next_write() -> None:
    with Session(FakeLink(), QUICK) as session:
        with pytest.raises(Refused, match="READ: no output"):
            session.read_output()
        session.infer(picture())
        assert session.read_output() == expected_output(picture())
        session.request(Type.WRITE, struct.pack("<BI", 0, 0) + bytes(64))
        with pytest.raises(Refused, match="READ: no output"):
            session.read_output()


def test_engine_failure_has_its_message() -> None:
    link = FakeLink()
    link.engine.fails = "gather index out of bounds"
    with Session(link, QUICK) as session, pytest.raises(Refused, match="ENGINE: gather index out of bounds") as refused:
        session.infer(picture())
    assert refused.value.code == Code.ENGINE


def test_after_a_reset_the_session_goes_on() -> None:
    link = FakeLink(boot=b"boot\r\n")
    with Session(link, QUICK) as session:
        session.infer(picture())
        session.reset()
        assert link.restarts == 1
        assert session.stats().inferences == 0
        assert session.infer(picture()).output_bytes == expected_output(picture())


def test_a_restart_in_mid_run_is_reported() -> None:
    link = FakeLink(boot=b"brown-out reset\r\n")
    with Session(link, QUICK) as session:
        session.infer(picture())
        plain = session.write_input

        def write_then_restart(data: bytes, tensor: int = 0) -> None:
            plain(data, tensor)
            link.restart()

        session.write_input = write_then_restart  # type: ignore[method-assign]
        with pytest.raises(DeviceError, match="lost its input, it seems to have restarted; last output: brown-out"):
            session.infer(picture())


def test_another_model_names_both() -> None:
    with Session(FakeLink(), QUICK) as session:
        session.expect_model(SHA256)
        with pytest.raises(DeviceError, match="holds model abababababab, expected cdcdcdcdcdcd"):
            session.expect_model("cd" * 32)


def test_error_of_an_unplugged_device_has_its_progress() -> None:
    link = FakeLink()
    with Session(link, QUICK) as session:
        session.infer(picture())
        link.dies_after = link.written + 2500
        with pytest.raises(LinkError) as error:
            session.infer(picture())
    assert str(error.value) == "fake:: unplugged (during writing the input, after 1 inferences, 2 of 6 frames answered)"


def test_silence_ends_in_time_with_the_next_step() -> None:
    link = FakeLink()
    link.write = lambda data: None  # type: ignore[method-assign]
    with pytest.raises(
        NoAnswer, match=r"no answer in [0-9.]+ s \(during the handshake\); received nothing; check that the board"
    ):
        Session(link, Timeouts(handshake_s=0.3, resend_s=0.02)).__enter__()


def test_a_device_that_hangs_in_run_is_abandoned() -> None:
    link = FakeLink()
    with Session(link, Timeouts(2, 2, run_s=0.4, resend_s=0.02)) as session:
        session.write_input(picture())
        link.server.receive = lambda data: None  # type: ignore[method-assign]
        with pytest.raises(NoAnswer, match="during RUN"):
            session.run()


def test_a_request_to_a_busy_device_is_repeated() -> None:
    link = FakeLink()
    calls = []

    def busy_first(payload: bytes) -> bytes:
        calls.append(payload)
        if len(calls) < 3:
            raise Refusal(Code.BUSY, "later")
        return b'{"inferences": 0}'

    with Session(link, QUICK) as session:
        link.server._handlers[Type.STATS] = busy_first
        assert session.stats() == Stats(inferences=0)
    assert len(calls) == 3


def test_a_wrong_input_size_is_the_callers_mistake() -> None:
    with Session(FakeLink(), QUICK) as session, pytest.raises(ValueError, match="expected 5000 bytes, got 4999"):
        session.infer(bytes(4999))


def test_sequence_numbers_wrap_past_zero() -> None:
    with Session(FakeLink(), QUICK) as session:
        session.exchange._seq = 0xFFFE
        assert [session.exchange.next_seq() for _ in range(3)] == [0xFFFF, 1, 2]
        session.exchange._seq = 0xFFFE
        assert session.infer(picture()).output_bytes == expected_output(picture())


def test_a_run_number_that_another_session_used_is_a_new_run() -> None:
    link = FakeLink()
    for n in range(2):
        with Session(link, QUICK) as session:
            session.exchange._seq = 100
            assert session.infer(picture(n)).output_bytes == expected_output(picture(n))
    assert link.engine.runs == 2


def test_ping_comes_back() -> None:
    with Session(FakeLink(), QUICK) as session:
        assert session.ping(bytes(range(256))) > 0


# Bad lines


@pytest.mark.parametrize("seed", range(3))
def test_one_damaged_byte_in_a_hundred_defeats_nothing(seed: int) -> None:
    link = FakeLink()
    lossy = LossyLink(link, Faults(0, 0, 0, 0, 0, byte_error=0.01), seed)
    with Session(lossy, Timeouts(600, 600, 600, resend_s=0.02)) as session:
        assert session.info.board == "fake"
        results = [session.infer(picture(n)) for n in range(4)]
        assert session.exchange.errors.rate > 1e-3
    assert [r.output_bytes for r in results] == [expected_output(picture(n)) for n in range(4)]
    assert [r.ticks for r in results] == [1001, 1002, 1003, 1004], "a lost reply to RUN made it run again"


def test_info_comes_in_short_parts_where_long_ones_are_lost() -> None:
    link = FakeLink()
    plain, asked = link.answer, []

    def lose_long_ones(data: bytes) -> None:
        asked.append(len(data))
        plain(data if len(data) < 128 else data[:60] + b"x" + data[61:])

    link.answer = lose_long_ones  # type: ignore[method-assign]
    link.restart()
    with Session(link, QUICK) as session:
        assert session.info.board == "fake"
    assert [size > 128 for size in asked[:3]] == [True, False, False], "a damaged answer is enough"


def test_firmware_without_short_parts_of_info_is_asked_for_long_ones() -> None:
    link = FakeLink()
    handler, payloads = link.server._handlers[Type.INFO], []

    def old(payload: bytes) -> bytes:
        payloads.append(len(payload))
        if len(payload) != 4:
            raise Refusal(Code.LENGTH, "INFO takes 4 bytes")
        return handler(payload)

    link.server._handlers[Type.INFO] = old
    plain = link.answer
    lost: list[bytes] = []

    def lose_three(data: bytes) -> None:
        if len(lost) < 3:
            lost.append(data)
        else:
            plain(data)

    link.server.send = lose_three
    with Session(link, QUICK) as session:
        assert session.info.board == "fake"
    assert 6 in payloads[:-1]
    assert payloads[-1] == 4


def test_a_frame_that_is_lost_twice_is_noticed_twice_without_a_time_out() -> None:
    link = FakeLink(FakeEngine(input_size=30_000), window=8192)
    plain, decoder, seen = link.write, frames.Decoder(), []

    def lose_two(data: bytes) -> None:
        for frame in decoder.feed(data):
            assert isinstance(frame, Frame)
            if frame.type == Type.WRITE:
                seen.append(frame.payload[1:5])
                if frame.payload[1:5] == seen[3 % len(seen)] and seen.count(frame.payload[1:5]) < 3 and len(seen) > 3:
                    link.written += len(data)
                    continue
            plain(frames.encode(frame))

    with Session(link, Timeouts(2, 2, 2, resend_s=1e3)) as session:
        link.write = lose_two  # type: ignore[method-assign]
        session.write_input(picture(1, 30_000))
        assert session.resent_frames == 2
    assert seen.count(seen[3]) == 3


def test_a_line_that_gets_better_gets_longer_frames_again() -> None:
    link = FakeLink()
    faults = Faults(0, 0, 0, 0, 0, byte_error=0.005)
    lossy = LossyLink(link, faults)
    plain, longest = link.write, 0

    def spy(data: bytes) -> None:
        nonlocal longest
        longest = max(longest, *(len(piece) for piece in data.split(b"\0")))
        plain(data)

    link.write = spy  # type: ignore[method-assign]
    with Session(lossy, Timeouts(600, 600, 600, resend_s=0.02)) as session:
        session.write_input(picture())
        longest = 0
        session.write_input(picture())
        on_bad = longest
        lossy.faults = Faults(0, 0, 0, 0, 0)
        for _ in range(100):
            longest = 0
            session.write_input(picture())
    assert on_bad < 400
    assert longest > 900


@pytest.mark.parametrize(("unit", "ticks"), [("ticks", 60_000_000), ("ticks", 2**64 - 1), ("instructions", 2**50)])
def test_times_that_can_t_be_are_refused(unit: str, ticks: int) -> None:
    engine = FakeEngine()
    engine.counter["unit"] = unit
    engine.run = lambda: ticks  # type: ignore[method-assign]
    expected = r"RUN of 1 took .* s by the device's counter COUNT, and it answered after .* s; check the counter"
    with Session(FakeLink(engine), QUICK) as session, pytest.raises(DeviceError, match=expected):
        session.infer(picture())
