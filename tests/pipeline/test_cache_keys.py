"""A changed option gives another product: no step takes back what was made with another value of an option."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from artifact import sources_digest
from compilers import aot
from device_tests import tiny_model
from pipeline.options import fields_of
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from tests.pipeline.small import CLASSES, PRESET, save_npz

# Options that do not change what is built: where it is run, or how it is measured and printed.
NOT_BUILT = {
    "link",
    "flasher",
    "give_up_after",
    "accept_new",
    "runtime",
    "threads",
    "kernels",
    "device",
    "images",
    "fresh",
    "json",
    "unit",
    "allow_mismatch",
    "coordinator",
    "place_match",
    "places",
}
EDGE_TPU = {"compile_on", "with_", "compiled"}  # tests/compilers/test_edgetpu_compile.py has their keys


def _changes(tmp_path: Path) -> dict[str, Any]:
    """Return another value of each option that decides what is built."""
    return {
        "model": "v1s_025_32",
        "weights": str(Path(__file__).parent / "nowhere.npz"),
        "channels": 1,
        "rho": 64,
        "input_range": (0.0, 255.0),
        "labels": ",".join(reversed(CLASSES)),
        "data": f"npz:{save_npz(tmp_path / 'other.npz', seed=5)}",
        "calibration_images": 8,
        "plain": False,
        "seed": 1,
        "target": "qemu-m7",
        "engine": "tflm",
        "optimize": "speed",
        "stream_input": True,
    }


def test_each_option_that_decides_what_is_built_is_tried(tmp_path: Path) -> None:
    assert fields_of(Request).keys() - _changes(tmp_path).keys() - NOT_BUILT - EDGE_TPU == set()


@pytest.mark.parametrize("name", ["input_range", "labels", "data", "calibration_images", "plain", "seed"])
def test_int8_is_converted_again(name: str, mine: Path, npz: Path, tmp_path: Path, conversions: list[Any]) -> None:
    base = Request(str(mine), data=f"npz:{npz}", calibration_images=16, plain=True)
    changed = dataclasses.replace(base, **{name: _changes(tmp_path)[name]})
    first, second = (Steps(resolve(request)).quantize() for request in (base, changed))
    assert first.path.parent != second.path.parent, f"--{name} changes nothing"
    if name == "plain":  # the improved conversion begins with the plain artifact
        assert (first.facts.improvement, second.facts.improvement is None) == (None, False)
        return
    assert conversions
    assert len(conversions[-1]) == changed.calibration_images
    if name == "input_range":
        assert (first.facts.input_range, second.facts.input_range) == ((-1.0, 1.0), (0.0, 255.0))
        assert conversions[-1].max() > 200
    if name == "labels":
        assert second.facts.labels == tuple(reversed(CLASSES))


@pytest.mark.parametrize("name", ["model", "channels"])
def test_the_network_is_built_again(name: str, npz: Path, tmp_path: Path) -> None:
    base = Request(PRESET, weights="random", data=f"npz:{npz}", calibration_images=16, plain=True)
    changed = dataclasses.replace(base, **{name: _changes(tmp_path)[name]})
    first, second = (Steps(resolve(request)).build_network() for request in (base, changed))
    assert first.sha256 != second.sha256


@pytest.fixture(scope="module")
def on_m4(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """Return a request for firmware of two convolutions."""
    path = tiny_model.convolution(tmp_path_factory.mktemp("tiny") / "tiny.tflite")
    return Request(str(path), target="qemu-m4")


@pytest.mark.parametrize("name", ["target", "engine", "optimize", "stream_input"])
def test_firmware_is_compiled_again(name: str, on_m4: Request, npz: Path, tmp_path: Path) -> None:
    base = dataclasses.replace(on_m4, data=f"npz:{npz}")
    changed = dataclasses.replace(base, **{name: _changes(tmp_path)[name]})
    first, second = (Steps(resolve(request)).compile() for request in (base, changed))
    assert first.path.parent != second.path.parent
    assert Steps(resolve(changed)).compile().reused


@pytest.mark.usefixtures("conversions")
def test_a_range_that_was_assumed_is_not_the_same_as_one_that_was_given(mine: Path, npz: Path) -> None:
    base = Request(str(mine), data=f"npz:{npz}", calibration_images=16, plain=True)
    given = dataclasses.replace(base, input_range=(-1.0, 1.0))
    found = [Steps(resolve(request)).quantize().facts.range_from for request in (base, given)]
    assert found == ["assumed", "option"]


@pytest.mark.parametrize("changed", ["lower.py", "sets/new.py", "templates/new.c.jinja"])
def test_a_changed_compiler_makes_another_product(changed: str, tmp_path: Path) -> None:
    copy = tmp_path / "aot"
    shutil.copytree(aot.SOURCES[0], copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = sources_digest(copy, *aot.SOURCES[1:])
    assert before == sources_digest(*aot.SOURCES)
    assert before in aot.key()
    sources_digest.cache_clear()  # a run reads its sources once
    place = copy / changed
    place.parent.mkdir(exist_ok=True)
    with place.open("a") as file:
        file.write(" ")
    assert sources_digest(copy, *aot.SOURCES[1:]) != before
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "x.pyc").write_bytes(b"x")
    now = sources_digest(copy, *aot.SOURCES[1:])
    sources_digest.cache_clear()
    assert sources_digest(copy, *aot.SOURCES[1:]) == now


def test_firmware_of_other_sources_is_compiled_again(
    on_m4: Request, npz: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = dataclasses.replace(on_m4, data=f"npz:{npz}")
    first = Steps(resolve(request)).compile()
    copy = tmp_path / "aot"
    shutil.copytree(aot.SOURCES[0], copy)
    (copy / "lower.py").write_text((copy / "lower.py").read_text() + "# changed\n")
    monkeypatch.setattr(aot, "SOURCES", (copy, *aot.SOURCES[1:]))
    second = Steps(resolve(request)).compile()
    assert first.path.parent != second.path.parent
    assert first.sha256 == second.sha256
