"""What is measured on Linux boards besides: the best number of threads, and the state of the board meanwhile."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from deploy.board_state import BoardState, slowed_down
from deploy.info import Stats
from deploy.session import Session
from errors import ConfigError
from measure import samples as measure

MOST_THREADS = 8
TRIAL_RUNS = 40
WARM_UP_RUNS = (20, 400)
STATE = ("cpu_hz", "temperature_c", "throttled_word", "throttle_count")
TIMES = {"import_us": "import_ns", "load_us": "load_ns", "first_inference_us": "first_inference_ns"}

Open = Callable[[int], AbstractContextManager[Session]]
"""Opens a session with the device that runs with so many threads."""


def parse_threads(text: str) -> int:
    """Return the number that --threads gives, 0 for `auto`. Raises ConfigError if it is neither."""
    if text == "auto":
        return 0
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 1024:
        raise ConfigError(f"--threads {text}: expected a number from 1 up, or `auto`")
    return int(text)


def try_threads(open_with: Open, first: bytes) -> dict[int, float]:
    """Return the median of single inferences in microseconds for 1, 2, ... threads, up to the board's cores."""
    found: dict[int, float] = {}
    threads, cores = 1, 1
    while threads <= min(cores, MOST_THREADS):
        with open_with(threads) as session:
            cores = session.board().cores or 1
            measure.warm_up(session, first, *WARM_UP_RUNS)
            ticks = session.run(TRIAL_RUNS)
            found[threads] = round(statistics.median(map(measure.Clock(session.info.counter), ticks)), 3)
        threads += 1
    return found


def section(
    before: BoardState,
    after: BoardState,
    stats: Stats,
    tried: Mapping[int, float],
    where: str,
) -> dict[str, Any]:
    """Return the report's section `linux`: what the board is, its state before and after, and times other than latency.

    `before` and `after` are answers of session.board(), `stats` of session.stats(), `tried` of try_threads. Emulator
    times are not reported.
    """
    made = {name: value for name, value in _known(before).items() if name not in STATE and not name.startswith("tpu")}
    if where != "emulated":
        made |= {"before": _state(before)} if _state(before) else {}
        made |= {"after": _state(after)} if _state(after) else {}
        made |= {name: round(getattr(stats, key) / 1000, 3) for name, key in TIMES.items() if getattr(stats, key)}
        if tried:
            made["threads_tried"] = {str(threads): median for threads, median in tried.items()}
    reasons = slowed_down(before, after)
    return made if reasons is None else made | {"slowed_down": reasons}


def rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the section as label and text, for a person."""
    parts = [found.get("machine", ""), found.get("os", ""), f"Linux {found['kernel']}" if "kernel" in found else ""]
    parts += [f"Python {found['python']}" if "python" in found else "", f"{found['cores']} cores"]
    made = [("board", ", ".join(part for part in parts if part))]
    if "threads_tried" in found:
        texts = [f"{threads}: {us / 1000:.3f} ms" for threads, us in found["threads_tried"].items()]
        made.append(("threads tried", ", ".join(texts)))
    times = [
        f"{label} {found[name] / 1000:,.1f} ms"
        for label, name in (("runtime import", "import_us"), ("model load", "load_us"), ("first", "first_inference_us"))
        if name in found
    ]
    if times:
        made.append(("at the start", ", ".join(times)))
    state = [_change(found, "cpu_hz", lambda hz: "/".join(f"{h / 1e6:.0f}" for h in hz), "MHz")]
    state += [_change(found, "temperature_c", lambda celsius: f"{celsius:.1f}", "°C")]
    if "governor" in found:
        state.insert(0, f"governor {found['governor']}")
    if any(state):
        made.append(("CPU", ", ".join(part for part in state if part)))
    if found.get("slowed_down"):
        made.append(
            ("THROTTLED", f"the board was slowed down while it was measured: {', '.join(found['slowed_down'])}")
        )
    return made


def _state(board: BoardState) -> dict[str, Any]:
    return {name: value for name, value in _known(board).items() if name in STATE}


def _known(board: BoardState) -> dict[str, Any]:
    values = asdict(board) | ({"cpu_hz": list(board.cpu_hz)} if board.cpu_hz else {})
    return {name: value for name, value in values.items() if value is not None}


def _change(found: Mapping[str, Any], name: str, show: Callable[[Any], str], unit: str) -> str:
    first, last = found.get("before", {}).get(name), found.get("after", {}).get(name)
    if first is None:
        return ""
    return f"{show(first)} {unit} before" + (f", {show(last)} {unit} after" if last is not None else "")
