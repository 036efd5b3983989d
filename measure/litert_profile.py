"""What each node takes in LiteRT on this host, by LiteRT's own profiler, as a profile like that of our engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import process
from artifact import ROOT
from errors import DeviceError
from fields import Source, load_json
from fields.dataclass_json import from_json
from graph.litert_profiler import PREFIX, Node, NodeTimes
from graph.types import Graph
from measure.profile import SCHEMA, LayerProfile, Profile

RUNS = 200
TIMEOUT_S = 900
COUNTER = "LiteRT's profiler"
OUTSIDE = "outside the nodes"
# What XNNPACK calls the nodes that it makes of an operator, up to the first bracket.
XNNPACK_NAMES = {
    "ADD": "Add", "AVERAGE_POOL_2D": "Average Pooling", "CONV_2D": "Convolution", "DEPTHWISE_CONV_2D": "Convolution",
    "FULLY_CONNECTED": "Fully Connected", "MAX_POOL_2D": "Max Pooling", "MEAN": "Mean", "MUL": "Multiply",
    "PAD": "Constant Pad", "RESHAPE": "Static Reshape", "SUB": "Subtract",
}  # fmt: skip
# Nodes that XNNPACK adds: a flat copy for FULLY_CONNECTED, the activation that is fused into an operator.
ADDED = ("Static Reshape", "Clamp")


def measure(model: Path, graph: Graph, data: bytes, target: str, threads: int, kernels: str) -> Profile:
    """Run a network on the bytes of all inputs with LiteRT's profiler; `graph` is the network of the file.

    `kernels` is one of litert_c.PROFILED; the model's name is left "". Raises DeviceError if LiteRT can't.
    """
    done = process.run(
        [sys.executable, "-P", "-m", "graph.litert_profiler", model.resolve(), str(threads), kernels, str(RUNS)],
        error=DeviceError,
        timeout_s=TIMEOUT_S,
        name=COUNTER,
        check=False,
        environment={**os.environ, "PYTHONPATH": str(ROOT)},
        folder=ROOT,
        stdin=data,
    )
    if done.exit_code:
        reason = done.last_line(f"^{PREFIX}") if done.exit_code > 0 else process.ending(done.exit_code)
        raise DeviceError(f"{target}: {reason.removeprefix(PREFIX)}")
    source = Source(COUNTER, DeviceError)
    return profile_of(from_json(NodeTimes, load_json(done.stdout, source).values, source), graph, target, kernels)


def profile_of(times: NodeTimes, graph: Graph, target: str, kernels: str) -> Profile:
    """Return the profile: a row for each node by its own name, and one for what is outside of them."""
    operators = operators_of(times.nodes, graph)
    rows = [_row(node, operator, graph, times) for node, operator in zip(times.nodes, operators, strict=True)]
    rest = max(0.0, times.whole_us - sum(node.us for node in times.nodes))
    rows.append(LayerProfile(None, OUTSIDE, "", (), 0, round(rest, 3), round(rest / times.whole_us, 6)))
    return Profile(
        SCHEMA, "", target, "host", f"litert {times.version}", kernels, "us", COUNTER, times.runs,
        round(times.whole_us, 3), round(sum(row.amount for row in rows), 3), tuple(rows),
        ordinary=round(times.ordinary_us, 3),
    )  # fmt: skip


def _row(node: Node, operator: int | None, graph: Graph, times: NodeTimes) -> LayerProfile:
    share, amount = round(node.us / times.whole_us, 6), round(node.us, 3)
    if operator is None:
        return LayerProfile(None, node.name, "", (), 0, amount, share)
    known = graph.operators[operator]
    tensor, macs = graph.tensors[known.outputs[0]], graph.macs(known)
    per_mac = round(node.us / macs, 9) if macs else None
    return LayerProfile(operator, node.name, tensor.short_name, tensor.shape, macs, amount, share, per_mac)


def operators_of(nodes: Sequence[Node], graph: Graph) -> list[int | None]:
    """Return the operator of the network that each node is, None where that is not certain.

    It is where LiteRT runs the operator itself. XNNPACK's nodes have numbers of their own: they are the operators in
    order if all names agree, with no operator left over; else none of them is known.
    """
    found: list[int | None] = []
    following, is_certain = 0, True
    for node in nodes:
        expected = graph.operators[following].name if following < len(graph.operators) else ""
        if not node.is_delegated:
            is_own = node.index < len(graph.operators) and graph.operators[node.index].label == node.name
            found.append(node.index if is_own else None)
            is_certain = is_certain and is_own and node.index == following
            following += 1
        elif _is_made_of(node, expected):
            found.append(following)
            following += 1
        else:
            found.append(None)
            is_certain = is_certain and node.name.startswith(ADDED)
    if is_certain and following == len(graph.operators):
        return found
    return [None if node.is_delegated else operator for node, operator in zip(nodes, found, strict=True)]


def _is_made_of(node: Node, operator: str) -> bool:
    name = node.name.split(" (")[0]
    if operator == "CONV_2D" and name == "Fully Connected":  # a convolution of 1x1
        return True
    is_depthwise = operator == "DEPTHWISE_CONV_2D"
    if name == "Convolution" and is_depthwise != node.name.endswith("DWConv"):
        return False
    return name == XNNPACK_NAMES.get(operator)
