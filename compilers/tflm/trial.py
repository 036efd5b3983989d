"""Finds the smallest arena that TFLite-Micro needs on this host, in a process of its own: some models abort it.

`python -m compilers.tflm.trial MODEL.tflite` prints JSON: `smallest` bytes, what of it is `total`, `head` and `tail`,
and `kinds` of structures in the tail.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graph.tflm_recording import arena_kinds, arena_parts, captured_stderr

ALIGNMENT = 16
PLENTY = 1 << 26
LIMIT = 1 << 30
"""Bytes of the arenas that are tried first; memory that is not touched costs nothing."""


def measure(model: bytes) -> dict[str, object]:
    """Return the arena's figures, from an interpreter that allocates and runs in just `smallest` bytes.

    What an interpreter with plenty uses is the least that is possible; allocating can need more than that for a while.
    The search goes up from there, since TFLite-Micro crashes with some arenas that are much too small.
    """

    def works(size: int) -> bool:
        return _survives(lambda: _run(model, size))

    used = arena_parts(_run(model, PLENTY if works(PLENTY) else LIMIT))["total"]
    smallest = least(-(-used // ALIGNMENT) * ALIGNMENT, works)
    text = _run(model, smallest)
    return {"smallest": smallest, **arena_parts(text), "kinds": arena_kinds(text)}


def least(low: int, works: Callable[[int], bool]) -> int:
    """Return the least multiple of 16 from `low` on, itself one, that works. Raises RuntimeError if none does."""
    step = ALIGNMENT
    high = low
    while not works(high):
        low, high, step = high, high + step, 2 * step
        if high > LIMIT:
            raise RuntimeError(f"it does not run in an arena of {LIMIT} bytes")
    while high - low > ALIGNMENT:
        middle = (low + high) // 2 // ALIGNMENT * ALIGNMENT
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _run(model: bytes, size: int) -> str:
    """Run the model once on zeros in an arena of `size` bytes and return what TFLite-Micro recorded.

    Raises RuntimeError if it refuses, after it printed the reason.
    """
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    interpreter = Interpreter.from_bytes(model, arena_size=size)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    return captured_stderr(interpreter.print_allocations)


def _survives(body: Callable[[], object]) -> bool:
    """Return whether `body` ends without an error in a process of its own, which it may kill."""
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            body()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


if __name__ == "__main__":
    try:
        print(json.dumps(measure(Path(sys.argv[1]).read_bytes())))
    except RuntimeError as e:  # TFLite-Micro printed the reason before
        sys.exit(str(e))
