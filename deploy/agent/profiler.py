"""Times each node of the agent's model by LiteRT's own profiler and ends, in place of serving it: `--profile RUNS`.

The bytes of all inputs are on standard input. All output is on standard output, so that it keeps its order; the last
line has the times, or why there are none (graph/litert_profiler.py).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from deploy.agent.engine import EngineError, LiteRtEngine
from deploy.agent.inputs import tensor_bytes
from deploy.agent.linux import board_facts
from errors import GraphError
from graph.litert_c import PACKAGE, Library, ProfiledNetwork
from graph.litert_profiler import REASON, TIMES, Inference, NodeTimes, inferences_in, means

BATCH = 10
"""Inferences in a row, after which the profiler is read: what is read between two would slow down the second."""


def main(model: str, threads: int, kernels: str, runs: int) -> int:
    """Print the times and the board's facts as JSON; return the exit code."""
    os.dup2(1, 2)
    try:
        times = measure(model, sys.stdin.buffer.read(), threads, kernels, runs)
    except (EngineError, GraphError) as e:
        _end(f"{REASON}{e}")
        return 1
    _end(TIMES + json.dumps({**asdict(times), "board": board_facts()}))
    return 0


def measure(model: str, data: bytes, threads: int, kernels: str, runs: int) -> NodeTimes:
    """Run a model on the bytes of all inputs, and return what each node takes; `kernels` is one of litert_c.PROFILED.

    Raises GraphError or EngineError if LiteRT can't load or run it, or if its profiler gives what is not understood.
    """
    library = Library()
    network = ProfiledNetwork(library, Path(model), threads, kernels)
    network.set_inputs(data)
    ordinary = LiteRtEngine(model, threads, kernels, PACKAGE)
    at = 0
    for i, spec in enumerate(ordinary.inputs):
        ordinary.set_input(i, data[at : at + tensor_bytes(spec)])
        at += tensor_bytes(spec)
    found: list[Inference] = []
    times: list[float] = []
    for batch in range(1 + -(-runs // BATCH)):
        inferences = inferences_in(network.profile(BATCH), BATCH)
        alone = [ordinary.run() / 1000 for _ in range(BATCH)]
        if batch:  # the first warms up
            found += inferences
            times += alone
    return means(library.version, found, times)


def _end(text: str) -> None:
    """Write a line of its own, whatever LiteRT has left before it."""
    rest = memoryview(f"\n{text}\n".encode())
    while rest:
        rest = rest[os.write(1, rest) :]
