"""Equalize channels: activations have one scale a tensor, weights one a channel, so what spreads moves into weights.

Makers of a tensor are scaled by s a channel and its users by 1/s, each a power of two, so that the float network stays
the same to the bit. Square-root balance after Nagel et al. 2019, arXiv:1906.04721, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.improve.statistics import Doubles, Values, channel_range
from models.folded.graph import Folded, Node, Weights

RELU6_LIMIT = 6 * 0.98
"""What a channel may reach before ReLU6 in the calibration pictures: a test picture may reach a little more."""
LIVE = 1e-4
"""Part of the widest channel's range below which a channel is dead: it has nothing to round.

It grows only as far as its users' weights would else be the largest, and make those of live channels coarse.
"""
SPREAD = 8.0
"""How many times wider the widest live channel is than the narrowest, from which a tensor is equalized."""
LARGEST_FACTOR = 2.0**13
ROUNDS = 2
PASSING = ("add", "pool", "pad", "max_pool", "average_pool", "reshape", "identity")


@dataclass(frozen=True)
class Group:
    """Tensors whose channels are scaled together: who makes them, who reads them, and the points where they are seen.

    `is_clipped` is whether ReLU6 stands behind the maker.
    """

    makers: tuple[str, ...]
    users: tuple[str, ...]
    points: tuple[str, ...]
    is_clipped: bool


def groups(graph: Folded) -> list[Group]:
    """Return the groups that can be scaled without a change of what the float network computes."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for node in graph.nodes:
        find(node.name)
        if node.op in PASSING and _keeps_channels(graph, node):
            for source in node.inputs:
                root[find(source)] = find(node.name)
    members: dict[str, list[Node]] = {}
    for node in graph.nodes:
        members.setdefault(find(node.name), []).append(node)
    return [group for nodes in members.values() if (group := _group(graph, nodes)) is not None]


def _keeps_channels(graph: Folded, node: Node) -> bool:
    return all(graph[source].shape[-1] == node.shape[-1] for source in node.inputs)


def _group(graph: Folded, nodes: Sequence[Node]) -> Group | None:
    names = {node.name for node in nodes}
    makers = [node for node in nodes if node.has_weights]
    others = [node for node in nodes if not node.has_weights]
    users = [node for node in graph.nodes if node.name not in names and names & {*node.inputs}]
    activations = {node.activation for node in nodes}
    is_clipped = "relu6" in activations
    if (
        not makers
        or not users
        or graph.output in names
        or not all(node.op in PASSING and _keeps_channels(graph, node) for node in others)
        or not all(user.has_weights for user in users)
        or not activations <= {"", "relu", "relu6"}
        or (is_clipped and (len(makers) > 1 or any(node.activation for node in others)))
    ):
        return None
    points = tuple(point for node in nodes for point in node.points)
    return Group(tuple(n.name for n in makers), tuple(n.name for n in users), points, is_clipped)


def spread_of(channels: Doubles) -> float:
    """Return how many times wider the widest live channel is than the narrowest."""
    live = channels[channels > channels.max(initial=0) * LIVE]
    return float(live.max() / live.min()) if len(live) else 1.0


def equalize(
    graph: Folded, values: Mapping[str, Values], with_clipped: bool = True
) -> tuple[Folded, dict[str, Values], dict[str, float]]:
    """Return the network with the spread tensors equalized, its values, and the spread before by the first maker.

    Without `with_clipped` tensors behind a ReLU6 are left alone.
    """
    chosen: list[tuple[Group, Doubles]] = []
    for group in groups(graph):
        channels = channel_range(values, list(group.points))
        if spread_of(channels) >= SPREAD and (with_clipped or not group.is_clipped):
            chosen.append((group, channels))
    spreads = {group.makers[0]: spread_of(channels) for group, channels in chosen}
    totals = [np.ones(len(channels)) for _, channels in chosen]
    for _ in range(ROUNDS):
        for (group, channels), total in zip(chosen, totals, strict=True):
            factors = _factors(graph, group, channels * total)
            graph = scaled(graph, group, factors)
            total *= factors
    changed = {
        point: values[point].scaled(total)
        for (group, _), total in zip(chosen, totals, strict=True)
        for point in group.points
    }
    return graph, {**values, **changed}, spreads


def _factors(graph: Folded, group: Group, channels: Doubles) -> Doubles:
    """Return the factor of each channel, a power of two."""
    widest = channels.max()
    live = channels > widest * LIVE
    factors = np.ones(len(channels))
    if not live.any():
        return factors
    weights = _largest_weights(graph, group, live)
    if weights is None:
        factors[live] = widest / channels[live]
    else:
        factors[live] = np.sqrt(np.maximum(weights[live], 1e-9) / (channels[live] / widest))
        factors[live] *= widest / (channels[live] * factors[live]).max()
        factors[~live] = np.maximum(weights[~live], 1)
    factors = np.exp2(np.rint(np.log2(factors.clip(1 / LARGEST_FACTOR, LARGEST_FACTOR))))
    if group.is_clipped:
        room = np.exp2(np.floor(np.log2(RELU6_LIMIT / np.maximum(channels, 1e-30))))
        factors = np.where(room >= 1, np.minimum(np.maximum(factors, 1), np.maximum(room, 1)), 1)
    return factors


def _largest_weights(graph: Folded, group: Group, live: npt.NDArray[np.bool_]) -> Doubles | None:
    """Return the largest weight of each input channel relative to the largest live one of its output channel.

    None where all users are depthwise: they have a scale for each channel and take any factor.
    """
    parts = []
    for user in group.users:
        if graph[user].op != "depthwise":
            kernel = np.abs(graph.weights[user].kernel.astype(np.float64))
            kernel = kernel.reshape(-1, *kernel.shape[-2:]).max(axis=0)
            parts.append((kernel / np.maximum(kernel[live].max(axis=0), 1e-12)).max(axis=1))
    return np.max(parts, axis=0) if parts else None


def scaled(graph: Folded, group: Group, factors: Doubles) -> Folded:
    """Return the network with the channels of a group's tensors times `factors`, and its users' weights over them."""
    weights: dict[str, Weights] = {}
    for name in group.makers:
        kernel, bias = graph.weights[name].kernel, graph.weights[name].bias
        along = factors[:, None] if graph[name].op == "depthwise" else factors
        weights[name] = Weights((kernel * along).astype(np.float32), (bias * factors).astype(np.float32))
    for name in group.users:
        known = weights.get(name, graph.weights[name])
        weights[name] = Weights((known.kernel / factors[:, None]).astype(np.float32), known.bias)
    return graph.with_weights(weights)
