"""Parts of device tests: the device under test, its reference, and raw bytes past the session's own methods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import target
from artifact import Artifact, ImageFacts, sha256_of
from deploy import frames
from deploy.frames import Frame, Text, Type
from deploy.links import Link
from deploy.links.lossy import LossyLink
from deploy.session import Session
from device_tests.inputs import Pictures, random_pictures
from graph.compiled import compiled_by
from graph.oracle import Oracle, run_bytes

LITERT_ENGINES = ("litert", "tflite-runtime")
ANSWER_TIMEOUT_S = 240.0
"""So long may a device be silent that is an emulator on a busy machine."""
SLOW_INPUT_BYTES = 4096
LONGEST_LINE = 1 << 20
"""Of an answer in text mode: `results` has all outputs on one line."""


def host_target() -> target.Target:
    """Return the target `host`."""
    return target.load("host")


def artifact_of(path: Path) -> Artifact[ImageFacts]:
    """Return a .tflite as an artifact without parents."""
    sha256 = sha256_of(path)
    return Artifact(path, "tflite", path.stem, sha256, ImageFacts(sha256, {}))


@dataclass
class DeviceUnderTest:
    """The device under test: its target, the .tflite it was built from, an open session, and inputs for it.

    `held_sha256` is that of the file that it runs: the same, or what the Edge TPU's compiler wrote. `started` starts it
    again and returns the link to it, not yet open; None where only its own RESET can. `is_other_board` says that it is
    not the target's board, which the user allowed.
    """

    target: target.Target
    model: Path
    session: Session
    chosen_pictures: Pictures | None
    count: int
    inferences: int
    held_sha256: str
    engine: str
    started: Callable[[], Link] | None = None
    is_lossy: bool = False
    is_other_board: bool = False
    _answers: dict[bytes, bytes] = field(default_factory=dict)

    @cached_property
    def pictures(self) -> Pictures:
        """The user's pictures, or random ones, `count` of them."""
        if self.chosen_pictures is not None:
            return self.chosen_pictures.first(self.count)
        return random_pictures(self.session.info.inputs, self.count)

    @property
    def has_host_reference(self) -> bool:
        """Whether LiteRT on this host can run the model: not one that was compiled for another chip."""
        return not compiled_by(self.model)

    @property
    def is_exact(self) -> bool:
        """Whether each byte must equal LiteRT's. An Edge TPU's arithmetic is its own."""
        return self.engine != "edgetpu"

    @property
    def oracle_kernels(self) -> str:
        """The kernels on this host whose bytes the device's must equal: its own in LiteRT, else the reference."""
        info = self.session.info
        return info.kernels if info.engine in LITERT_ENGINES and self.is_exact else "reference"

    def host_reference(self, data: bytes) -> bytes:
        """Return the bytes of all outputs that LiteRT on this host gives for an input."""
        return b"".join(run_bytes(self.oracle, self.tensors(data)))

    def reference(self, data: bytes) -> bytes:
        """Return the bytes of all outputs that are right for an input: LiteRT's, or the first answer of an Edge TPU."""
        if data not in self._answers:
            self._answers[data] = self.host_reference(data) if self.is_exact else self.session.infer(data).output_bytes
        return self._answers[data]

    @cached_property
    def oracle(self) -> Oracle:
        """LiteRT on this host with the oracle's kernels and the same model."""
        return Oracle(self.model, self.oracle_kernels)

    def tensors(self, data: bytes) -> list[bytes]:
        """Return the bytes of each input tensor of an example."""
        ends = list(accumulate(spec.nbytes for spec in self.session.info.inputs))
        return [data[end - spec.nbytes : end] for end, spec in zip(ends, self.session.info.inputs, strict=True)]

    def inputs(self, count: int) -> list[bytes]:
        """Return the first pictures as bytes, at most `count`."""
        return [picture.tobytes() for picture in self.pictures.inputs[:count]]

    def restart(self) -> None:
        """End the device, or flash it again, and shake hands with the one that was started. See `started`."""
        assert self.started is not None
        self.session.link.close()
        self.session.link = self.session.exchange.link = self.started()
        self.session.link.open()
        self.session.shake_hands()

    def is_well(self) -> bool:
        """Whether the device answers at all, and right where an inference costs little."""
        slow = self.target.measured_on == "emulated" and self.session.info.inputs[0].nbytes > SLOW_INPUT_BYTES
        if not slow:
            return self.answers_right()
        return self.session.ping(b"well?") > 0 and self.session.stats().frames > 0

    def answers_right(self) -> bool:
        """Whether the device still answers the first picture as the reference does."""
        data = self.inputs(1)[0]
        expected = self.reference(data)
        return self.session.infer(data).output_bytes == expected


def answers(session: Session, data: bytes) -> list[Frame]:
    """Send bytes as they are and return all frames that answer them.

    A PING behind them comes back last, since devices answer in order: nothing waits for silence. One before them shows
    where the answers to earlier requests end: a request that was sent twice on a slow line is answered twice.
    """
    _until_mark(session, b"")
    return _until_mark(session, data)


def _until_mark(session: Session, data: bytes) -> list[Frame]:
    """Send bytes and a PING; return the frames that come before its answer."""
    mark = Frame(Type.PING, session.exchange.next_seq(), b"end of answers")
    session.link.write(data + frames.encode(mark))
    replies: list[Frame] = []
    limit = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < limit:
        for frame in session.exchange.receive(1.0):
            if (frame.type, frame.seq) == (Type.PING | frames.REPLY, mark.seq):
                return replies
            replies.append(frame)
    raise AssertionError(f"no answer to a PING in {ANSWER_TIMEOUT_S:g} s after {data[:40].hex()}")


def ask_text(session: Session, command: str) -> list[str]:
    """Send a text command with its `%` and return the lines of its answer, without `m-ready`."""
    session.link.write(command.encode())
    decoder = frames.Decoder(max_text=LONGEST_LINE)
    lines: list[str] = []
    limit = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < limit:
        for item in decoder.feed(session.link.read(1.0)):
            if not isinstance(item, Text):
                continue
            if item.line == "m-ready":
                return lines
            lines.append(item.line)
    raise AssertionError(f"no m-ready after {command[:40]}: {lines}")


@contextmanager
def over(session: Session, wrap: LossyLink) -> Iterator[Session]:
    """Run a session over another link during the body."""
    plain: Link = session.link
    session.link = session.exchange.link = wrap
    try:
        yield session
    finally:
        session.link = session.exchange.link = plain
