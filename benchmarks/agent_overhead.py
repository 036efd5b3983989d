"""What the agent costs: its median of single inferences over that of a bare interpreter loop, taken in turns.

Run it with `.venv/bin/python -m benchmarks.agent_overhead MODEL.tflite`. Both use the same runtime, kernels and one
thread on this machine; batches alternate, so that other load on the machine affects both alike.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from artifact import Artifact, ImageFacts, sha256_of
from deploy.agent.engine import LiteRtEngine
from deploy.agents import AgentOptions, local_agent
from deploy.session import Session
from graph.kernels import KERNELS, USUAL

BATCH = 50


def measure(model: Path, kernels: str, batches: int) -> tuple[list[int], list[int]]:
    """Return nanoseconds of single inferences, by the bare loop and as the agent counts them."""
    artifact = Artifact(model, "tflite", model.stem, digest := sha256_of(model), ImageFacts(digest, {}))
    bare_loop = _bare_loop(model, kernels)
    bare: list[int] = []
    agent: list[int] = []
    with Session(local_agent("host", artifact, AgentOptions(kernels=kernels))) as session:
        data = bytes(session.info.inputs[0].nbytes)
        session.infer(data)
        for number in range(batches + 1):
            times = bare_loop(BATCH)
            ticks = session.run(BATCH)
            if number:  # the first batch of each warms up
                bare += times
                agent += ticks
    return bare, agent


def _bare_loop(model: Path, kernels: str) -> Callable[[int], list[int]]:
    engine = LiteRtEngine(str(model), 1, kernels)
    interpreter = engine._interpreter
    for number, spec in enumerate(engine.inputs):
        size = 1
        for side in spec["shape"]:
            size *= side
        engine.set_input(number, bytes(size * {"float32": 4, "int32": 4, "int16": 2}.get(spec["dtype"], 1)))

    def run(count: int) -> list[int]:
        clock, invoke = time.perf_counter_ns, interpreter.invoke
        times = []
        for _ in range(count):
            begin = clock()
            invoke()
            times.append(clock() - begin)
        return times

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--kernels", choices=tuple(KERNELS), default=USUAL)
    parser.add_argument("--batches", type=int, default=40)
    options = parser.parse_args()
    bare, agent = measure(options.model, options.kernels, options.batches)
    base = statistics.median(bare)
    print(f"{options.model.name}, {options.kernels} kernels, {len(bare):,} inferences of each, in turns")
    for label, values in (("bare loop", bare), ("agent", agent)):
        median = statistics.median(values)
        print(f"{label:<10}{median / 1000:10.1f} us median, {min(values) / 1000:10.1f} min  {median / base - 1:+.2%}")


if __name__ == "__main__":
    main()
