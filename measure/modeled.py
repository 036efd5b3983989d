"""Modeled cycles of a network on Cortex-M cores and Hazard3 (RISC-V): of all, its layers and the kernels that ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import target as targets
from artifact import Artifact, ImageFacts
from compilers.aot import OperatorSpec
from compilers.image.microcontroller import MODEL_FOLDER, FirmwareFacts
from cycles import emulation, model, rules
from cycles.emulation import Flash
from cycles.model import Modeled
from errors import ConfigError
from graph.types import Graph, Operator, Tensor
from target import Target

ALSO = {"cortex-m55": ("cortex-m85",)}
"""Cores that no emulator here has, by the core whose image and emulator they are modeled with."""


@dataclass(frozen=True)
class LayerCycles:
    """An operator by its place in the network: `tensor` is what it writes, of `shape`; `macs` multiply-accumulates."""

    operator: int
    name: str
    tensor: str
    shape: tuple[int, ...]
    macs: int
    instructions: int
    cycles: int


@dataclass(frozen=True)
class KernelCycles:
    """A function of the engine, with what ran in it but not in those that it calls."""

    name: str
    instructions: int
    cycles: int


@dataclass(frozen=True)
class CoreCycles:
    """One inference on a core: modeled, not measured.

    `rules` is the version of the rules, `left_out` what these leave out. `flash_wait_states` is 0 where flash does not
    wait. `layers` are in order, `kernels` by falling cycles.
    """

    core: str
    rules: int
    left_out: tuple[str, ...]
    flash_wait_states: int
    instructions: int
    cycles: int
    layers: tuple[LayerCycles, ...]
    kernels: tuple[KernelCycles, ...]


def cores_of(board: Target) -> list[str]:
    """Return the cores that an image of an emulated board is priced for, the board's first; none without rules."""
    if board.emulator is None or board.emulator.machine not in emulation.FREE_ORIGINS:
        return []
    return [cpu for cpu in (board.cpu, *ALSO.get(board.cpu, ())) if model.core_name(cpu) in rules.CORES]


def emulated_twin(board: Target) -> Target:
    """Return the emulated board of the same core and kernels, whose image stands for this board's in the model.

    It has the board's flash. An emulated board is its own. Raises ConfigError if there is none.
    """
    if cores_of(board):
        return board
    for twin in map(targets.load, targets.names()):
        if (
            twin.cpu == board.cpu
            and cores_of(twin)
            and board.mcu
            and twin.mcu
            and twin.mcu.kernels == board.mcu.kernels
        ):
            return replace(twin, cycles=board.cycles)
    raise ConfigError(f"--target {board.name}: its core has no cycle model; take one of {', '.join(_known())}")


def _known() -> list[str]:
    return [twin.name for twin in map(targets.load, targets.names()) if cores_of(twin)]


def price(image: Artifact[ImageFacts], board: Target, data: bytes, *, by_layer: bool = False) -> list[Modeled]:
    """Run an image of an emulated board once on the bytes of all inputs; return its costs on each of its cores.

    With `by_layer` our engine's operators are told apart. Raises DeviceError if it does not run, CompileError if a tool
    is missing.
    """
    if not (cores := [model.core_name(cpu) for cpu in cores_of(board)]):
        return []
    assert board.emulator
    timing = board.cycles
    flash = None
    if timing and timing.flash_wait_states:
        flash = Flash(timing.flash_wait_states, timing.line_bytes, timing.code_lines, timing.data_lines)
    source = source_of(image) if by_layer else None
    return model.price(image.path, cores, board.emulator.machine, data, source, flash)


def by_layer(image: Artifact[ImageFacts], board: Target, data: bytes, network: Graph) -> tuple[CoreCycles, ...]:
    """Return the cycles of the layers and kernels of an image on each of its cores, none where there are no rules.

    `network` is the one that the image was built from. Raises as `price`.
    """
    found = price(image, board, data, by_layer=True)
    ours = image.with_facts_of(FirmwareFacts)
    computed = {operator.index: operator for operator in ours.facts.plan.operators} if ours else {}
    return tuple(_section(cpu, one, network, computed) for cpu, one in zip(cores_of(board), found, strict=True))


def _section(cpu: str, found: Modeled, network: Graph, computed: Mapping[int, OperatorSpec]) -> CoreCycles:
    def size(place: int, operator: Operator, made: Tensor) -> tuple[tuple[int, ...], int]:
        known = computed.get(place)
        return (known.shape, known.macs) if known else (made.shape, network.macs(operator))

    layers = tuple(
        LayerCycles(place, operator.name, made.short_name, *size(place, operator, made), cost.instructions, cost.cycles)
        for place, operator in enumerate(network.operators)
        if (cost := found.operators.get(place)) and (made := network.tensors[operator.outputs[0]])
    )
    kernels = tuple(KernelCycles(name, cost.instructions, cost.cycles) for name, cost in found.functions)
    flash = found.flash
    left_out = tuple(name for name in rules.LEFT_OUT if flash is None or name not in rules.FLASH)
    return CoreCycles(
        cpu, found.rules_version, left_out, flash.wait_states if flash else 0, found.total.instructions,
        found.total.cycles, layers, kernels,
    )  # fmt: skip


def source_of(image: Artifact[ImageFacts]) -> Path | None:
    """Return the network's C beside an image that was compiled ahead of time, None for one of another engine."""
    if not image.with_facts_of(FirmwareFacts):
        return None
    folder = image.path.parent / MODEL_FOLDER
    return next(path for path in sorted(folder.glob("*.c")) if path.with_name(f"{path.stem}_weights.c").exists())


def summary(sections: Sequence[CoreCycles]) -> str:
    """Return one line: the cycles on each core, whose rules they are, and what these leave out."""
    first = sections[0]
    cores = ", ".join(f"{one.cycles:,} on {one.core}" for one in sections)
    waits = f", {first.flash_wait_states} flash wait states" if first.flash_wait_states else ""
    return f"modeled cycles: {cores} (rules {first.rules}{waits}; without {', '.join(first.left_out)})"
