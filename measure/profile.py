"""What each layer takes on a device: instructions, cycles or time, and how they add up to a whole inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from compilers.aot import OperatorSpec
from measure import samples
from measure.layers import Open, count
from measure.modeled import CoreCycles
from measure.report import Unit

SCHEMA = 1
MODELED: Literal["modeled cycles"] = "modeled cycles"
ProfileUnit = Literal[Unit, "modeled cycles"]
RUNS = {"host": 100, "hardware": 20, "emulated": 1}
"""Runs of each firmware, by what the target is measured on; an emulated microcontroller counts the same each time."""
WARM_UP = {"host": 10, "hardware": 2, "emulated": 0}
TOLERANCE = 0.01
"""By how much the layers may differ from the whole."""


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
    10th percentile of `runs`. `modeled` has the modeled cycles beside, where there are rules for the core.
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

    @property
    def is_consistent(self) -> bool:
        """Whether the layers add up to the whole, to 1 %."""
        return abs(self.sum - self.whole) <= TOLERANCE * self.whole


def measure(ordinary: Open, profiled: Open, operators: Sequence[OperatorSpec], data: bytes, where: str) -> Profile:
    """Run the ordinary and the profiled firmware of a network on the bytes of all inputs.

    `where` is the target's `measured_on`. The names in the profile are the device's; the model's is left "".
    Raises DeviceError, LinkError.
    """
    with ordinary(lambda text: None) as session:
        info = session.info
        latency = samples.latency(session, data, WARM_UP[where], RUNS[where])
    counts = count(profiled, len(operators), data, WARM_UP[where] + RUNS[where])
    amounts = tuple(map(_least_disturbed, zip(*counts.runs[WARM_UP[where] :], strict=True)))
    whole = _least_disturbed(latency.values)
    digits, of_mac = (3, 9) if latency.unit == "us" else (0, 4)
    layers = tuple(
        LayerProfile(
            operator.index, operator.name, operator.tensor, operator.shape, operator.macs, round(amount, digits),
            round(amount / whole, 6), round(amount / operator.macs, of_mac) if operator.macs else None, operator.block,
        )
        for operator, amount in zip(operators, amounts, strict=True)
    )  # fmt: skip
    return Profile(
        SCHEMA, "", info.board, where, f"{info.engine} {info.engine_version}", info.kernels, latency.unit,
        latency.counter, RUNS[where], round(whole, digits), round(sum(layer.amount for layer in layers), digits),
        layers,
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


def _least_disturbed(values: Sequence[float]) -> float:
    """Return the 10th percentile: other programs take time from a run, and never give it any."""
    return sorted(values)[len(values) // 10]
