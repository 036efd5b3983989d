"""TFLite-Micro through the command line: its interpreter on this host, its files, and both engines side by side."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from tests.pipeline.small import PRESET, call_inv, one_line, options
from tests.schemas import checked


@pytest.fixture(autouse=True)
def no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the user's own tree, whichever there is."""
    monkeypatch.delenv("TFLM_DIR", raising=False)


def test_deploy_on_this_host(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    done = call_inv(home, "deploy", *options(npz), "--target", "host-tflm", "--images", "all")
    assert done.returncode == 0, done.stderr
    report = json.loads((home / "reports" / "host-tflm" / PRESET / "report.json").read_text())
    assert report["engine"] == {
        "name": "tflm", "version": report["provenance"]["tools"]["tflite-micro"], "kernels": "reference", "threads": 1
    }  # fmt: skip
    memory = report["memory"]
    assert memory["arena"] == memory["arena_used"] == memory["arena_head"] + memory["arena_tail"]
    assert 0.5 * memory["arena"] < memory["arena_32bit"] < 1.2 * memory["arena"]
    assert report["exactness"]["n"] == report["exactness"]["equal"] == 60
    assert "reference kernels" in report["exactness"]["oracle"]
    assert report["accuracy"]["top1"] == report["accuracy"]["host_top1"]


def test_compile_writes_a_folder_without_a_tree(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    done = call_inv(home, "compile", *options(npz), "--target", "qemu-m4", "--engine", "tflm")
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.splitlines()[-1])
    assert (folder / "model.tflite").read_bytes() == int8.path.read_bytes()
    assert "#define V1_025_32_ARENA_BYTES" in (folder / "v1_025_32_arena.h").read_text()
    assert sorted(p.name for p in (folder / "examples").iterdir()) == ["arduino", "cmake", "esp-idf", "zephyr"]


def test_mistakes_are_one_line(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    arguments = ["deploy", *options(npz), "--target"]
    one_line(call_inv(home, *arguments, "qemu-m4", "--engine", "tflm"), "TFLM_DIR is not set", "make -f")
    one_line(call_inv(home, *arguments, "qemu-m4", "--engine", "tfml"), "--engine tfml", "did you mean tflm")
    one_line(call_inv(home, *arguments, "qemu-m4", "--engine", "litert"), "can't run it", "aot or tflm")
    one_line(call_inv(home, *arguments, "rpi4", "--engine", "tflm"), "runs on this host only", "host-tflm")
    one_line(
        call_inv(home, *arguments, "host-tflm", "--threads", "3"),
        "--threads 3: host-tflm (tflm) does not use it",
    )
    one_line(call_inv(home, *arguments, "host-tflm", "--link", "tcp://127.0.0.1:1"), "runs on this host only")


def test_both_engines_on_this_host(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    done = call_inv(home, "compare-engines", *options(npz), "--target", "host", "--images", "30")
    assert done.returncode == 0, done.stderr
    assert "equal to each other" in done.stdout
    engines = json.loads((home / "reports" / "host" / PRESET / "engines.json").read_text())
    assert [report["engine"]["name"] for report in engines["engines"]] == ["aot", "tflm"]
    assert [report["target"]["name"] for report in engines["engines"]] == ["host-fw", "host-tflm"]
    assert engines["equal_bytes"] == {"n": 30, "equal": 30}


@pytest.mark.emulated
def test_the_engine_that_needs_no_tree_on_an_emulator(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    done = call_inv(home, "compare-engines", *options(npz), "--target", "qemu-m4", "--images", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert "tflm is left out" in done.stderr
    engines = checked("compare-engines", done.stdout)
    (report,) = engines["engines"]
    assert report["latency"]["unit"] == "instructions"
    assert engines["equal_bytes"] == {"n": 3, "equal": 3}
    ((cycles,),) = engines["modeled"]
    assert cycles["core"] == "cortex-m4"
    assert cycles["cycles"] > cycles["instructions"] == pytest.approx(report["latency"]["median"], rel=0.002)
    assert os.environ.get("TFLM_DIR") is None
