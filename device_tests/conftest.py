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
from deploy.agents import TFLM, AgentOptions
from deploy.board_state import BoardState
from deploy.device import HANDSHAKE_S, Device, device_for
from deploy.flash_tool import OtherChip
from deploy.identity import check, differences
from deploy.links import Link
from deploy.links.lossy import Faults, LossyLink
from deploy.request import Timeouts
from deploy.session import Session
from device_tests import options, provenance, tiny_model
from device_tests.inputs import Pictures
from device_tests.retries import Retries
from device_tests.run import OTHER_BOARD, PICTURES
from device_tests.soak import Soak
from device_tests.support import ANSWER_TIMEOUT_S, DeviceUnderTest, artifact_of
from errors import CompileError, DeployError, DeviceError, FitError
from graph.compiled import compiled_by
from target import Target

LOSSES = Faults(drop=0.002, flip=0.002, repeat=0.002, delay=0.002, cut=0.002, delay_s=0.005)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    # The other tests of this checkout load this file as well: no plugin of theirs.
    config.pluginmanager.register(Retries(config.getoption("--retry")), "device-retries")
    config.pluginmanager.register(Soak(), Soak.NAME)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device_on" in metafunc.fixturenames:
        names, rounds = metafunc.config.getoption("--target").split(","), metafunc.config.getoption("--rounds")
        devices = [_marked(name, number) for number in range(rounds) for name in names]
        metafunc.parametrize("device_on", devices, indirect=True, scope="session")


