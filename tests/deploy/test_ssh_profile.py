"""`inv profile` with LiteRT on a board over SSH, against a real server on this machine."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from pathlib import Path

import pytest

import target
import tasks  # noqa: F401  # makes the commands
from deploy.agents import PROFILER, AgentOptions, run_profiler
from deploy.bundle import build_agent
from deploy.remote import runtime
from device_tests import tiny_model
from device_tests.support import artifact_of
from errors import DeployError, DeviceError, LinkError
from graph.reader import read
from measure import litert_profile, profile
from pipeline.command_line import main
from tests.deploy.sshd import Sshd
from tests.pipeline.small import at_home
from tests.schemas import checked

PI = target.load("rpi4")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model.convolution(tmp_path / "two.tflite")


def test_nodes_of_a_board_are_those_of_its_own_runtime(sshd: Sshd, model: Path) -> None:
    sshd.clear()
    said: list[str] = []
    data = bytes(read(model).tensors[read(model).inputs[0]].bytes)
    done = run_profiler(PI, artifact_of(model), AgentOptions(kernels="builtin"), "ssh://board", data, 10, said.append)
    answer = litert_profile.answer_in(done, "rpi4")
    made = litert_profile.profile_of(litert_profile.times_of(answer), read(model), PI, "builtin")
    assert [layer.operator for layer in made.layers] == [0, 1, None]
    assert (made.measured_on, made.target, made.runs) == ("hardware", "rpi4", 10)
    assert build_agent().name in sshd.left()
    assert sum(line.startswith("copied") for line in said) == 2, said


def test_the_task_says_that_this_host_is_not_the_board(
    sshd: Sshd, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["profile", "--model", str(model), "--target", "rpi4", "--link", "ssh://board", "--json"]
    with at_home(tmp_path):
        assert main(words) == 1
        assert "rpi4: the device is another board (machine: expected aarch64" in capsys.readouterr().err
        assert main([*words, "--allow-mismatch"]) == 0
    form = checked("profile", capsys.readouterr().out)
    assert (form["target"], form["measured_on"], form["counter"]) == ("rpi4", "hardware", PROFILER)
    assert form["mismatch"][0].startswith("machine: expected aarch64, received ")
    assert [layer["operator"] for layer in form["layers"]] == [0, 1, None]
    assert json.loads(next(tmp_path.rglob("profile.json")).read_text()) == form


def test_a_board_with_the_older_runtime_alone_is_one_line(
    sshd: Sshd, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = runtime.Runtime(runtime.TFLITE, "")
    monkeypatch.setattr(runtime, "bring", lambda board, wanted, say: chosen)
    with pytest.raises(DeployError, match="uses tflite-runtime 2.14.0, whose .* take --runtime ai-edge-litert, which"):
        run_profiler(PI, artifact_of(model), AgentOptions(), "ssh://board", b"", 10, lambda text: None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("metadata.version = lambda name: '2.1.2'", "rpi4: ai-edge-litert 2.1.2: its profiler is known of 2.3 on 64 b"),
        ("import graph.litert_c as c; c.LIBRARY = 'libNo.so'", "rpi4: ai-edge-litert 2.3.0: has no libNo.so, which ha"),
    ],
)
def test_a_runtime_without_the_profiler_is_one_line(sshd: Sshd, model: Path, change: str, message: str) -> None:
    code = (
        "import sys, runpy; from importlib import metadata; sys.argv = sys.argv[1:]; sys.path.insert(0, sys.argv[0]); "
        f"{change}; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    python = shlex.quote(sys.executable)
    sshd.set_python(f'case "$1" in *.pyz) exec {python} -c {shlex.quote(code)} "$@";; esac; exec {python} "$@"')
    done = run_profiler(PI, artifact_of(model), AgentOptions(), "ssh://board", b"", 10, lambda text: None)
    with pytest.raises(DeviceError, match=message):
        litert_profile.answer_in(done, "rpi4")


def test_a_profiler_that_is_killed_is_one_line(sshd: Sshd, model: Path) -> None:
    python = shlex.quote(sys.executable)
    sshd.set_python(f'case "$1" in *.pyz) kill -9 $$;; esac; exec {python} "$@"')
    with pytest.raises(LinkError, match="ssh://board: LiteRT's profiler was killed, or the connection was lost"):
        run_profiler(PI, artifact_of(model), AgentOptions(), "ssh://board", b"", 10, lambda text: None)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="builds for x86-64 and runs it on this host")
def test_our_engine_starts_again_in_each_round(
    sshd: Sshd, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(profile, "LINUX_BOARD", profile.Repeats(2, 1, 4, 2))
    with at_home(tmp_path):
        assert (
            main(["profile", "--model", str(model), "--target", "linux-x86-64", "--link", "ssh://board", "--json"]) == 0
        )
    form = checked("profile", capsys.readouterr().out)
    assert (form["measured_on"], form["unit"], form["runs"]) == ("hardware", "us", 8)
    assert [layer["operator"] for layer in form["layers"]] == [0, 1]
    assert len([name for name in sshd.left() if name.startswith("program-")]) >= 2, "the ordinary and the profiled one"
