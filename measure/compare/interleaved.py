"""Times of two programs on one device, measured in turn: a session of its own for each sample, in pairs."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager

from deploy.session import Session
from measure import samples
from measure.compare.comparison import Samples

RUNS = 40
"""Timed inferences in a session."""
PERCENT = 10
"""The percentile of a session's inferences that is its sample: what other programs add to some of them is left out."""
WARM_UP_RUNS = (20, 200)
SEED = 0

Open = Callable[[], AbstractContextManager[Session]]


def measure(
    before: Open, after: Open, inputs: tuple[bytes, bytes], pairs: int, progress: Callable[[int], None]
) -> Samples:
    """Return the times of both, in microseconds. Which of a pair is first is random, so that drift favors neither.

    `inputs` are one input of each. Raises as the sessions.
    """
    rng = random.Random(SEED)
    times: tuple[list[float], list[float]] = ([], [])
    opens = (before, after)
    for done in range(pairs):
        order = [0, 1]
        rng.shuffle(order)
        for which in order:
            times[which].append(sample(opens[which], inputs[which]))
        progress(done + 1)
    return Samples.of(tuple(times[0]), tuple(times[1]))


def sample(open_session: Open, data: bytes) -> float:
    """Return the time of a fast inference in a session of its own, after it has settled, in microseconds."""
    with open_session() as session:
        samples.warm_up(session, data, *WARM_UP_RUNS)
        latency = samples.latency(session, data, 0, RUNS)
    return round(samples.percentile(sorted(latency.values), PERCENT), 3)
