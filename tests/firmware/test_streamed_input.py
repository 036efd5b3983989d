"""Firmware that takes its input row by row: over a good line and a bad one, begun twice, and what text mode says."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import target
from compilers.aot import compile_model
from compilers.image.firmware import FirmwareImage, build_firmware
from deploy.flashers import flasher_for
from deploy.frames import Type
from deploy.links import Link
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Request
from deploy.session import Session
from tests.compilers.equality import pictures
from tests.compilers.networks import tflite_of
from tests.compilers.reference import Reference
from tests.firmware.test_boards import talk

MODEL, SHAPE = "v1_025", (1, 128, 128, 3)
FIRST = b"\0" * 5


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    folder, board = tmp_path_factory.mktemp("streamed"), target.load("host-fw")
    assert board.mcu
    plan = compile_model(tflite_of(MODEL), folder / "model", board.mcu.kernels, stream_input=True)
    return build_firmware(board, plan.compiled(MODEL, folder / "model"), folder / "image")


def agree(session: Session, count: int) -> None:
    reference = Reference(tflite_of(MODEL))
    for picture, _ in pictures(count, SHAPE):
        session.write_input(picture.tobytes())
        ticks = session.run(1)
        assert ticks[0] > 0
        assert session.read_output() == reference.run(picture)[0].tobytes()


def test_outputs_equal_the_reference(image: FirmwareImage) -> None:
    with Session(flasher_for(target.load("host-fw")).start(image.elf)) as session:
        assert (session.info.input_streamed, session.info.input_preserved) == (True, False)
        agree(session, 5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_outputs_equal_the_reference_over_a_bad_line(image: FirmwareImage, seed: int) -> None:
    link = LossyLink(
        flasher_for(target.load("host-fw")).start(image.elf),
        Faults(delay_s=0.002),
        seed,
    )
    with Session(link) as session:
        agree(session, 2)
    assert sum(link.counts.values()) > 10, "the line lost next to nothing: this shows nothing"


def test_a_picture_that_was_broken_off_leaves_nothing(image: FirmwareImage) -> None:
    with Session(flasher_for(target.load("host-fw")).start(image.elf)) as session:
        for size in (64, 640, 1024 - 64):
            session.exchange.transact([Request(Type.WRITE, FIRST + bytes(size))], "writing a part")
            agree(session, 1)


class Losing:
    """A link that loses the next `lost` frames that are written."""

    def __init__(self, link: Link):
        self.link, self.lost, self.name = link, 0, link.name
        self.open, self.read, self.close = link.open, link.read, link.close

    def write(self, data: bytes) -> None:
        if self.lost:
            self.lost -= 1
        else:
            self.link.write(data)


def test_the_first_frame_of_a_picture_is_lost_after_one_that_was_broken_off(image: FirmwareImage) -> None:
    """What comes behind it must not be taken for the old picture's, sent again."""
    link = Losing(flasher_for(target.load("host-fw")).start(image.elf))
    with Session(link) as session:
        agree(session, 1)
        parts = [struct.pack("<BI", 0, at) + bytes(640) for at in range(0, 6400, 640)]
        session.exchange.transact([Request(Type.WRITE, part) for part in parts], "writing a part")
        link.lost, before = 1, session.exchange.resent
        agree(session, 1)
        assert session.exchange.resent > before, "nothing was lost: this shows nothing"


def test_text_mode_says_what_to_do(image: FirmwareImage) -> None:
    link = flasher_for(target.load("host-fw")).start(image.elf)
    link.open()
    try:
        for command in ("db load 10%", "infer 1 0%"):
            assert any("without --stream-input" in line for line in talk(link, command, ready=1)), np.array(command)
    finally:
        link.close()
