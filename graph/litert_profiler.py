"""Times each node of a network in LiteRT by LiteRT's own profiler, as `python -m graph.litert_profiler FILE ...`.

A process of its own: a model or a library that aborts it ends with one line of error. The inputs' bytes are on standard
input, and the times as JSON on standard output.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from errors import GraphError
from fields.dataclass_json import to_json
from graph.litert_c import DEFAULT, DELEGATED, OPERATOR, Event, Library, ProfiledNetwork
from graph.oracle import Oracle, run_joined

BATCH = 10
"""Inferences in a row, after which the profiler is read: what is read between two would slow down the second."""
PREFIX = "litert: "
"""Begins the line of error, which LiteRT's own lines surround."""


@dataclass(frozen=True)
class Node:
    """A node and its mean time. `index` is the operator of the network, or, if `is_delegated`, the delegate's own."""

    name: str
    index: int
    is_delegated: bool
    us: float


@dataclass(frozen=True)
class NodeTimes:
    """Means over the quieter half of `runs` inferences.

    `whole_us` is an inference with the profiler, all of it; `ordinary_us` one without the profiler, from runs that
    alternated with the others.
    """

    version: str
    runs: int
    whole_us: float
    ordinary_us: float
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Inference:
    """What the profiler recorded of one inference: the whole, and its nodes in order of execution."""

    whole_us: int
    nodes: tuple[Event, ...]


def measure(model: Path, data: bytes, threads: int, kernels: str, runs: int) -> NodeTimes:
    """Run a network on the bytes of all inputs, and return what each node takes; `kernels` is one of PROFILED.

    Raises GraphError if LiteRT can't load or run it, or if its profiler gives what is not understood.
    """
    library = Library()
    network = ProfiledNetwork(library, model, threads, kernels)
    network.set_inputs(data)
    oracle = Oracle(model, kernels, threads)
    run_joined(oracle, data)
    found: list[Inference] = []
    ordinary: list[float] = []
    for batch in range(1 + -(-runs // BATCH)):
        inferences = inferences_in(network.profile(BATCH), BATCH)
        times = [oracle.time_ns() / 1000 for _ in range(BATCH)]
        if batch:  # the first warms up
            found += inferences
            ordinary += times
    return means(library.version, found, ordinary)


def inferences_in(events: Sequence[Event], runs: int) -> list[Inference]:
    """Return the inferences of events. Raises GraphError if they are not so many, or not of the same nodes."""
    found: list[tuple[int, list[Event]]] = []
    for event in events:
        if event.type == DEFAULT and event.name == "Invoke":
            found.append((event.us, []))
        elif event.type in (OPERATOR, DELEGATED):
            if not found:
                raise GraphError(f"LiteRT's profiler: expected the begin of an inference, got node {event.name}")
            found[-1][1].append(event)
    if len(found) != runs:
        raise GraphError(
            f"LiteRT's profiler: expected {runs} inferences, got {len(found)}; a network with subgraphs has more"
        )
    kinds = {tuple((event.name, event.type, event.index) for event in nodes) for _, nodes in found}
    if len(kinds) != 1 or not found[0][1]:
        raise GraphError("LiteRT's profiler: expected the same nodes in each inference, got others")
    for whole, nodes in found:
        if sum(event.us for event in nodes) > whole + len(nodes):
            raise GraphError(f"LiteRT's profiler: its nodes take longer than the whole inference of {whole} us")
    return [Inference(whole, tuple(nodes)) for whole, nodes in found]


def means(version: str, found: Sequence[Inference], ordinary: Sequence[float]) -> NodeTimes:
    """Return the means over the half of the inferences that other programs disturbed least, judged by the whole.

    Raises GraphError if the whole is nothing.
    """
    quiet = sorted(found, key=lambda inference: inference.whole_us)[: (len(found) + 1) // 2]
    if not any(inference.whole_us for inference in quiet):
        raise GraphError("LiteRT's profiler: the network takes less than the microsecond in which it counts")
    columns = zip(*(inference.nodes for inference in quiet), strict=True)
    nodes = tuple(
        Node(column[0].name, column[0].index, column[0].type == DELEGATED, fmean(event.us for event in column))
        for column in columns
    )
    least = sorted(ordinary)[: (len(ordinary) + 1) // 2]
    return NodeTimes(version, len(found), fmean(inference.whole_us for inference in quiet), fmean(least), nodes)


def main(model: str, threads: str, kernels: str, runs: str) -> int:
    """Print the times as JSON; return the exit code."""
    line = os.dup(1)
    os.dup2(2, 1)  # LiteRT's own lines go to standard error
    try:
        times = measure(Path(model), sys.stdin.buffer.read(), int(threads), kernels, int(runs))
    except GraphError as e:
        print(f"{PREFIX}{e}", file=sys.stderr, flush=True)
        return 1
    with os.fdopen(line, "w", encoding="utf-8") as out:
        out.write(json.dumps(to_json(times)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
