"""Instructions, cycles or time of each layer of a network compiled ahead of time: its C counts around each call."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import fmean, median

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
class LayerRun:
    """What a profiled firmware counted in one run, in the unit of its clock, by the place of the operator.

    `amounts` are with what counting takes in all `calls`; `per_call` is that of a call, from empty ones after the run.
    """

    amounts: tuple[float, ...]
    calls: tuple[int, ...]
    per_call: float

    @property
    def total(self) -> float:
        """All operators together, with what counting takes."""
        return sum(self.amounts)


@dataclass(frozen=True)
class Counts:
    """What a profiled firmware counted in each run: amounts in the unit of `clock`."""

    clock: Clock
    runs: tuple[LayerRun, ...]


def count(open_device: Open, operators: int, data: bytes, runs: int = 1) -> Counts:
    """Run a profiled firmware on the bytes of all inputs; return the counts of its operators.

    Nothing else is done between the runs, as between those of the ordinary firmware: it would cool the caches. Each
    call is measured to one tick of the device's counter. Raises DeviceError if the device does not report them.
    """
    lines: list[str] = []
    with open_device(lines.append) as session:
        lines.clear()
        for _ in range(runs):
            session.infer(data)
        session.stats()  # its answer comes after all lines so far
        clock, where = Clock(session.info.counter), session.link.name
    parts = [(int(step), int(ticks), int(calls)) for step, ticks, calls in _COUNT.findall("\n".join(lines))]
    length = operators + 1  # the last is of empty calls
    tables = [parts[at : at + length] for at in range(0, len(parts), length)]
    if len(parts) != runs * length or not all(_is_whole(table) for table in tables):
        raise DeviceError(
            f"{where}: expected the ticks of {operators} layers in {runs} runs, got {len(parts)} lines; report it"
        )
    return Counts(clock, tuple(_run(table, clock) for table in tables))


def _is_whole(table: Sequence[tuple[int, int, int]]) -> bool:
    return [step for step, _, _ in table] == list(range(len(table))) and table[-1][2] > 0


def _run(table: Sequence[tuple[int, int, int]], clock: Clock) -> LayerRun:
    *layers, (_, ticks, calls) = table
    amounts = tuple(clock(counted) for _, counted, _ in layers)
    return LayerRun(amounts, tuple(times for _, _, times in layers), clock(ticks) / calls)


def without_counting(runs: Sequence[LayerRun]) -> tuple[float, ...]:
    """Return the mean of each operator over runs, less what counting takes in its calls.

    That is the median of what the runs measured: one that was interrupted in its empty calls measured more.
    """
    per_call = median(run.per_call for run in runs)
    means = (fmean(amounts) for amounts in zip(*(run.amounts for run in runs), strict=True))
    return tuple(max(0.0, mean - per_call * calls) for mean, calls in zip(means, runs[0].calls, strict=True))


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
        for operator, amount in zip(operators, without_counting(counts.runs), strict=True)
    )
