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


def _state(board: BoardState) -> LinuxState | None:
    state = LinuxState(board.cpu_hz, board.temperature_c, board.throttled_word, board.throttle_count)
    return None if state == LinuxState() else state


def _microseconds(ns: int | None) -> float | None:
    return round(ns / 1000, 3) if ns else None
