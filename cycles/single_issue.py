"""Cycles on cores where each instruction has its own: Cortex-M0+, M3 and M4."""

from __future__ import annotations

from collections.abc import Sequence

from cycles.instruction import LONG, Instruction
from cycles.rules import SingleIssue


def cycles(code: Sequence[Instruction], rules: SingleIssue) -> list[int]:
    """Return the cycles of each instruction in order, without what taken branches add."""
    out: list[int] = []
    before: Instruction | None = None
    for one in code:
        own = _alone(one, rules)
        out.append(_behind(before, one, own, rules) if before and rules.pipelines_loads else own)
        before = one
    return out


def _alone(one: Instruction, rules: SingleIssue) -> int:
    if one.kind == "list":
        return 1 + one.count
    if one.kind == "mac":
        if one.name in LONG:
            return rules.multiply_long
        return rules.multiply_add if one.name in ("mla", "mls") else 1
    if one.kind == "store":
        return rules.store + (rules.pipelines_loads and len(one.bases) > 1)  # with an offset in a register
    return {"load": rules.load, "double": rules.double, "div": rules.divide}.get(one.kind, 1)


def _behind(before: Instruction, one: Instruction, own: int, rules: SingleIssue) -> int:
    is_independent = one.kind == before.kind == "load" and before.back != one.bases[0]
    is_independent = is_independent and not set(before.writes) & set(one.bases)
    if is_independent and (rules.pipelines_moved_bases or not one.back):
        own = 1  # in the pipeline of loads
    reads_memory = one.kind in ("load", "list", "double") and not one.name.startswith(("stm", "push", "strd"))
    own += before.kind == "store" and reads_memory  # a store does not overlap with a load behind it
    # No result of the arithmetic unit is forwarded to an address.
    return own + (before.kind in ("alu", "dsp", "mac") and bool(set(before.writes) & set(one.bases)))
