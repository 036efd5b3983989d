"""What one device answered: its times, its outputs, its memory and who it said it is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

import console
from artifact import Artifact
from datasets import digest_of
from deploy.agents import AgentOptions
from deploy.board_state import BoardState
from deploy.device import Device, device_for
from deploy.identity import check, differences
from deploy.info import DeviceInfo, Stats
from deploy.links import Link
from deploy.session import Session
from errors import ConfigError, DeviceError, Error
from fields import Json
from measure import edgetpu, identity, linux, samples
from measure.answers import keep
from measure.connection import Connection
from measure.counts import Bench, CountsFacts, kept
from measure.journal import Journal
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
    them; `interrupted` where the run was cut short, "" if it was not, and `is_stopped` that the user did it; the first
    `resumed` are from earlier runs that were cut short. `journal` has them on disk until they are in a report.
    """

    raw: npt.NDArray[np.uint8]
    measured: str
    seconds: float
    is_reused: bool = False
    interrupted: str = ""
    is_stopped: bool = False
    resumed: int = 0
    journal: Journal | None = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """What one device answered. What was not measured is None.

    `info` is who it said it is, `stats` its counters and sizes; `before` and `after` are the states of a Linux board;
    `clock_error` is by what part its counter is fast by this host's clock; `reconnects` is how often it was lost and
    came back.
    """

    info: DeviceInfo
    threads: Threads
    latency: samples.Latency | None
    outputs: DeviceOutputs | None
    stats: Stats
    before: BoardState
    after: BoardState
    clock_error: float | None = None
    reconnects: int = 0

    @property
    def interrupted(self) -> str:
        """Where the run was cut short, "" if it was not."""
        return self.outputs.interrupted if self.outputs else ""

    @property
    def is_stopped(self) -> bool:
        """Whether the user cut the run short."""
        return bool(self.outputs and self.outputs.is_stopped)

    def forget(self) -> None:
        """Remove the journal of a complete run, whose report is written."""
        if self.outputs and self.outputs.journal and not self.interrupted:
            self.outputs.journal.discard()


@dataclass(frozen=True)
class OutputsFacts:
    """Facts of a device's outputs: when they were measured, ISO 8601 in UTC."""

    measured: str


def device_of(setup: Setup, threads: int) -> Device:
    """Return the device of a setup, which runs with a number of threads where it is a Linux board."""
    how = setup.settings
    agent = AgentOptions(threads, how.kernels, how.device, how.runtime, how.accept_new)
    return device_for(
        setup.target, setup.compiled, how.link, agent, say=console.note, flasher=how.flasher,
        watch=console.percent_bar, allow_mismatch=how.allow_mismatch, held=setup.held,
    )  # fmt: skip


def choose_threads(setup: Setup, pictures: Pictures) -> Threads:
    """Return the number of threads of the settings, or try which is the fastest.

    Raises ConfigError where times are an emulator's.
    """
    if setup.settings.threads or not setup.is_linux:
        return Threads(setup.settings.threads or 1)
    if setup.target.measured_on == "emulated":
        raise ConfigError("--threads auto: an emulator's time says nothing of the device; give a number")
    with console.step("threads") as line:
        trials = linux.try_threads(lambda count: open_session(setup, device_of(setup, count)), pictures.first)
        best = min(trials, key=lambda trial: trial.median_us).threads
        line.text = f"{best} of {len(trials)} tried"
    return Threads(best, trials)


@contextmanager
def open_device(setup: Setup, threads: Threads) -> Iterator[tuple[Connection, BoardState]]:
    """Yield the connection to the device, which holds the setup's model, and the state of a Linux board.

    Raises as deploy.device.Device.session.
    """
    device = device_of(setup, threads.count)
    with ExitStack() as stack:
        with console.step("deploy") as line:
            connection = Connection(partial(open_session, setup, device), setup.settings.give_up_s, console.note)
            session = stack.enter_context(connection).session
            before = session.board() if setup.is_linux else BoardState()
            info = session.info
            line.text = f"{info.board}: {info.engine} {info.engine_version}, {info.kernels} kernels"
            line.text += edgetpu.device_text(before)
        for text in differences(setup.target, info, before):
            console.note(f"{setup.target.name}: the device is another board; {text}")
        yield connection, before


@contextmanager
def open_session(setup: Setup, device: Device, lost: Link | None = None) -> Iterator[Session]:
    """Yield a session with the device once it has said that it is the setup's board, or may be another."""
    with device.session(lost=lost) as session:
        board = session.board() if setup.is_linux else BoardState()
        if session.info.traced or session.info.profiled:
            task = "trace" if session.info.traced else "profile"
            raise DeviceError(
                f"{session.link.name}: its firmware was built by `./inv {task}`, which takes longer; flash that of "
                "`./inv deploy` again"
            )
        check(setup.target, session.info, board, setup.settings.allow_mismatch)
        yield session


def read_clock(setup: Setup, session: Session) -> identity.ClockReading | None:
    """Read the counter of a device beside this host's clock; an emulator's does not follow time."""
    return None if setup.target.measured_on == "emulated" else identity.read_clock(session)


