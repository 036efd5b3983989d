"""`inv` that is stopped, killed or out of disk: what it says, what it keeps, and that nothing is left half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from errors import ConfigError
from models.build import KerasFacts
from pipeline import measuring
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from tests.pipeline.small import (
    PRESET,
    at_home,
    call_inv,
    command,
    environment,
    inv,
    leftovers,
    one_line,
    options,
    report_of,
    save_npz,
)

T = TypeVar("T")


def _wait_for(process: subprocess.Popen[str], sign: Callable[[], T], seconds: float = 300) -> T:
    end = time.monotonic() + seconds
    while not (seen := sign()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
    return seen


def _start(home: Path, *arguments: object, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        env=environment(home, **more),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("sign", ["*", "*/*/saved_model.pb"], ids=["at its start", "while TensorFlow converts"])
def test_ctrl_c_in_the_middle_of_calibrate(
    tmp_path: Path, home: Path, npz: Path, network: Artifact[KerasFacts], sign: str
) -> None:
    """What is in the folder of temporary files says how far it is."""
    own, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    shutil.copytree(home / "build" / "keras", own / "build" / "keras")
    process = _start(own, "calibrate", *options(npz), TMPDIR=str(temporary))
    _wait_for(process, lambda: list(temporary.glob(sign)) and list(own.glob("build/int8/.making-*")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert len(err.strip().splitlines()) == 1
    assert "stopped" in err
    assert leftovers(own) == []
    assert not list((own / "build" / "int8").iterdir())


def _agent_of(pid: int) -> int:
    """Return the process of the agent among the children of `inv`."""
    numbers = [n for task in Path(f"/proc/{pid}/task").iterdir() for n in (task / "children").read_text().split()]
    (agent,) = (int(n) for n in numbers if b"agent" in Path(f"/proc/{n}/cmdline").read_bytes())
    return agent


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, int8: Artifact[Int8Facts]) -> list[object]:
    """Return the options of a network and of pictures whose accuracy takes seconds; it is in int8 already."""
    folder = tmp_path_factory.mktemp("many")
    model = folder / f"{PRESET}.tflite"
    model.write_bytes(int8.path.read_bytes())
    return ["--model", model, "--data", f"npz:{save_npz(folder / 'many.npz', test=6000)}", "--input-range=-1,1"]


def _in_mid_accuracy(home: Path, many: list[object]) -> subprocess.Popen[str]:
    process = _start(home, "accuracy", *many, "--images", "all")
    _wait_for_line(process, "reference")
    (journal,) = _wait_for(process, lambda: list(home.glob("build/journals/*")))
    size = journal.stat().st_size
    _wait_for(process, lambda: journal.stat().st_size > size)
    return process


def _wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"no line with {text!r}")


def test_a_run_that_is_cut_three_times_ends_with_a_fullreport_of(many: list[object], tmp_path: Path) -> None:
    home = tmp_path
    process = _in_mid_accuracy(home, many)
    os.kill(_agent_of(process.pid), signal.SIGKILL)
    _wait_for_line(process, "was killed by SIGKILL")
    _wait_for_line(process, "device is back")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("stopped: measured after ")
    assert "interrupted" in out
    folder = home / "reports" / "host" / PRESET
    report = json.loads((folder / "report.partial.json").read_text())
    done = report["exactness"]["n"]
    assert 0 < done == report["accuracy"]["n"] == report["exactness"]["equal"] < 6000
    assert report["provenance"]["interrupted"] == f"after {done} of 6000 pictures: stopped by the user"
    assert report["provenance"]["reconnects"] == 1
    assert leftovers(home) == []

    process = _in_mid_accuracy(home, many)
    process.kill()
    process.communicate(timeout=300)
    last = inv(home, "accuracy", *many, "--images", "all")
    assert last.returncode == 0, last.stderr
    report = report_of(home, PRESET)
    assert report["accuracy"]["n"] == report["exactness"]["equal"] == 6000
    assert 0 < report["provenance"]["resumed_pictures"] < 6000
    assert sorted(path.name for path in folder.iterdir()) == ["details.json", "report.json", "report.md"]
    assert leftovers(home) == []
    assert list(home.glob("build/journals/*")) == []


# A full disk


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Any:
    """Return a folder on a disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() or not mount:
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here ({done.stderr.decode().strip()})")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk(tiny_disk: Path, npz: Path, network: Artifact[KerasFacts], int8: Artifact[Int8Facts]) -> None:
    """Room for nothing of a network; then room for it but not for what comes of it. Preflight and the steps say it."""
    request = Request(PRESET, weights="random", data=f"npz:{npz}", calibration_images=16, images=20, plain=True)
    done = call_inv(tiny_disk, "deploy", *options(npz))
    one_line(done, "can't be written", "free disk space")
    with at_home(tiny_disk), pytest.raises(ConfigError, match="can't be written .*free disk space"):
        Steps(resolve(request)).build_network()
    assert leftovers(tiny_disk) == []
    assert [p for p in tiny_disk.rglob("*") if p.is_file()] == []

    subprocess.run(["mount", "-o", "remount,size=8m", tiny_disk], check=True)
    for artifact in (network, int8):
        shutil.copytree(artifact.path.parent, tiny_disk / "build" / artifact.kind / artifact.path.parent.name)
    filler = tiny_disk / "filler"
    room = os.statvfs(tiny_disk)
    filler.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - 64 * 1024)))
    done = call_inv(tiny_disk, "deploy", *options(npz), "--images", "20")
    one_line(done, "can't be written", "free disk space")
    with at_home(tiny_disk), pytest.raises(ConfigError, match="can't be written .*free disk space"):
        measuring.measure(Steps(resolve(request)), ("latency", "accuracy"), "./inv deploy")
    assert leftovers(tiny_disk) == []
    assert not (tiny_disk / "reports").exists()
