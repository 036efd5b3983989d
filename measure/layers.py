"""Instructions, cycles or time of each layer of a network compiled ahead of time: its C counts around each call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from artifact import Artifact
from calibration.evaluate import Values
from compilers.image import microcontroller
from compilers.image.microcontroller import FirmwareFacts
from deploy.device import device_for
from deploy.session import Session
from errors import DeviceError
from measure.samples import Clock
from target import Target

# Operator, ticks and calls, as profile.h reports them.
_COUNT = re.compile(r"layer (\d{1,6}) (\d{1,18}) (\d{1,9})")

OnLog = Callable[[str], None]
Open = Callable[[OnLog], AbstractContextManager[Session]]
"""Opens a session with a device; what it prints goes to a function."""


@dataclass(frozen=True)
class LayerCount:
    """One operator: its name with the shape of its output, multiply-accumulates, instructions."""

    name: str
    macs: int
    instructions: int


@dataclass(frozen=True)
class Counts:
    """What a profiled firmware counted in each run, by the place of the operator: amounts in the unit of `clock`."""

    clock: Clock
    runs: tuple[tuple[float, ...], ...]


def count(open_device: Open, operators: int, data: bytes, runs: int = 1) -> Counts:
    """Run a profiled firmware on the bytes of all inputs; return the counts of its operators, less what counting takes.

    Each call is measured to one tick of the device's counter. Raises DeviceError if the device does not report them.
    """
    lines: list[str] = []
    found = []
    with open_device(lines.append) as session:
        for _ in range(runs):
            lines.clear()
            session.infer(data)
            session.stats()  # its answer comes after all lines so far
            clock = Clock(session.info.counter)
            found.append(_counts(lines, operators, clock, session.link.name))
    return Counts(clock, tuple(found))


def _counts(lines: Sequence[str], operators: int, clock: Clock, where: str) -> tuple[float, ...]:
    parts = _COUNT.findall("\n".join(lines))
    counts: Mapping[int, tuple[int, int]] = {int(step): (int(ticks), int(calls)) for step, ticks, calls in parts}
    if counts.keys() != set(range(operators + 1)) or not counts[operators][1]:
        raise DeviceError(f"{where}: expected the ticks of {operators} layers, got {len(counts)}; report it")
    ticks, calls = counts[operators]
    empty = clock(ticks) / calls
    return tuple(max(0.0, clock(counts[i][0]) - empty * counts[i][1]) for i in range(operators))


def profile(
    model: Artifact[object], image: Artifact[FirmwareFacts], target: Target, picture: Values
) -> tuple[LayerCount, ...]:
    """Return the count of each operator of a firmware artifact of the aot engine, in order.

    `model` is the int8 network that `image` was compiled from; `picture` is one input as it takes it. The counts are of
    a build of their own. Raises as `count`.
    """
    facts = image.facts
    streamed, operators = facts.plan.streamed is not None, facts.plan.operators
    made = microcontroller.compile_for(model, target, facts.optimize, streamed, profile=True)
    data = np.ascontiguousarray(picture).tobytes()
    counts = count(lambda on_log: device_for(target, made).session(on_log=on_log), len(operators), data)
    return tuple(
        LayerCount(
            name=f"{operator.index} {operator.name}, {'x'.join(map(str, operator.shape))}",
            macs=operator.macs,
            instructions=round(amount),
        )
        for operator, amount in zip(operators, counts.runs[0], strict=True)
    )
