"""A whole measurement over SSH: what the report says, and what is kept of one that is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import target
from artifact import Artifact, ImageFacts
from calibration import convert
from calibration.convert import Int8Facts
from compilers import litert
from datasets import Dataset, load
from device_tests import tiny_model
from measure import bench, report_file
from measure.measurement import Threads, open_device
from measure.setup import Settings, Setup
from pipeline.measuring import settings_of
from pipeline.request import Request
from tests.deploy.sshd import Proxy, Sshd
from tests.pipeline import small

PI = target.load("rpi4")
PICTURES = 60
# This machine stands in for the board.
SETTINGS = settings_of(Request(images=PICTURES, link="ssh://board", allow_mismatch=True, give_up_after=0))


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset]]:
    """A network of four classes, in int8 and compiled for the board, and pictures for it."""
    folder = tmp_path_factory.mktemp("bench")
    with small.at_home(folder):
        data = load(f"npz:{small.save_npz(folder / 'four.npz')}")
        int8 = convert.adopt(tiny_model.dense(folder / "tiny.tflite", classes=4), data.class_names, None)
        yield litert.compile_for(int8, PI), int8, data


def setup(measured: tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset], settings: Settings) -> Setup:
    compiled, int8, data = measured
    return Setup(PI, compiled, int8, data, settings)


def test_the_report_of_a_board(sshd: Sshd, measured: tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset]) -> None:
    how = replace(SETTINGS, threads=0, kernels="builtin")
    result = bench.measure(setup(measured, how), ("latency", "accuracy"), "./inv deploy")
    made = result.report
    report_file.check(made)
    assert made.exactness is not None
    assert made.accuracy is not None
    assert made.latency is not None
    assert made.linux is not None
    assert made.exactness.equal == made.exactness.n == PICTURES
    assert made.accuracy.top1 == made.accuracy.host_top1
    assert made.accuracy.reference_top1 is not None
    assert made.latency.unit == "us"
    assert made.latency.warmup > 40
    assert (made.linux.load_us or 0) > 0
    assert (made.linux.first_inference_us or 0) > 0
    assert made.memory["peak_rss"] > 10**6
    trials = {trial.threads: trial.median_us for trial in made.linux.threads_tried or ()}
    assert len(trials) == min(made.linux.cores or 0, 8)
    assert trials[made.engine.threads or 0] == min(trials.values())


def test_what_was_measured_before_a_cut_is_kept(
    sshd: Sshd, measured: tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset]
) -> None:
    once = setup(measured, SETTINGS)
    with open_device(once, Threads(1)) as (connection, _):  # all is copied
        assert connection.info.board == "rpi4"
    proxy = Proxy(sshd.port, after=40_000)
    sshd.configure(Port=proxy.port)
    sshd.know(sshd.folder / "host_key.pub", proxy.port)
    result = bench.measure(once, ["accuracy"], "./inv accuracy")
    proxy.close()
    made = result.report
    report_file.check(made)
    assert made.exactness is not None
    assert made.linux is not None
    assert 0 < made.exactness.n < PICTURES
    assert made.exactness.equal == made.exactness.n
    assert f"of {PICTURES} pictures: ssh://board: connection lost" in (made.provenance.interrupted or "")
    assert made.linux.after is None
    assert Path(sshd.cache / "lock").exists()
