"""A run whose cable is pulled three times, and whose board restarts once: the command ends with the full report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from artifact import Artifact
from benchmarks.pulled_cable import Cable, starter
from calibration.convert import Int8Facts
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from tests.pipeline.small import PRESET, at_home, inv, options, report_of

PICTURES = 60
BYTES = PICTURES * 32 * 32 * 3
CUTS, RESTART = (BYTES // 5, 2 * BYTES // 5, 3 * BYTES // 5), 4 * BYTES // 5
"""After how many bytes to the board, so that nothing depends on a time."""


@pytest.fixture
def cable(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> Iterator[Cable]:
    request = Request(PRESET, target="host-fw", weights="random", data=f"npz:{npz}", calibration_images=16, plain=True)
    with at_home(home):
        image = Steps(resolve(request)).build_firmware().path
    cable = Cable(starter("host-fw", image), CUTS, RESTART)
    yield cable
    cable.close()


def test_it_ends_with_the_full_report(home: Path, npz: Path, cable: Cable) -> None:
    done = inv(
        home, "accuracy", *options(npz), "--target", "host-fw", "--link", cable.uri, "--images", "all", "--fresh"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert (cable.cuts, cable.restarts) == (3, 1)
    report = report_of(home, PRESET, "host-fw")
    assert report["accuracy"]["n"] == report["exactness"]["n"] == report["exactness"]["equal"] == PICTURES
    # What the restarted board has lost may be sent again before the run notices more than a refused RUN.
    assert report["provenance"]["reconnects"] in (3, 4)
    assert "interrupted" not in report["provenance"]
