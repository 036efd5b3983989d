"""A whole measurement over SSH: what the report says, and what is kept of one that breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import target
from artifact import Artifact, ImageFacts
from calibration import convert
from calibration.convert import Int8Facts
from compilers import litert
from datasets import Dataset, load
from device_tests import tiny_model
from measure import report
from measure.bench import Bench, Settings
from tests.deploy.sshd import Proxy, Sshd
from tests.pipeline import small

PI = target.load("rpi4")
PICTURES = 60


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


def bench(measured: tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset], **how: object) -> Bench:
    compiled, int8, data = measured
    return Bench(PI, compiled, int8, data, Settings(images=PICTURES, link="ssh://board", **how))  # type: ignore[arg-type]


def test_the_report_of_a_board(sshd: Sshd, measured: tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset]) -> None:
    with bench(measured, threads=0, kernels="builtin") as run:
        made = run.report(("latency", "accuracy"), "./inv deploy")
    report.check(made)
    assert made["exactness"]["equal"] == made["exactness"]["n"] == PICTURES
    assert made["accuracy"]["top1"] == made["accuracy"]["host_top1"]
    assert "reference_top1" in made["accuracy"]
    assert made["latency"]["unit"] == "us"
    assert made["latency"]["warmup"] > 40
    assert made["linux"]["load_us"] > 0
    assert made["linux"]["first_inference_us"] > 0
    assert made["memory"]["peak_rss"] > 10**6
    tried = made["linux"]["threads_tried"]
    assert len(tried) == min(made["linux"]["cores"], 8)
    assert tried[str(made["engine"]["threads"])] == min(tried.values())


def test_what_was_measured_before_a_cut_is_kept(
    sshd: Sshd, measured: tuple[Artifact[ImageFacts], Artifact[Int8Facts], Dataset]
) -> None:
    with bench(measured) as run:  # all is copied
        assert run.session.info.board == "rpi4"
    proxy = Proxy(sshd.port, after=40_000)
    sshd.configure(Port=proxy.port)
    sshd.know(sshd.folder / "host_key.pub", proxy.port)
    with bench(measured) as run:
        made = run.report(("accuracy",), "./inv accuracy")
    proxy.close()
    report.check(made)
    assert 0 < made["exactness"]["n"] < PICTURES
    assert made["exactness"]["equal"] == made["exactness"]["n"]
    assert f"of {PICTURES} pictures: ssh://board: connection lost" in made["provenance"]["interrupted"]
    assert "after" not in made["linux"]
    assert Path(sshd.cache / "lock").exists()
