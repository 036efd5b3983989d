"""Plan, linker and device beside each other: what a network was planned to need, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compilers.image.fit import Fit

RAM_TOLERANCE = 512
"""Bytes of RAM that the plan may say too much: the firmware's own share is an estimate for the largest."""


@dataclass(frozen=True)
class Measured:
    """A built image: bytes as the linker placed them on the board, and as a device says that it has them.

    `device` is what ran it, an emulated core where the board itself is not there; `count` is what an inference took
    there, in `unit`. Figures that were not measured are None.
    """

    linked_ram: int | None = None
    linked_flash: int | None = None
    device: str = ""
    arena: int | None = None
    stack_used: int | None = None
    count: float | None = None
    unit: str = ""


def measured(
    planned: Fit, linked: Mapping[str, int] | None, device: str, memory: Mapping[str, int], count: float, unit: str
) -> tuple[Measured, tuple[str, ...]]:
    """Return what was measured and what does not agree with the plan, a phrase each.

    `linked` are an image's sizes by name, None where the board's own SDK links it; `memory` those that a device says.
    """
    known = linked or {}
    result = Measured(
        known.get("ram"), known.get("flash"), device, memory.get("arena"), memory.get("stack_used"), count, unit
    )
    return result, tuple(_parted(planned, result))


def _parted(planned: Fit, one: Measured) -> list[str]:
    problems = []
    tolerance = planned.ram_needed if planned.estimated else RAM_TOLERANCE
    if one.linked_ram is not None and not 0 <= planned.ram_needed - one.linked_ram <= tolerance:
        problems.append(f"RAM is planned as {planned.ram_needed:,} bytes and linked as {one.linked_ram:,}")
    if one.linked_flash is not None and one.linked_flash > planned.flash_needed:
        problems.append(f"flash is planned as {planned.flash_needed:,} bytes and linked as {one.linked_flash:,}")
    if one.arena is not None and one.arena != planned.arena_bytes:
        problems.append(f"the arena is planned as {planned.arena_bytes:,} bytes, {one.device} has {one.arena:,}")
    if one.stack_used is not None and one.stack_used > planned.stack_bytes:
        problems.append(f"the stack has {planned.stack_bytes:,} bytes, {one.device} used {one.stack_used:,}")
    return problems
