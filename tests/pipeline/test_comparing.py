"""`inv compare`: words, exit code, JSON and JUnit; and that a kernel made slower on purpose fails the gate."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import artifact
import tasks  # noqa: F401  # its tasks are in COMMANDS
from compilers.image import firmware
from device_tests import tiny_model
from errors import ConfigError, Error
from measure import report_file
from measure.compare import comparison, sides
from measure.compare.comparison import Samples
from pipeline import comparing, measuring
from pipeline.command_line import COMMANDS, parse
from pipeline.options import read
from pipeline.request import Request
from pipeline.task_requests import ComparisonRequest
from tests.measure.test_compare import GOOD, counted
from tests.schemas import checked

LIMITS = "latency>3%,accuracy>0.5pt,ram>0"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], str]:
    """Return what writes a run of so many instructions and returns its path."""
    monkeypatch.setattr(artifact, "HOME", tmp_path)
    monkeypatch.setattr(comparing, "REPORTS_DIR", tmp_path / "reports")

    def run(name: str, amount: float) -> str:
        return str(report_file.write(counted(amount), tmp_path / name / "qemu-m4" / "v1_025").parent)

    return run


def compare(*words: str) -> None:
    ((command, typed),) = parse(["compare", *words])
    comparing.run(read(ComparisonRequest, typed), "./inv compare")
    assert command is COMMANDS["compare"]


def test_a_report_of_a_newer_schema_is_named(write: Callable[[str, float], str]) -> None:
    first, second = write("a", 1000), write("b", 1000)
    path = Path(second) / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 3, "unknown": 1}))
    with pytest.raises(ConfigError, match=f"^{path}: schema 3, of a newer Alpharho; this one reads 2: update it$"):
        compare(first, second)


def test_a_slower_run_fails_the_gate(
    write: Callable[[str, float], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, path = write("a", 1000), write("b", 1050), tmp_path / "gate.xml"
    compare(first, first, "--fail-on", LIMITS, "--junit", str(path))
    assert ElementTree.parse(path).getroot().attrib == {"name": "inv compare", "tests": "3", "failures": "0"}
    capsys.readouterr()
    with pytest.raises(Error, match=r"^v1_025 on qemu-m4: latency is worse by 5%, the limit is latency>3%$"):
        compare(first, second, "--json", "--fail-on", LIMITS, "--junit", str(path))
    form = checked("compare", capsys.readouterr().out)
    assert form["failed"]
    root = ElementTree.parse(path).getroot()
    assert [case.get("name") for case in root if case.find("failure") is not None] == ["latency>3%"]


def test_the_baseline_is_always_the_first(
    write: Callable[[str, float], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("reports", 1000)
    compare("--save-baseline", "--json")
    assert checked("compare", capsys.readouterr().out) == {"schema": 1, "baseline": str(tmp_path / "baseline")}
    second = write("reports", 1100)
    for words in ((), (second,), (second, "baseline"), ("baseline", second)):
        with pytest.raises(Error, match=r"latency is worse by 10%"):
            compare(*words, "--fail-on", "latency>3%")
    with pytest.raises(ConfigError, match="--save-baseline: expected one run to keep"):
        compare(second, second, "--save-baseline")
    with pytest.raises(ConfigError, match="x: there are two runs already, a and b; give two"):
        parse(["compare", "a", "b", "x"])
    with pytest.raises(ConfigError, match="--fail-on latncy>3%: expected limits .* did you mean latency"):
        compare("--fail-on", "latncy>3%")


def test_mistakes_are_found_before_anything_is_measured(write: Callable[[str, float], str], tmp_path: Path) -> None:
    model = str(tiny_model.dense(tmp_path / "tiny.tflite"))
    for words, message in (
        ((model, write("a", 1000)), r"tiny.tflite: is a model, and .*a/.* is not; give two models, or two reports"),
        ((write("a", 1000), model), r"tiny.tflite: is a model, and .*a/.* is not"),
        ((model, "nowhere.tflite", "--target", "host"), r"nowhere.tflite: no such file"),
        ((model, model, "--target", "host", "--fail-on", "latency>"), r"--fail-on latency>: expected limits"),
    ):
        with pytest.raises(ConfigError, match=message):
            compare(*words)


def test_samples_are_in_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    times = tuple(1000 * np.exp(np.random.default_rng(0).normal(0, 0.01, 20)))
    compared = comparison.compare(GOOD, GOOD, ("a", "b"), samples=Samples.of(times, times[::-1]))
    checked("compare", json.dumps(comparing.form_of([compared], [])))


@pytest.mark.slow
@pytest.mark.emulated
def test_a_kernel_made_slower_on_purpose_fails_the_gate(
    write: Callable[[str, float], str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model.dense(tmp_path / "tiny.tflite")
    request = Request(model=str(model), target="qemu-m0", images=1, fresh=True)
    folder = home / "reports" / "qemu-m0" / "tiny"

    def bench() -> None:
        measuring.run("bench", request, ("latency",), "./inv bench")

    bench()
    sides.save_baseline(sides.load(str(folder), ""))
    compare(str(folder), "baseline", "--fail-on", "latency>0,ram>0")
    changed = tmp_path / "firmware"
    shutil.copytree(firmware.FIRMWARE_DIR, changed)
    kernel = changed / "kernels" / "portable" / "dense.c"
    begin, text = "c += DENSE_ROWS) {\n", kernel.read_text()
    assert text.count(begin) == 1
    kernel.write_text(text.replace(begin, begin + "for (volatile int wait = 0; wait < 100; wait++) {}\n"))
    monkeypatch.setattr(firmware, "FIRMWARE_DIR", changed)
    bench()
    with pytest.raises(Error, match=r"^tiny on qemu-m0: latency is worse by"):
        compare(str(folder), "baseline", "--fail-on", "latency>3%")
