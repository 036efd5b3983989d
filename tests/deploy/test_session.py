"""The session against a device in this process: what works, what is lost, and what is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from deploy import frames
from deploy.agent.payloads import Refusal
from deploy.frames import Code, Frame, Type
from deploy.info import Stats
from deploy.links import Link
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Timeouts
from deploy.session import NoAnswer, Session
from errors import DeviceError, LinkError
from tests.deploy.fake import QUICK, SHA256, FakeEngine, FakeLink, expected_output, picture


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


def frame_by_frame(link: Link, is_lost: Callable[[Frame, bytes], bool]) -> None:
    """Let a link lose the frames for which `is_lost` is true of frame and encoding."""
    plain, decoder = link.write, frames.Decoder()

    def write(data: bytes) -> None:
        for frame in decoder.feed(data):
            assert isinstance(frame, Frame)
            encoded = frames.encode(frame)
            if not is_lost(frame, encoded):
                plain(encoded)

    link.write = write  # type: ignore[method-assign]


def test_only_what_is_missing_is_sent_again() -> None:
    link = FakeLink(FakeEngine(input_size=30_000), window=8192)
    writes: list[bytes] = []

    def lose_one(frame: Frame, _: bytes) -> bool:
        if frame.type == Type.WRITE:
            writes.append(frame.payload[:5])
        return frame.type == Type.WRITE and len(writes) == 5

    with Session(link, Timeouts(2, 2, 2, resend_s=1.5)) as session:
        frame_by_frame(link, lose_one)
        session.write_input(picture(1, 30_000))
        assert session.resent_frames == 1, "the answers to later frames tell that one is lost"
    assert [chunk for chunk in writes if writes.count(chunk) > 1] == [writes[4]] * 2


def test_a_line_that_loses_long_frames_gets_shorter_ones() -> None:
    link = FakeLink(FakeEngine(input_size=50_000), 1 << 18, 0xFFFF)
    sizes: list[int] = []
    seen: list[tuple[str, int, int]] = []

    def lose_long_ones(_: Frame, encoded: bytes) -> bool:
        sizes.append(len(encoded))
        return len(encoded) >= 2000

    frame_by_frame(link, lose_long_ones)
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

        def restart_before_run(frame: Frame, _: bytes) -> bool:
            if frame.type == Type.RUN:
                link.read(0.0)
                link.restart()
            return False

        frame_by_frame(link, restart_before_run)
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
    assert str(error.value) == "fake:: unplugged (during writing the input, after 1 inferences, 2 of 8 frames answered)"


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


def test_ping_comes_back() -> None:
    with Session(FakeLink(), QUICK) as session:
        assert session.ping(bytes(range(256))) > 0
