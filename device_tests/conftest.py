"""The device under test, from the command line: `inv hil --target T [--link URI]`, or pytest with the same options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import target as targets
from artifact import Artifact, ImageFacts
from deploy.agents import AgentOptions
from deploy.board_state import BoardState
from deploy.device import HANDSHAKE_S, device_for
from deploy.identity import check, differences
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Timeouts
from deploy.session import Session
from device_tests import tiny_model
from device_tests.run import OTHER_BOARD, PICTURES
from device_tests.support import DeviceUnderTest, Pictures, artifact_of
from errors import CompileError, DeployError, DeviceError, FitError
from graph.kernels import KERNELS, USUAL

LOSSES = Faults(drop=0.002, flip=0.002, repeat=0.002, delay=0.002, cut=0.002, delay_s=0.005)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("device tests")
    group.addoption("--target", default="host", help="boards to test, joined by commas [default: host]")
    group.addoption(
        "--link",
        default=None,
        help="address of an already flashed or a Linux board, such as serial:///dev/ttyACM0 or ssh://pi@host",
    )
    group.addoption("--model-artifact", default=None, help="the int8 .tflite that the device holds or is to run")
    group.addoption("--image", default=None, help="firmware image or Linux program of that model")
    group.addoption("--pictures", default=None, help="npz of `inputs` as the model takes them, and `labels` if known")
    group.addoption("--count", type=int, default=None, help="pictures [default: 100, on an emulator 20]")
    group.addoption("--kernels", default=USUAL, help=f"LiteRT kernels of Linux boards: {', '.join(KERNELS)}")
    group.addoption("--allow-mismatch", action="store_true", help="test a device that is not the target's board")
    group.addoption("--lossy", type=int, default=None, help="run over a line that loses bytes, with this seed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device_on" in metafunc.fixturenames:
        names = metafunc.config.getoption("--target").split(",")
        metafunc.parametrize("device_on", [_marked(name) for name in names], indirect=True, scope="session")


@pytest.fixture(scope="session")
def device_on(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[DeviceUnderTest]:
    """The device, open for all tests of this run. Ends the run if it is another board and that is not allowed."""
    option = request.config.getoption
    target = targets.load(request.param)
    if target.tpu:
        pytest.skip(f"{target.name}: the suite compiles nothing for an Edge TPU; measure it with inv deploy")
    folder = tmp_path_factory.mktemp(target.name)
    model = Path(option("--model-artifact") or tiny_model.dense(folder / "tiny.tflite"))
    uri = option("--link")
    is_program = _runs_program(target, option("--image"))
    if is_program:
        target = replace(target, engine="aot")
    has_it = uri is not None and not is_program
    artifact = artifact_of(model) if has_it else _runnable(target, model, option("--image"), folder)
    try:
        link = device_for(target, artifact, uri, AgentOptions(kernels=option("--kernels"))).flash()
    except DeployError as e:
        pytest.skip(str(e))
    if option("--lossy") is not None:
        link = LossyLink(link, LOSSES, option("--lossy"))
    pictures = _pictures(option("--pictures"))
    count = option("--count") or PICTURES[target.measured_on]
    handshake_s = HANDSHAKE_S.get(target.measured_on, 30.0) if target.kind != "mcu" else 30.0
    timeouts = Timeouts(handshake_s=handshake_s)
    with device_for(target, artifact_of(model), link, timeouts=timeouts).session() as session:
        mismatches = _mismatches(target, session, option("--allow-mismatch"))
        for text in mismatches:
            record_testsuite_property("mismatch", f"{target.name}: {text}")
        is_lossy = option("--lossy") is not None
        yield DeviceUnderTest(target, model, session, pictures, count, is_lossy, bool(mismatches))


@pytest.fixture
def device(request: pytest.FixtureRequest, device_on: DeviceUnderTest) -> DeviceUnderTest:
    """The device, for one test; skips where the device lacks what the test needs."""
    for marker in request.node.iter_markers("needs"):
        _check_need(device_on, marker.args[0])
    return device_on


@pytest.fixture
def session(device: DeviceUnderTest) -> Session:
    """The session with the device."""
    return device.session


def _mismatches(target: targets.Target, session: Session, allow_mismatch: bool) -> tuple[str, ...]:
    """Return what the device says of itself against its target, which the user allowed."""
    board = session.board() if target.kind != "mcu" else BoardState()
    try:
        check(target, session.info, board, allow_mismatch)
    except DeviceError as e:
        pytest.exit(str(e), returncode=OTHER_BOARD)
    return differences(target, session.info, board)


def _marked(name: str) -> Any:
    where = targets.load(name).measured_on if name in targets.names() else "host"
    marks = {"emulated": [pytest.mark.emulated], "hardware": [pytest.mark.hardware]}.get(where, [])
    return pytest.param(name, marks=marks, id=name)


def _check_need(device: DeviceUnderTest, what: str) -> None:
    info, stats = device.session.info, device.session.stats()
    reasons = {
        "labels": (device.pictures.labels is None, "needs --pictures with `labels`"),
        "input_preserved": (not info.input_preserved, "the engine overwrites its input"),
        "clean line": (device.is_lossy, "sends bytes past the session, which --lossy would damage"),
        "exact counter": (info.counter.unit == "ticks", f"{info.counter.name} counts time, not instructions"),
        "two counters": (stats.run_second_ticks is None, f"{info.counter.name} is its only counter"),
        "stack": ("stack" not in info.memory, "the device does not know its stack"),
        "peak_rss": (stats.peak_rss is None, "only Linux has a peak RSS"),
        "load time": (stats.load_ns is None, "its model is linked in, there is nothing to load"),
    }
    lacks, why = reasons[what]
    if lacks:
        pytest.skip(f"{device.target.name}: {why}")


def _runnable(target: targets.Target, model: Path, image: str | None, folder: Path) -> Artifact[ImageFacts]:
    """Return what the target runs: the model itself, or a firmware image or program that has it inside."""
    artifact = artifact_of(model)
    if target.kind != "mcu" and not _runs_program(target, image):
        return artifact
    from device_tests.images import build_image

    try:
        path = Path(image) if image else build_image(target, model, folder)
    except (CompileError, FitError) as e:
        pytest.skip(f"{target.name}: {e}")
    return replace(artifact, path=path, kind="firmware")


def _runs_program(target: targets.Target, image: str | None) -> bool:
    """Return whether a Linux target runs a compiled program: the one that is named, or by its own engine."""
    return target.kind == "linux" and (image is not None or target.engine == "aot")


def _pictures(path: str | None) -> Pictures | None:
    if path is None:
        return None
    with np.load(path, allow_pickle=False) as file:
        return Pictures(file["inputs"], file["labels"].astype(np.int64) if "labels" in file else None)