@pytest.fixture(scope="session")
def device_on(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[DeviceUnderTest]:
    """The device, open for all tests of this run. Ends the run if it is another board and that is not allowed."""
    option = request.config.getoption
    target = targets.load(request.param)
    folder = tmp_path_factory.mktemp(target.name)
    model, engine, artifact = _to_run(target, request.config, folder)
    device, link = _flashed(target, artifact, request.config)
    lossy = option("--lossy")
    count = option("--count") or PICTURES[target.measured_on]
    wrapped = link if lossy is None else LossyLink(link, LOSSES, lossy)
    opened = device_for(target, artifact, wrapped, timeouts=_patience(target))
    with opened.session() as session:
        mismatches = _mismatches(target, session, option("--allow-mismatch"))
        under_test = DeviceUnderTest(
            target, model, session, _pictures(option("--pictures")), count, option("--inferences") or count,
            artifact.facts.model_sha256, engine, _starter(device, lossy), lossy is not None, bool(mismatches),
        )  # fmt: skip
        prefix = f"{target.name}: " if "," in option("--target") else ""
        image = None if artifact.path == model else artifact.path
        model_name = option("--model-name") or model.stem
        for name, value in provenance.properties(under_test, model_name, link.name, image).items():
            record_testsuite_property(prefix + name, value)
        for text in mismatches:
            record_testsuite_property("mismatch", f"{target.name}: {text}")
        yield under_test
        session.link.close()


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


def _to_run(target: Target, config: pytest.Config, folder: Path) -> tuple[Path, str, Artifact[ImageFacts]]:
    """Return the model, the engine that runs it, and what the device is to run: the model, or what was compiled of it.

    Skips where that can't be built.
    """
    option = config.getoption
    named, image = option("--model-artifact"), Path(option("--image")) if option("--image") else None
    model = Path(named) if named else tiny_model.for_suite(folder / "tiny.tflite", option("--stream-input"))
    artifact, engine = artifact_of(model), option("--engine") or _engine(target, image, option("--kind"))
    if engine == "edgetpu":
        artifact = replace(artifact_of(image or model), kind="edgetpu")
        if not compiled_by(artifact.path):
            pytest.skip(f"{target.name}: needs an --image that the Edge TPU's compiler wrote")
    elif engine == "tflm" and target.kind != "mcu":
        artifact = replace(artifact, kind=TFLM, facts=replace(artifact.facts, memory={"arena": option("--tflm-arena")}))
    elif image is not None:
        artifact = replace(artifact, path=image, kind=option("--kind"))
    elif engine == "aot" and (target.kind == "linux" or option("--link") is None):
        artifact = replace(artifact, path=_built(target, model, folder, option("--stream-input")), kind="firmware")
    return model, engine, artifact


def _engine(target: Target, image: Path | None, kind: str) -> str:
    """Return the engine where none is named: the target's, or our own of a program for Linux."""
    return "aot" if target.kind == "linux" and image is not None and kind == "firmware" else target.engine


def _built(target: Target, model: Path, folder: Path, stream_input: bool) -> Path:
    from device_tests.images import build_image

    try:
        return build_image(target, model, folder, stream_input)
    except (CompileError, FitError) as e:
        pytest.skip(f"{target.name}: {e}")


def _flashed(target: Target, artifact: Artifact[ImageFacts], config: pytest.Config) -> tuple[Device, Link]:
    """Return the device and its link. Ends the run if another chip is there; skips if it can't be started."""
    try:
        device = _device(target, artifact, config)
        return device, device.flash()
    except OtherChip as e:
        pytest.exit(str(e), returncode=OTHER_BOARD)
    except DeployError as e:
        pytest.skip(str(e))


def _device(target: Target, artifact: Artifact[ImageFacts], config: pytest.Config) -> Device:
    option = config.getoption
    agent = AgentOptions(
        kernels=option("--kernels"), tpu=option("--device"), runtime=option("--runtime"),
        accept_new=option("--accept-new"),
    )  # fmt: skip
    return device_for(
        target,
        artifact,
        option("--link"),
        agent,
        flasher=option("--flasher"),
        allow_mismatch=option("--allow-mismatch"),
    )


def _patience(target: Target) -> Timeouts:
    """Return how long a device may take; an emulator or process to which a busy machine gives no time is silent too."""
    if target.measured_on == "hardware":
        return Timeouts(handshake_s=30.0 if target.kind == "mcu" else HANDSHAKE_S["hardware"])
    return Timeouts(handshake_s=HANDSHAKE_S["emulated"], give_up_s=ANSWER_TIMEOUT_S)


def _starter(device: Device, lossy: int | None) -> Callable[[], Link] | None:
    """Return what starts the device again; None for a board whose line is all that is known of it."""
    if device.target.kind == "mcu" and device.link is not None:
        return None

    def start() -> Link:
        link = device.flash()
        return link if lossy is None else LossyLink(link, LOSSES, lossy)

    return start


def _mismatches(target: Target, session: Session, allow_mismatch: bool) -> tuple[str, ...]:
    """Return what the device says of itself against its target, which the user allowed."""
    board = session.board() if target.kind != "mcu" else BoardState()
    try:
        check(target, session.info, board, allow_mismatch)
    except DeviceError as e:
        pytest.exit(str(e), returncode=OTHER_BOARD)
    return differences(target, session.info, board)


def _marked(name: str, number: int) -> Any:
    where = targets.load(name).measured_on if name in targets.names() else "host"
    marks = {"emulated": [pytest.mark.emulated], "hardware": [pytest.mark.hardware]}.get(where, [])
    return pytest.param(name, marks=marks, id=f"{name}-{number}" if number else name)


def _check_need(device: DeviceUnderTest, what: str) -> None:
    info = device.session.info
    reasons: dict[str, tuple[Callable[[], bool], str]] = {
        "labels": (lambda: device.pictures.labels is None, "needs --pictures with `labels`"),
        "input_preserved": (lambda: not info.input_preserved, "the engine overwrites its input"),
        "whole input": (lambda: info.input_streamed, "it takes its input in order, as it comes"),
        "streamed input": (lambda: not info.input_streamed, "it takes its input whole"),
        "one input": (lambda: len(info.inputs) > 1, f"text mode loads one input, the model takes {len(info.inputs)}"),
        "clean line": (lambda: device.is_lossy, "sends bytes past the session, which --lossy would damage"),
        "host reference": (lambda: not device.has_host_reference, "its model runs on that chip alone"),
        "exact counter": (
            lambda: info.counter.unit == "ticks", f"{info.counter.name} counts time, not instructions"
        ),
        "two counters": (
            lambda: device.session.stats().run_second_ticks is None, f"{info.counter.name} is its only counter"
        ),
        "restart": (lambda: device.started is None, "it can't be started again from here, only reset"),
        "stack": (lambda: "stack" not in info.memory, "the device does not know its stack"),
        "load time": (
            lambda: device.session.stats().load_ns is None, "its model is linked in, there is nothing to load"
        ),
    }  # fmt: skip
    lacks, why = reasons[what]
    if lacks():
        pytest.skip(f"{device.target.name}: {why}")


def _pictures(path: str | None) -> Pictures | None:
    if path is None:
        return None
    with np.load(path, allow_pickle=False) as file:
        return Pictures(file["inputs"], file["labels"].astype(np.int64) if "labels" in file else None)
