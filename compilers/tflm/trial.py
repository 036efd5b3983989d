"""Finds the smallest arena that TFLite-Micro needs on this host, in a process of its own: some models abort it.

`python -m compilers.tflm.trial MODEL.tflite` prints JSON: `smallest` bytes, what of it is `total`, `head` and `tail`,
and `kinds` of structures in the tail.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graph.tflm_recording import arena_kinds, arena_parts, captured_stderr

ALIGNMENT = 16
FIRST_GUESS = 1 << 16
LIMIT = 1 << 30


def measure(model: bytes) -> dict[str, object]:
    """Return the arena's figures, from an interpreter that allocates and runs in just `smallest` bytes."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    def allocates(size: int) -> bool:
        def attempt() -> None:
            Interpreter.from_bytes(model, arena_size=size)

        try:
            captured_stderr(attempt)
        except RuntimeError:
            return False
        return True

    high = FIRST_GUESS
    while not allocates(high):
        high *= 2
        if high > LIMIT:
            Interpreter.from_bytes(model, arena_size=high)  # raises with the reason
    smallest = _bisect(high // 2 if high > FIRST_GUESS else 0, high, allocates)
    interpreter = Interpreter.from_bytes(model, arena_size=smallest)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    text = captured_stderr(interpreter.print_allocations)
    return {"smallest": smallest, **arena_parts(text), "kinds": arena_kinds(text)}


def _bisect(low: int, high: int, works: Callable[[int], bool]) -> int:
    """Return the least multiple of 16 above `low`, at most `high`, that works; `high` does."""
    while high - low > ALIGNMENT:
        middle = (low + high) // 2 // ALIGNMENT * ALIGNMENT
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


if __name__ == "__main__":
    try:
        print(json.dumps(measure(Path(sys.argv[1]).read_bytes())))
    except RuntimeError as e:  # TFLite-Micro printed the reason before
        sys.exit(str(e))