def measure_latency(setup: Setup, connection: Connection, pictures: Pictures) -> Bench | None:
    """Return times of single inferences, all without a loss of the device; None where they are not the device's own.

    An emulated Linux board counts the time of its host, not instructions. Counts of instructions are reused.
    """
    is_emulated = setup.target.measured_on == "emulated"
    if is_emulated and connection.info.counter.unit == "ticks":
        console.note(f"no latency: the time of {setup.target.name} is its emulator's, not the board's")
        return None
    warmup, runs = RUNS[setup.target.measured_on]

    def run(session: Session) -> samples.Latency:
        if not setup.is_linux:
            return samples.latency(session, pictures.first, warmup, runs, progress)
        settled = samples.warm_up(session, pictures.first, *linux.WARM_UP_RUNS)
        latency = samples.latency(session, pictures.first, 0, runs, progress)
        return replace(latency, warmup=latency.warmup + settled)

    def count() -> CountsFacts:
        return CountsFacts(connection.run(run), connection.run(lambda session: session.stats()).stack_used)

    total = runs if setup.is_linux else warmup + runs
    with console.step("bench") as line, console.bar("bench", total) as progress:
        bench = kept(setup, connection.info, pictures, count) if is_emulated else Bench(connection.run(run))
        line.text, line.reused = latency_text(bench.latency.summary()), bench.is_reused
    return bench


def run_pictures(setup: Setup, connection: Connection, pictures: Pictures, threads: Threads) -> DeviceOutputs:
    """Return the device's answers to the test pictures, or to those before it was lost or the user stopped it.

    Each answer is in a journal on disk before the next picture is sent; a run that was cut short goes on from there.
    An emulator or this host answers the same bytes for the same inputs: outputs of an earlier run are reused.
    """
    inputs, size = pictures.inputs, sum(tensor.bytes for tensor in setup.int8.facts.outputs)
    outputs = samples.Outputs(np.zeros((len(inputs), size), np.uint8), [])
    journal = _journal(setup, connection.info, pictures, threads)
    resumed = 0

    def make(folder: Path) -> OutputsFacts:
        nonlocal resumed
        _open_journal(journal, outputs)
        resumed = outputs.done
        with contextlib.closing(journal), console.bar("accuracy", len(inputs)) as progress:
            progress(outputs.done)
            connection.run(
                lambda session: samples.run_all(session, inputs, outputs, progress, journal.add), lambda: outputs.done
            )
        np.save(folder / FILENAME, outputs.raw, allow_pickle=False)
        return OutputsFacts(utc_now())

    begin = time.monotonic()
    try:
        artifact = _outputs_artifact(setup, connection.info, pictures, threads, make)
    except (Error, KeyboardInterrupt) as e:
        if not outputs.done:
            raise
        reason = f"after {outputs.done} of {len(inputs)} pictures: {str(e) or 'stopped by the user'}"
        return DeviceOutputs(
            outputs.raw[: outputs.done], utc_now(), time.monotonic() - begin, interrupted=reason,
            is_stopped=isinstance(e, KeyboardInterrupt), resumed=resumed, journal=journal,
        )  # fmt: skip
    raw = np.load(artifact.path, allow_pickle=False)
    seconds = time.monotonic() - begin
    return DeviceOutputs(raw, artifact.facts.measured, seconds, artifact.reused, resumed=resumed, journal=journal)


def _journal(setup: Setup, info: DeviceInfo, pictures: Pictures, threads: Threads) -> Journal:
    """Return the journal of a device's answers, whose key is all that may change them."""
    facts = {
        "firmware": setup.compiled.sha256,
        "model": setup.int8.sha256,
        "data": digest_of(pictures.inputs),
        "pictures": str(len(pictures.inputs)),
        "kernels": info.kernels,
        "engine": f"{info.engine} {info.engine_version}",
        "build": info.firmware,
        "threads": str(threads.count),
        "device": info.unit or setup.settings.link or setup.target.name,
        "board": info.board,
        "runs": "fresh" if setup.settings.fresh else "usual",
    }
    return Journal(f"{setup.target.name}-{setup.int8.name}", facts)


def _open_journal(journal: Journal, outputs: samples.Outputs) -> None:
    """Take over what earlier runs have measured, and say so, or why what is there is not taken."""
    if not journal.open(outputs):
        console.note("another run measures the same now: if this one is cut short, it can't go on later")
    elif outputs.done:
        console.note(f"goes on behind {outputs.done:,} of {len(outputs.raw):,} pictures of a run that was cut short")
    elif text := journal.differences():
        console.note(f"begins at the first picture: a run that was cut short measured something else ({text})")


def _outputs_artifact(
    setup: Setup, info: DeviceInfo, pictures: Pictures, threads: Threads, make: Callable[[Path], OutputsFacts]
) -> Artifact[OutputsFacts]:
    parameters: dict[str, Json] = {
        "inputs": digest_of(pictures.inputs),
        "kernels": info.kernels,
        "threads": threads.count,
    }
    fresh = setup.settings.fresh or setup.target.measured_on == "hardware"
    return keep("outputs", FILENAME, OutputsFacts, make, setup, info, parameters, fresh)


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
