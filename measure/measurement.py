"""What one device answered: its times, its outputs, its memory and who it said it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

import console
from artifact import Artifact, produce
from datasets import digest_of
from deploy.agents import AgentOptions
from deploy.board_state import BoardState
from deploy.device import Device, device_for
from deploy.identity import check, differences
from deploy.info import DeviceInfo, Stats
from deploy.session import Session
from errors import ConfigError, Error
from measure import edgetpu, identity, linux, samples
from measure.layout import latency_text
from measure.report import ThreadTrial
from measure.setup import Pictures, Setup

FILENAME = "outputs.npy"
# Warm-up and timed runs, by what the target is measured on.
RUNS = {"host": (20, 200), "hardware": (20, 200), "emulated": (0, 3)}


@dataclass(frozen=True)
class Threads:
    """The number of threads that the device runs with, and the trials by which it was chosen, if it was."""

    count: int
    trials: tuple[ThreadTrial, ...] = ()


@dataclass(frozen=True, eq=False)
class DeviceOutputs:
    """A device's answers to the first pictures: `raw`, the bytes of all outputs (n, bytes).

    `measured` says when, ISO 8601 in UTC; `seconds` is how long it took. `is_reused` says that an earlier run measured
    them; `interrupted` where the run was cut short, "" if it was not.
    """

    raw: npt.NDArray[np.uint8]
    measured: str
    seconds: float
    is_reused: bool = False
    interrupted: str = ""


@dataclass(frozen=True, eq=False)
class Measurement:
    """What one device answered. What was not measured is None.

    `info` is who it said it is, `stats` its counters and sizes; `before` and `after` are the states of a Linux board;
    `clock_error` is by what part its counter is fast by this host's clock.
    """

    info: DeviceInfo
    threads: Threads
    latency: samples.Latency | None
    outputs: DeviceOutputs | None
    stats: Stats
    before: BoardState
    after: BoardState
    clock_error: float | None = None

    @property
    def interrupted(self) -> str:
        """Where the run was cut short, "" if it was not."""
        return self.outputs.interrupted if self.outputs else ""


@dataclass(frozen=True)
class OutputsFacts:
    """Facts of a device's outputs: when they were measured, ISO 8601 in UTC."""

    measured: str


def device_of(setup: Setup, threads: int) -> Device:
    """Return the device of a setup, which runs with a number of threads where it is a Linux board."""
    how = setup.settings
    agent = AgentOptions(threads, how.kernels, how.device, how.runtime, how.accept_new)
    return device_for(setup.target, setup.compiled, how.link, agent, say=console.note, flasher=how.flasher)


def choose_threads(setup: Setup, pictures: Pictures) -> Threads:
    """Return the number of threads of the settings, or try which is the fastest.

    Raises ConfigError where times are an emulator's.
    """
    if setup.settings.threads or not setup.is_linux:
        return Threads(setup.settings.threads or 1)
    if setup.target.measured_on == "emulated":
        raise ConfigError("--threads auto: an emulator's time says nothing of the device; give a number")
    with console.step("threads") as line:
        trials = linux.try_threads(lambda count: _session(setup, count), pictures.first)
        best = min(trials, key=lambda trial: trial.median_us).threads
        line.text = f"{best} of {len(trials)} tried"
    return Threads(best, trials)


@contextmanager
def open_device(setup: Setup, threads: Threads) -> Iterator[tuple[Session, BoardState]]:
    """Yield the session with the device, which holds the setup's model, and the state of a Linux board.

    Raises as deploy.device.Device.session.
    """
    with ExitStack() as stack:
        with console.step("deploy") as line:
            session = stack.enter_context(_session(setup, threads.count))
            before = session.board() if setup.is_linux else BoardState()
            info = session.info
            line.text = f"{info.board}: {info.engine} {info.engine_version}, {info.kernels} kernels"
            line.text += edgetpu.device_text(before)
        for text in differences(setup.target, info, before):
            console.note(f"{setup.target.name}: the device is another board; {text}")
        yield session, before


@contextmanager
def _session(setup: Setup, threads: int) -> Iterator[Session]:
    """Yield a session with the device once it has said that it is the setup's board, or may be another."""
    with device_of(setup, threads).session() as session:
        board = session.board() if setup.is_linux else BoardState()
        check(setup.target, session.info, board, setup.settings.allow_mismatch)
        yield session


def read_clock(setup: Setup, session: Session) -> identity.ClockReading | None:
    """Read the counter of a device beside this host's clock; an emulator's does not follow time."""
    return None if setup.target.measured_on == "emulated" else identity.read_clock(session)


def measure_latency(setup: Setup, session: Session, pictures: Pictures) -> samples.Latency | None:
    """Return times of single inferences; None where they are not the device's own.

    An emulated Linux board counts the time of its host, not instructions.
    """
    if setup.target.measured_on == "emulated" and session.info.counter.unit != "instructions":
        console.note(f"no latency: the time of {setup.target.name} is its emulator's, not the board's")
        return None
    warmup, runs = RUNS[setup.target.measured_on]
    settled = 0
    if setup.is_linux:
        settled, warmup = samples.warm_up(session, pictures.first, *linux.WARM_UP_RUNS), 0
    with console.step("bench") as line, console.bar("bench", warmup + runs) as progress:
        latency = samples.latency(session, pictures.first, warmup, runs, progress)
        latency = replace(latency, warmup=latency.warmup + settled)
        line.text = latency_text(latency.summary())
    return latency


def run_pictures(setup: Setup, session: Session, pictures: Pictures, threads: Threads) -> DeviceOutputs:
    """Return the device's answers to the test pictures, or to those before it was lost or the user stopped it.

    An emulator or this host answers the same bytes for the same inputs: outputs of an earlier run are reused.
    """
    inputs, size = pictures.inputs, sum(tensor.bytes for tensor in setup.int8.facts.outputs)
    partial = samples.Outputs(np.zeros((len(inputs), size), np.uint8), [])

    def make(folder: Path) -> OutputsFacts:
        with console.bar("accuracy", len(inputs)) as progress:
            samples.run_all(session, inputs, partial, progress)
        np.save(folder / FILENAME, partial.raw, allow_pickle=False)
        return OutputsFacts(utc_now())

    begin = time.monotonic()
    try:
        outputs = _outputs_artifact(setup, session.info, pictures, threads, make)
    except (Error, KeyboardInterrupt) as e:
        if not partial.done:
            raise
        reason = f"after {partial.done} of {len(inputs)} pictures: {str(e) or 'stopped by the user'}"
        return DeviceOutputs(partial.raw[: partial.done], utc_now(), time.monotonic() - begin, interrupted=reason)
    raw = np.load(outputs.path, allow_pickle=False)
    return DeviceOutputs(raw, outputs.facts.measured, time.monotonic() - begin, outputs.reused)


def _outputs_artifact(
    setup: Setup, info: DeviceInfo, pictures: Pictures, threads: Threads, make: Callable[[Path], OutputsFacts]
) -> Artifact[OutputsFacts]:
    return produce(
        "outputs",
        f"{setup.target.name}-{setup.int8.name}",
        FILENAME,
        OutputsFacts,
        make,
        parents={setup.compiled.kind: setup.compiled.sha256},
        tools={info.engine: info.engine_version},
        parameters={
            "inputs": digest_of(pictures.inputs),
            "kernels": info.kernels,
            "firmware": info.firmware,
            "threads": threads.count,
            "link": setup.settings.link,
        },
        fresh=setup.settings.fresh or setup.target.measured_on == "hardware",
    )


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
