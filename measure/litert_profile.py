"""What each node takes in LiteRT on this host or a board, by its own profiler, as a profile like our engine's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import process
from deploy.agents import PROFILER as COUNTER
from deploy.agents import AgentOptions, Say, run_profiler
from deploy.board_state import read_board
from deploy.identity import check_linux
from deploy.links.channel import plain
from errors import DeviceError
from fields import INTEGER_LIMIT, Fields, Source, load_json
from graph.litert_c import MOST_US
from graph.litert_profiler import REASON, TIMES, Node, NodeTimes
from graph.types import Graph
from measure.profile import SCHEMA, LayerProfile, Profile
from measure.setup import Setup
from process import Finished
from target import Target

RUNS = 200
MOST_NODES, MOST_RUNS, LEAST_US = 1 << 14, 1 << 20, 0.001
_VERSION = re.compile(r"\d{1,6}(\.[\w+!-]{1,40}){0,8}", re.ASCII)
OUTSIDE = "outside the nodes"
# What XNNPACK calls the nodes that it makes of an operator, up to the first bracket.
XNNPACK_NAMES = {
    "ADD": "Add", "AVERAGE_POOL_2D": "Average Pooling", "CONV_2D": "Convolution", "DEPTHWISE_CONV_2D": "Convolution",
    "FULLY_CONNECTED": "Fully Connected", "MAX_POOL_2D": "Max Pooling", "MEAN": "Mean", "MUL": "Multiply",
    "PAD": "Constant Pad", "RESHAPE": "Static Reshape", "SUB": "Subtract",
}  # fmt: skip
# Nodes that XNNPACK adds: a flat copy for FULLY_CONNECTED, the activation that is fused into an operator.
ADDED = ("Static Reshape", "Clamp")


def measure(setup: Setup, graph: Graph, data: bytes, say: Say) -> Profile:
    """Run a network on the bytes of all inputs with LiteRT's profiler; `graph` is the network of the file.

    The settings' kernels are one of litert_c.PROFILED; the model's name is left "". Raises DeviceError if LiteRT
    can't, what came is not its times, or the device is another board; LinkError and DeployError for a board over SSH.
    """
    how, target = setup.settings, setup.target
    agent = AgentOptions(how.threads, how.kernels, runtime=how.runtime, accept_new=how.accept_new)
    done = run_profiler(target, setup.compiled, agent, how.link, data, RUNS, say)
    answer = answer_in(done, target.name)
    wrong = check_linux(target, read_board(answer.table("board")), how.allow_mismatch)
    return replace(profile_of(times_of(answer), graph, target, how.kernels), mismatch=wrong or None)


def answer_in(done: Finished, where: str) -> Fields:
    """Return the answer in an agent's output. Raises DeviceError if there is none, with the reason."""
    lines = [line for line in done.lines if line.startswith(TIMES)]
    if done.exit_code or not lines:
        reason = done.last_line(f"^{REASON}") if done.exit_code >= 0 else process.ending(done.exit_code)
        raise DeviceError(f"{where}: {plain(reason.removeprefix(REASON))}")
    return load_json(lines[-1].removeprefix(TIMES), Source(f"{where}: {COUNTER}", DeviceError, "run again"))


def times_of(answer: Fields) -> NodeTimes:
    """Return the times in an agent's answer. Raises the source's error naming the first key that can't be right."""
    nodes = tuple(
        Node(
            node.text("name"), node.integer("index", 0, INTEGER_LIMIT), node.boolean("is_delegated"),
            node.number("us", 0, MOST_US),
        )
        for node in answer.tables("nodes", most=MOST_NODES)
    )  # fmt: skip
    times = NodeTimes(
        answer.text("version", pattern=_VERSION, expected="a version such as 2.3.0"),
        answer.integer("runs", 1, MOST_RUNS),
        answer.number("whole_us", LEAST_US, MOST_US),
        answer.number("ordinary_us", LEAST_US, MOST_US),
        nodes,
    )
    nodes_us = sum(node.us for node in nodes)
    if nodes_us > times.whole_us + len(nodes):
        raise answer.wrong("nodes", f"at most the whole of {times.whole_us:g} us together", nodes_us)
    return times


def profile_of(times: NodeTimes, graph: Graph, target: Target, kernels: str) -> Profile:
    """Return the profile: a row for each node by its own name, and one for what is outside of them."""
    operators = operators_of(times.nodes, graph)
    rows = [_row(node, operator, graph, times) for node, operator in zip(times.nodes, operators, strict=True)]
    rest = max(0.0, times.whole_us - sum(node.us for node in times.nodes))
    rows.append(LayerProfile(None, OUTSIDE, "", (), 0, round(rest, 3), round(rest / times.whole_us, 6)))
    return Profile(
        SCHEMA, "", target.name, target.measured_on, f"litert {times.version}", kernels, "us", COUNTER, times.runs,
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
