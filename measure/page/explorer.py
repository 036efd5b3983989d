"""A profile as custom node data of Google's Model Explorer: each operator colored by what it takes."""

from __future__ import annotations

import json

from graph.types import Graph
from measure.profile import Profile

LEAST, MOST = "#ffffff", "#d55e00"


def overlay(profile: Profile, graph: Graph) -> str:
    """Return GraphNodeData of Model Explorer as JSON: amounts by the name of the tensor that an operator writes.

    `graph` is the network that was profiled.
    """
    names = {operator.index: [graph.tensors[i].name for i in operator.outputs] for operator in graph.operators}
    layers = [(layer.operator, layer.amount) for layer in profile.layers if layer.operator is not None]
    results = {name: {"value": amount} for operator, amount in layers for name in names.get(operator, [])}
    gradient = [{"stop": 0, "bgColor": LEAST}, {"stop": 1, "bgColor": MOST}]
    return json.dumps({"results": results, "gradient": gradient}, indent=1) + "\n"
