"""What `inv hil` makes of a run: flakes are counted, memory is compared, a soak keeps a journal and has a summary."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

import target
from artifact import ROOT
from deploy import frames
from deploy.frames import Frame, Type
from deploy.links import Link
from deploy.session import Session
from device_tests import outcome
from device_tests.memory import RSS_SLACK, Marks
from device_tests.outcome import Outcome
from device_tests.retries import FLAKY, Retries
from device_tests.soak import Soak
from device_tests.support import DeviceUnderTest, answers
from errors import DeviceError, LinkError
from pipeline.device_test import arguments_of
from pipeline.task_requests import TestRequest, read_duration
from tests.deploy.fake import FakeEngine, FakeLink, expected_output

SUITE = """
import pytest
tries = {"flaky": 0, "skip": 0}

@pytest.fixture
def seven():
    return 7

def test_good():
    pass

@pytest.mark.parametrize("x", [1])
def test_flaky(seven, x):
    tries["flaky"] += 1
    assert (seven, x) == (7, 1)
    assert tries["flaky"] > 1, "the first time"

def test_skipped_is_not_repeated():
    tries["skip"] += 1
    assert tries["skip"] == 1
    pytest.skip("no")

def test_bad():
    assert False, "each time"
"""
CONFTEST = """
from device_tests.retries import Retries

def pytest_configure(config):
    config.pluginmanager.register(Retries(2))
"""


def test_a_failure_stays_one_and_what_passes_when_repeated_is_counted(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
    command += [f"--rootdir={tmp_path}", f"--junit-xml={tmp_path / 'hil.xml'}", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "1 flaky: passed only when repeated" in done.stdout
    assert "test_flaky[1]: failed, then passed at try 2: AssertionError: the first time" in done.stdout
    assert outcome.read(tmp_path / "hil.xml") == Outcome(passed=2, failed=1, flaky=1, skipped=1)


@pytest.mark.parametrize(("code", "flakes", "expected"), [(0, ["x"], FLAKY), (0, [], 0), (1, ["x"], 1), (2, ["x"], 2)])
def test_flakes_alone_have_an_exit_code_of_their_own(code: int, flakes: list[str], expected: int) -> None:
    session = SimpleNamespace(exitstatus=code)
    Retries(1, flakes).pytest_sessionfinish(session, code)  # type: ignore[arg-type]
    assert session.exitstatus == expected


def test_a_file_that_is_not_junit(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text("<half")
    with pytest.raises(DeviceError, match=r"x\.xml: not a JUnit file .*run the tests again"):
        outcome.read(tmp_path / "x.xml")


def test_memory_grows_where_a_mark_is_higher() -> None:
    before = Marks(stack=100, arena=None, heap=1 << 20)
    assert before.growth(before) == {}
    assert before.growth(Marks(100, None, (1 << 20) + RSS_SLACK)) == {}
    assert before.growth(Marks(101, 5, (1 << 20) + RSS_SLACK + 1)) == {
        "stack": (100, 101),
        "heap": (1 << 20, (1 << 20) + RSS_SLACK + 1),
    }
    assert before.known() == {"stack": 100, "heap": 1 << 20}


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("8h", 28800), ("1.5m", 90), ("2d", 172800)])
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "8", "0s", "-1h", "1e9s", "91d", "h", "8 h", "٣s"])
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a time such as 90s, 15m, 8h or 2d, at most 90d"):
        read_duration(text)


def test_options_reach_the_suite() -> None:
    assert arguments_of(TestRequest()) == ["--kernels=xnnpack", "--runtime=auto"]
    request = TestRequest(retry=2, soak=90.0, inferences=1000, lossy=0, flasher="pyocd", pytest_arguments="-k 'a b'")
    words = arguments_of(request)
    assert {"--retry=2", "--soak=90.0", "--inferences=1000", "--lossy=0", "--flasher=pyocd"} <= set(words)
    assert words[-2:] == ["-k", "a b"]


def test_a_late_second_answer_is_not_taken_for_one_to_what_was_sent_next() -> None:
    """As on a slow line: a request is sent twice, its first answer is taken, the second comes later."""
    early, late = Frame(Type.PING, 500, b"sent twice"), Frame(Type.PING, 501, b"sent then")
    with Session(FakeLink()) as session:
        session.link.write(frames.encode(early) * 2)
        (reply,) = answers(session, frames.encode(late))
        assert (reply.seq, reply.payload) == (late.seq, late.payload)
        assert [frame.seq for frame in answers(session, frames.encode(late) * 2)] == [late.seq] * 2


# A soak


@dataclass
class Fails:
    """What goes wrong at which write to the device."""

    wrong: int = -1
    cut: int = -1
    leak: int = 0


class Engine(FakeEngine):
    def __init__(self, fails: Fails):
        super().__init__(input_size=64, output_size=4)
        self._fails, self._stack = fails, 500

    def output(self, tensor: int) -> bytes:
        right = super().output(tensor)
        return bytes(len(right)) if self.runs == self._fails.wrong else right

    def stats(self) -> dict[str, int]:
        self._stack += self._fails.leak
        return {"stack_used": self._stack}


class CutLink(FakeLink):
    """A line that breaks once, after so many writes."""

    def __init__(self, fails: Fails):
        super().__init__(Engine(fails))
        self.fails, self.writes = fails, 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        if self.writes == self.fails.cut:
            raise LinkError("fake: unplugged")
        super().write(data)


class Device(DeviceUnderTest):
    def reference(self, data: bytes) -> bytes:
        return expected_output(data, 4)


def soak(fails: Fails, journal: Path, started: list[Link]) -> tuple[Soak, list[str]]:
    plugin, shown = Soak(clock=map(float, count()).__next__), list[str]()

    def start() -> Link:
        started.append(FakeLink(Engine(Fails())))
        return started[-1]

    with Session(CutLink(fails)) as session:
        device = Device(target.load("host"), Path("none"), session, None, 5, 5, "ab", "litert", start)
        plugin.run(device, 100.0, journal, shown.append)
    return plugin, shown


@pytest.fixture
def started() -> Iterator[list[Link]]:
    links: list[Link] = []
    yield links
    for link in links:
        link.close()


def test_a_soak_without_a_fault(tmp_path: Path, started: list[Link]) -> None:
    plugin, shown = soak(Fails(), tmp_path / "soak.jsonl", started)
    (result,) = plugin.results
    assert (result.wrong, result.cuts, result.events) == (0, 0, [])
    assert result.inferences > 0
    assert result.first == result.last == {"stack": 500}
    assert shown
    lines = [json.loads(line) for line in (tmp_path / "soak.jsonl").read_text().splitlines()]
    assert "begin" in lines[0]
    assert "end" in lines[-1]
    assert lines[-1]["inferences"] == result.inferences
    assert f"{result.inferences:,} inferences, 0 wrong, 0 cuts" in result.text()


@pytest.mark.parametrize(
    ("fails", "event"),
    [
        (Fails(wrong=3), "input 2: 00000000 in place of"),
        (Fails(cut=20), "fake: unplugged"),
        (Fails(leak=8), "memory grew: {'stack': ("),
    ],
)
def test_a_soak_remembers_each_fault(fails: Fails, event: str, tmp_path: Path, started: list[Link]) -> None:
    plugin, _ = soak(fails, tmp_path / "soak.jsonl", started)
    (result,) = plugin.results
    assert event in result.events[0]
    assert (result.wrong, result.cuts) == (fails.wrong > 0, fails.cut > 0)
    assert len(started) == result.cuts
    assert event in (tmp_path / "soak.jsonl").read_text().splitlines()[-1]
