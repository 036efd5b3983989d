"""What each layer takes on a device: instructions, cycles or time, and how they add up to a whole inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal, TypeVar

from compilers.aot import OperatorSpec
from measure.layers import LayerRun, Open, count, without_counting
from measure.modeled import CoreCycles
from measure.report import Unit
from measure.samples import Clock

T = TypeVar("T")
SCHEMA = 1
MODELED: Literal["modeled cycles"] = "modeled cycles"
ProfileUnit = Literal[Unit, "modeled cycles"]
TOLERANCE = 0.01
"""By how much the layers may differ from the whole."""


@dataclass(frozen=True)
class Repeats:
    """How often a network is run: in each round the ordinary firmware starts and runs, and then the profiled one.

    Each runs `warm_up` times that do not count, and `runs` times that do. A process on Linux gets other pages of memory
    each time it starts, of which some share lines of a cache: that makes it slower by some percent until it ends.
    After `rounds` there are as many again, up to `most`, until the odd rounds give what the even ones do.
    """

    rounds: int
    warm_up: int
    runs: int
    most: int


REPEATS = {"host": Repeats(20, 3, 10, 100), "hardware": Repeats(1, 2, 20, 1), "emulated": Repeats(1, 0, 1, 1)}
"""By what the target is measured on; an emulated microcontroller counts the same each time."""
LINUX_BOARD = Repeats(6, 3, 20, 12)
"""A Linux board over SSH, which takes a second or two to start a program."""
STEADY = 0.004
"""By how much odd and even rounds may differ, of the ordinary firmware and of the profiled one."""
QUIETER = 4
"""The runs that other programs disturbed least: one of so many."""


@dataclass(frozen=True)
class LayerProfile:
    """An operator: `amount` in the unit of the profile, `share` of the whole, and the amount per MAC if it has any.

    `tensor` is what it writes, of `shape`; `block` is the first operator of those that run row by row together.
    `operator` is None for what a runtime does beside the network's operators.
    """

    operator: int | None
    name: str
    tensor: str
    shape: tuple[int, ...]
    macs: int
    amount: float
    share: float
    per_mac: float | None = None
    block: int | None = None


@dataclass(frozen=True)
class Profile:
    """All layers of a network on a device; `schema` is that of this form as JSON.

    `whole` is a whole inference of the ordinary firmware, without counting; `sum` are all layers together. Each is the
    mean over the quieter quarter of `runs`, judged by the whole of each. `counting` is what reading the counter takes
    in a run, of the layers and the whole. `modeled` has the modeled cycles beside, where there are rules for the core.
    Where a runtime's own profiler gave the layers, both are of inferences with it, and `ordinary` is one without.
    `mismatch` has what the device says of itself that its target does not, which the user allowed.
    """

    schema: int
    model: str
    target: str
    measured_on: str
    engine: str
    kernels: str
    unit: ProfileUnit
    counter: str
    runs: int
    whole: float
    sum: float
    layers: tuple[LayerProfile, ...]
    modeled: tuple[CoreCycles, ...] | None = None
    ordinary: float | None = None
    mismatch: tuple[str, ...] | None = None
    counting: float | None = None

    @property
    def is_consistent(self) -> bool:
        """Whether the layers add up to the whole, to 1 %."""
        return abs(self.sum - self.whole) <= TOLERANCE * self.whole


def measure(
    ordinary: Open, profiled: Open, operators: Sequence[OperatorSpec], data: bytes, where: str, repeats: Repeats
) -> Profile:
    """Run the ordinary and the profiled firmware of a network on the bytes of all inputs, in turn.

    `where` is the target's `measured_on`. The names in the profile are the device's; the model's is left "".
    Raises DeviceError, LinkError.
    """
    wholes: list[list[float]] = []
    rounds: list[Sequence[LayerRun]] = []
    while len(rounds) < repeats.most and (len(rounds) % repeats.rounds or not _is_steady(wholes, rounds)):
        with ordinary(lambda text: None) as session:
            info, clock = session.info, Clock(session.info.counter)
            times = [clock(session.infer(data).ticks) for _ in range(repeats.warm_up + repeats.runs)]
        wholes.append(times[repeats.warm_up :])
        counts = count(profiled, len(operators), data, repeats.warm_up + repeats.runs)
        rounds.append(counts.runs[repeats.warm_up :])
    runs = [run for one in rounds for run in one]
    whole = _quiet_mean([time for times in wholes for time in times])
    quiet = _quieter(runs, lambda run: run.total)
    amounts = without_counting(quiet)
    digits, of_mac = (3, 9) if clock.unit == "us" else (0, 4)
    layers = tuple(
        LayerProfile(
            operator.index, operator.name, operator.tensor, operator.shape, operator.macs, round(amount, digits),
            round(amount / whole, 6), round(amount / operator.macs, of_mac) if operator.macs else None, operator.block,
        )
        for operator, amount in zip(operators, amounts, strict=True)
    )  # fmt: skip
    return Profile(
        SCHEMA, "", info.board, where, f"{info.engine} {info.engine_version}", info.kernels, clock.unit, clock.name,
        len(runs), round(whole, digits), round(sum(layer.amount for layer in layers), digits), layers,
        counting=round((sum(quiet[0].calls) + 1) * median(run.per_call for run in quiet), digits),
    )  # fmt: skip


def of_model(modeled: Sequence[CoreCycles], model: str, target: str, engine: str, kernels: str) -> Profile:
    """Return a profile of modeled cycles alone, on the first core."""
    first = modeled[0]
    layers = tuple(
        LayerProfile(
            layer.operator, layer.name, layer.tensor, layer.shape, layer.macs, layer.cycles,
            round(layer.cycles / first.cycles, 6), round(layer.cycles / layer.macs, 4) if layer.macs else None,
        )
        for layer in first.layers
    )  # fmt: skip
    return Profile(
        SCHEMA, model, target, "emulated", engine, kernels, MODELED, f"rules {first.rules} of {first.core}", 1,
        first.cycles, sum(layer.cycles for layer in first.layers), layers, tuple(modeled),
    )  # fmt: skip


def _is_steady(wholes: Sequence[Sequence[float]], rounds: Sequence[Sequence[LayerRun]]) -> bool:
    """Return whether odd and even rounds say the same of each firmware. The two are not compared with each other."""
    totals = [[run.total for run in runs] for runs in rounds]
    for values in (wholes, totals):
        means = [_quiet_mean([value for one in values[start::2] for value in one]) for start in range(2)]
        if not len(rounds) or max(means) - min(means) > STEADY * max(means):
            return False
    return True


def _quiet_mean(values: Sequence[float]) -> float:
    return fmean(_quieter(values, float)) if values else 0.0


def _quieter(runs: Sequence[T], amount: Callable[[T], float]) -> Sequence[T]:
    """Return the quarter of the least amounts: other programs take time from a run, and never give it any."""
    return sorted(runs, key=amount)[: -(-len(runs) // QUIETER)]
