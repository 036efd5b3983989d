"""What is measured on Linux boards only: the best number of threads, and the state of the board before and after."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from deploy.board_state import BoardState, slowed_down
from deploy.info import Stats
from deploy.session import Session
from measure.report import LinuxSection, LinuxState, ThreadTrial
from measure.samples import Clock, warm_up

MOST_THREADS = 8
TRIAL_RUNS = 40
WARM_UP_RUNS = (20, 400)

Open = Callable[[int], AbstractContextManager[Session]]
"""Opens a session with the device that runs with so many threads."""


def try_threads(open_with: Open, first: bytes) -> tuple[ThreadTrial, ...]:
    """Return the median of single inferences of one input with 1, 2, ... threads, up to the board's cores."""
    trials: list[ThreadTrial] = []
    threads, cores = 1, 1
    while threads <= min(cores, MOST_THREADS):
        with open_with(threads) as session:
            cores = session.board().cores or 1
            warm_up(session, first, *WARM_UP_RUNS)
            ticks = session.run(TRIAL_RUNS)
            clock = Clock(session.info.counter)
            trials.append(ThreadTrial(threads, round(statistics.median(map(clock, ticks)), 3)))
        threads += 1
    return tuple(trials)


def section(
    before: BoardState, after: BoardState, stats: Stats, trials: tuple[ThreadTrial, ...], measured_on: str
) -> LinuxSection:
    """Return the report's section `linux`: what the board is, its state before and after, and times but for latency.

    `before` and `after` are answers of session.board(), `stats` of session.stats(), `trials` of try_threads. Emulator
    times are not reported.
    """
    reasons = slowed_down(before, after)
    about = LinuxSection(
        machine=before.machine,
        os=before.os,
        kernel=before.kernel,
        python=before.python,
        cores=before.cores,
        governor=before.governor,
        slowed_down=None if reasons is None else tuple(reasons),
    )
    if measured_on == "emulated":
        return about
    return replace(
        about,
        before=_state(before),
        after=_state(after),
        threads_tried=trials or None,
        import_us=_microseconds(stats.import_ns),
        load_us=_microseconds(stats.load_ns),
        first_inference_us=_microseconds(stats.first_inference_ns),
    )


def rows(linux: LinuxSection) -> list[tuple[str, str]]:
    """Return the section as label and text, for a person."""
    parts = [linux.machine, linux.os, linux.kernel and f"Linux {linux.kernel}"]
    parts += [linux.python and f"Python {linux.python}", f"{linux.cores} cores" if linux.cores else None]
    table = [("board", ", ".join(part for part in parts if part))]
    if linux.threads_tried:
        texts = [f"{trial.threads}: {trial.median_us / 1000:.3f} ms" for trial in linux.threads_tried]
        table.append(("threads tried", ", ".join(texts)))
    times = (("runtime import", linux.import_us), ("model load", linux.load_us), ("first", linux.first_inference_us))
    texts = [f"{label} {us / 1000:,.1f} ms" for label, us in times if us is not None]
    if texts:
        table.append(("at the start", ", ".join(texts)))
    if texts := _state_texts(linux):
        table.append(("CPU", ", ".join(texts)))
    if linux.slowed_down:
        table.append(("THROTTLED", f"the board was slowed down while it was measured: {', '.join(linux.slowed_down)}"))
    return table


def _state(board: BoardState) -> LinuxState | None:
    state = LinuxState(board.cpu_hz, board.temperature_c, board.throttled_word, board.throttle_count)
    return None if state == LinuxState() else state


def _microseconds(ns: int | None) -> float | None:
    return round(ns / 1000, 3) if ns else None


def _state_texts(linux: LinuxSection) -> list[str]:
    """Return the governor, and clocks and temperature before and after, as far as they are known."""
    before, after = linux.before or LinuxState(), linux.after or LinuxState()
    texts = [f"governor {linux.governor}"] if linux.governor else []
    pairs = ((_clocks(before), _clocks(after), "MHz"), (_celsius(before), _celsius(after), "°C"))
    for first, last, unit in pairs:
        if first:
            texts.append(f"{first} {unit} before" + (f", {last} {unit} after" if last else ""))
    return texts


def _clocks(state: LinuxState) -> str:
    return "/".join(f"{hz / 1e6:.0f}" for hz in state.cpu_hz or ())


def _celsius(state: LinuxState) -> str:
    return "" if state.temperature_c is None else f"{state.temperature_c:.1f}"
