"""What LiteRT's profiler recorded of a network: its inferences, and the mean time of each node.

The agent brings this module to devices: it imports the standard library of Python 3.9 and our own modules alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from errors import GraphError
from graph.litert_c import DEFAULT, DELEGATED, OPERATOR, Event

REASON, TIMES = "litert: ", "alpharho:"
"""Begin the agent's last line: why there are no times, or the times as JSON. LiteRT's own lines are around it."""


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
    nodes = tuple(
        Node(event.name, event.index, event.type == DELEGATED, fmean(one.nodes[i].us for one in quiet))
        for i, event in enumerate(quiet[0].nodes)
    )
    least = sorted(ordinary)[: (len(ordinary) + 1) // 2]
    return NodeTimes(version, len(found), fmean(inference.whole_us for inference in quiet), fmean(least), nodes)
