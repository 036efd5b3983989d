"""Known answers: inputs that C computes by itself, and the outputs of LiteRT's reference kernels for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compilers.aot import Plan
from graph.oracle import Oracle, run_bytes

HOLDS = (1, 24, 192, 1536)
"""For how many elements a value is held: inputs with ever coarser patterns."""
STORED_BYTES = 8192
"""Of all outputs for one input: more are compared by their hash."""
MULTIPLIER, INCREMENT = 1664525, 1013904223
FNV_START, FNV_PRIME = 0x811C9DC5, 0x01000193
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


def fnv1a(data: bytes) -> int:
    """Return the 32-bit FNV-1a hash of some bytes."""
    value = FNV_START
    for byte in data:
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFF
    return value


def inputs(plan: Plan, seed: int, hold: int) -> list[bytes]:
    """Return the bytes of each input for a seed, as the generated C computes them."""
    state, filled = seed, []
    for tensor in plan.inputs:
        size = tensor.bytes // np.dtype(tensor.dtype).itemsize
        values = np.empty(-(-size // hold), np.uint8)
        for i in range(len(values)):
            state = (state * MULTIPLIER + INCREMENT) & 0xFFFFFFFF
            values[i] = state >> 24
        held = np.repeat(values, hold)[:size]
        is_float = tensor.dtype == "float32"
        filled.append((held.view(np.int8) / np.float32(64)).tobytes() if is_float else held.tobytes())
    return filled
