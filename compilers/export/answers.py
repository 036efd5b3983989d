"""Known answers: inputs that C computes by itself, and the outputs of LiteRT's reference kernels for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compilers.aot import Plan
from compilers.aot.result import TracedTensor
from graph import tensors
from graph.fnv import fnv1a
from graph.noise import noise
from graph.oracle import Oracle, run_bytes
from graph.types import Array, Graph

HOLDS = (1, 24, 192, 1536)
"""For how many elements a value is held: inputs with ever coarser patterns."""
STORED_BYTES = 8192
"""Of all outputs for one input: more are compared by their hash."""
# As many seeds are tried as take some seconds with reference kernels.
TRIED_MACS = 300_000_000
MAX_TRIES = 8


@dataclass(frozen=True)
class Answer:
    """An input, by seed and hold, and all outputs for it behind each other."""

    seed: int
    hold: int
    outputs: bytes

    @property
    def hash(self) -> int:
        """FNV-1a of the outputs, 32 bits."""
        return fnv1a(self.outputs)


def known_answers(model: Path, plan: Plan) -> tuple[Answer, ...]:
    """Return an answer for each of HOLDS. Of some seeds the one is taken whose outputs have the most different values.

    Raises GraphError if LiteRT can't run the network.
    """
    oracle = Oracle(model)
    tries = max(1, min(MAX_TRIES, TRIED_MACS // max(1, plan.macs * len(HOLDS))))

    def answer(seed: int, hold: int) -> Answer:
        return Answer(seed, hold, b"".join(run_bytes(oracle, inputs(plan, seed, hold))))

    return tuple(
        max((answer(seed, hold) for seed in range(1, tries + 1)), key=lambda a: (len(set(a.outputs)), -a.seed))
        for hold in HOLDS
    )


def traced_hashes(model: Path, graph: Graph, plan: Plan, known: Sequence[Answer]) -> tuple[tuple[int, ...], ...]:
    """Return the hash of what is computed of each traced tensor for each answer, as LiteRT's reference kernels do."""
    rows = []
    for answer in known if plan.traced else ():
        values = tensors.reference(model, graph, b"".join(inputs(plan, answer.seed, answer.hold)))
        rows.append(tuple(fnv1a(_channels_of(item, values[item.tensor])[: item.bytes]) for item in plan.traced))
    return tuple(rows)


def _channels_of(item: TracedTensor, values: Array) -> bytes:
    """Return the bytes of the channels that are computed."""
    return (values[..., list(item.channels)] if item.channels else values).tobytes()


def inputs(plan: Plan, seed: int, hold: int) -> list[bytes]:
    """Return the bytes of each input for a seed, as the generated C computes them."""
    return noise([(end.dtype, end.bytes // np.dtype(end.dtype).itemsize) for end in plan.inputs], seed, hold)
