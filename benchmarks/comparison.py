"""How often `inv compare` is wrong about time: false alarms of equal programs, and slowdowns that it finds.

    .venv/bin/python -m benchmarks.comparison [MODEL.tflite [--sessions N] | --times times.json]

draws trials of made-up noise, then of sessions with one network on this host, measured one after the other: consecutive
sessions are a pair, of which chance calls one the first program, as `inv compare` does. A slowdown is one program's
times by 1.05.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from artifact import Artifact, ImageFacts, sha256_of, write_atomic
from deploy.agents import AgentOptions, local_agent
from deploy.session import Session
from measure.compare.interleaved import sample
from measure.compare.statistics import LEVEL, signed_rank_p

PAIRS = 60
SLOWER = 1.05
GATE = 0.03
TRIALS = 10_000

Values = npt.NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Values]


def independent(rng: np.random.Generator, n: int) -> Values:
    """Return times with a standard deviation of 2 %."""
    return np.exp(rng.normal(0, 0.02, n))


def heavy_tailed(rng: np.random.Generator, n: int) -> Values:
    """Return times of which one in ten is up to three times as long, as on a busy machine."""
    return np.exp(rng.normal(0, 0.01, n)) * np.where(rng.random(n) < 0.1, rng.uniform(1, 3, n), 1.0)


def drifting(rng: np.random.Generator, n: int) -> Values:
    """Return times that wander and grow by a fifth, as of a CPU that gets hot."""
    return np.exp(np.cumsum(rng.normal(0, 0.01, n)) + np.linspace(0, 0.2, n) + rng.normal(0, 0.005, n))


def trial(rng: np.random.Generator, times: Values, factor: float) -> tuple[bool, bool]:
    """Return whether a comparison of consecutive times (2 n,) calls the second program slower, and `latency>3%` fails.

    The second program's times are taken times `factor`.
    """
    pairs = times.reshape(-1, 2)
    flips = rng.integers(0, 2, len(pairs))
    before, after = pairs[np.arange(len(pairs)), flips], pairs[np.arange(len(pairs)), 1 - flips]
    logs = np.log(after * factor / before)
    is_slower = signed_rank_p(logs) < LEVEL and float(np.median(logs)) > 0
    return is_slower, is_slower and float(np.median(logs)) > np.log1p(GATE)


def shares(draw: Callable[[np.random.Generator], Values], trials: int, factor: float, seed: int = 0) -> tuple[int, int]:
    """Return in how many trials the second program is called slower, and in how many the gate fails."""
    rng = np.random.default_rng(seed)
    found = [trial(rng, draw(rng), factor) for _ in range(trials)]
    return sum(slower for slower, _ in found), sum(fails for _, fails in found)


def row(name: str, draw: Callable[[np.random.Generator], Values], trials: int) -> str:
    """Return a line of figures of one kind of noise."""
    alarms, fails = shares(draw, trials, 1.0)
    found, stopped = shares(draw, trials, SLOWER)
    return (
        f"{name}: equal programs called slower {alarms} of {trials:,}, gate failed {fails}; "
        f"5 % found {found} of {trials:,}, gate failed {stopped}"
    )


def windows(times: Values) -> Callable[[np.random.Generator], Values]:
    """Return what draws consecutive times of one trial out of measured ones."""
    return lambda rng: times[(start := 2 * rng.integers(0, (len(times) - 2 * PAIRS) // 2 + 1)) : start + 2 * PAIRS]


def measure(model: Path, sessions: int) -> list[float]:
    """Return the sample of each of many sessions with LiteRT on this host."""
    artifact = Artifact(model, "tflite", model.stem, digest := sha256_of(model), ImageFacts(digest, {}))

    def open_session() -> Session:
        return Session(local_agent("host", artifact, AgentOptions()))

    with open_session() as session:
        data = bytes(sum(tensor.nbytes for tensor in session.info.inputs))
    return [sample(open_session, data) for _ in range(sessions)]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?", help="a .tflite to measure")
    parser.add_argument("--sessions", type=int, default=600)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/comparison.json"))
    chosen = parser.parse_args()
    for noise in (independent, heavy_tailed, drifting):
        print(row(noise.__name__, lambda rng, noise=noise: noise(rng, 2 * PAIRS), TRIALS), flush=True)  # type: ignore[misc]
    if chosen.model:
        begin = time.monotonic()
        write_atomic(chosen.out, json.dumps(measure(chosen.model, chosen.sessions)))
        print(f"{chosen.sessions} sessions in {time.monotonic() - begin:.0f} s", flush=True)
    if not chosen.model and not chosen.times:
        return
    times = np.asarray(json.loads((chosen.times or chosen.out).read_text()))
    print(row(f"host, {len(times)} sessions", windows(times), TRIALS))


if __name__ == "__main__":
    main()
