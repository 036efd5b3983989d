"""Today's host with the firmware of earlier checkouts, recorded in tests/data/old_firmware."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

import target
from artifact import sha256_of
from deploy.flashers import flasher_for
from deploy.frames import Code, Type
from deploy.links.lossy import Faults, LossyLink
from deploy.session import Refused, Session
from device_tests.inputs import random_input
from device_tests.support import over
from graph.oracle import Oracle, run_bytes

OLD = Path(__file__).parent.parent / "data" / "old_firmware"
TINY = OLD / "tiny.tflite"
SHORT_INFO = {"qemu-m4-34780abc52f3.elf": False, "qemu-m4-ac9dc4ab39c0.elf": True}
"""Whether an image knows INFO's `most`."""

pytestmark = pytest.mark.emulated


def test_every_recorded_image_is_tested() -> None:
    assert {path.name for path in OLD.glob("*.elf")} == set(SHORT_INFO)


@pytest.fixture(scope="module", params=SHORT_INFO)
def image(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def session(image: str) -> Iterator[Session]:
    with Session(flasher_for(target.load("qemu-m4")).start(OLD / image)) as session:
        yield session


def is_right(session: Session, oracle: Oracle, seed: int) -> bool:
    spec = session.info.inputs[0]
    data = random_input(spec.dtype, spec.shape, seed).tobytes()
    return session.infer(data).output_bytes == b"".join(run_bytes(oracle, [data]))


def test_it_answers_as_the_reference_before_and_after_a_reset(session: Session) -> None:
    oracle = Oracle(TINY, "reference")
    assert session.info.model_sha256 == sha256_of(TINY)
    assert all(is_right(session, oracle, seed) for seed in range(5))
    stats = session.stats()
    assert (stats.inferences, stats.damaged_frames) == (5, 0)
    info = session.info
    session.reset()
    assert session.info == info
    assert session.stats().inferences == 0
    assert is_right(session, oracle, 6)


def test_it_gets_through_a_line_that_damages_bytes(session: Session) -> None:
    oracle, lossy = Oracle(TINY, "reference"), LossyLink(session.link, Faults(0, 0, 0, 0, 0, byte_error=0.002), 3)
    with over(session, lossy):
        session.shake_hands()
        assert all(is_right(session, oracle, seed) for seed in range(5))
    assert session.stats().damaged_frames + session.damaged_frames > 0


def test_short_parts_of_info_are_known_or_refused(session: Session, image: str) -> None:
    request = struct.pack("<IH", 0, 64)
    if SHORT_INFO[image]:
        assert len(session.request(Type.INFO, request)) == 8 + 64
        return
    with pytest.raises(Refused) as refused:
        session.request(Type.INFO, request)
    assert refused.value.code == Code.LENGTH
