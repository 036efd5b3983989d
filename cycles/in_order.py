"""Cycles on cores that issue in order when operands are ready: Cortex-M33, M7, M55 and M85."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cycles.instruction import EXTENDS, Instruction
from cycles.rules import InOrder

_BYTE_LOAD = re.compile(r"ldrs?[bh]")
_EARLY_ALU = re.compile(r"add|sub|mov")
_VECTOR_LATENCIES = (
    (re.compile(r"vq?mov[ou]?n|vq?movun|vq?r?shrn"), 3),
    (re.compile(r"v[qr]+shl|vrshr|vmul|vqr?d?mul|vml|vrml|vaddv|vaddlv|vshll|vmaxv|vminv"), 2),
)


@dataclass(frozen=True)
class _Ready:
    """Cycles from which a register can be read: by any user, as an accumulator, as a store's data; what made it."""

    use: int
    accumulator: int
    store: int
    maker: str


@dataclass
class _State:
    cycle: int = 0
    older: Instruction | None = None
    ready: dict[str, _Ready] = field(default_factory=dict)
    pipes: dict[str, int] = field(default_factory=dict)


def issues(code: Sequence[Instruction], rules: InOrder) -> list[int]:
    """Return the cycle at which each instruction issues, and last the cycle after them all."""
    state, out = _State(), []
    for one in code:
        out.append(_issue(state, one, rules))
    return [*out, state.cycle + (1 if state.older else 0)]


def _issue(state: _State, one: Instruction, rules: InOrder) -> int:
    need = max((_needed(state.ready[name], name, one, rules) for name in one.reads if name in state.ready), default=0)
    pipe = one.vector
    if pipe == "any":
        pipe = min(("int", "mul"), key=lambda name: state.pipes.get(name, 0))
    is_alone = one.kind in ("list", "div") or (one.kind == "double" and rules.issue == 2)
    free = state.pipes.get(pipe, 0)
    if state.older and (need > state.cycle or free > state.cycle or is_alone or clash(one, state.older)):
        state.cycle, state.older = state.cycle + 1, None
    at = state.cycle = max(state.cycle, need, free if pipe else 0)
    if one.kind == "it" and not rules.conditional_block:
        return at
    length = _length(one, rules)
    if pipe and pipe != "sys":
        state.pipes[pipe] = at + 2  # two beats
    _write(state, one, at, length, rules)
    length = length if state.older or rules.issue == 1 or is_alone else 0
    state.cycle, state.older = at + length, None if length else one
    return at


def _needed(ready: _Ready, name: str, one: Instruction, rules: InOrder) -> int:
    if one.kind == "mac" and name == one.accumulator and one.reads.count(name) == 1:
        return ready.accumulator
    if one.kind == "store" and name not in one.bases and rules.issue == 2:
        return ready.store
    is_early = rules.early_operands and ready.maker and (one.name in EXTENDS or one.is_shifted or name in one.bases)
    is_factor = rules.early_factors and one.kind == "mac" and ready.maker == "load"
    return ready.use + bool(is_early or is_factor)


def _length(one: Instruction, rules: InOrder) -> int:
    if one.kind == "list":
        return -(-one.count // rules.registers_a_cycle)
    return {"double": rules.double, "div": rules.divide}.get(one.kind, 1)


def _maker(one: Instruction) -> str:
    if one.kind in ("load", "list", "double"):
        return "load"
    return one.kind if one.kind in ("mac", "dsp") else "shifted" if one.is_shifted else ""


def _latency(one: Instruction, maker: str, rules: InOrder) -> int:
    if one.vector:
        return next((cycles for rule, cycles in _VECTOR_LATENCIES if rule.match(one.name)), 1)
    if maker == "load":
        return rules.byte if _BYTE_LOAD.search(one.name) else rules.load
    if maker == "dsp":
        return 1 if one.name in ("bfi", "bfc") else rules.dsp
    return {"mac": rules.multiply, "shifted": rules.shifted}.get(maker, 1)


def _write(state: _State, one: Instruction, at: int, length: int, rules: InOrder) -> None:
    maker = _maker(one)
    latency = _latency(one, maker, rules)
    accumulator = rules.accumulate if maker == "mac" else 1 if maker == "load" else latency
    for place, name in enumerate(one.writes):
        arrives_one_by_one = one.kind == "list" and rules.issue == 1
        first = at + (min(place, length - 1) if arrives_one_by_one else length - 1)
        if name == one.back:
            state.ready[name] = _Ready(at + 1, at + 1, at, "")
        else:
            state.ready[name] = _Ready(first + latency, first + accumulator, first, maker)


def clash(one: Instruction, older: Instruction) -> bool:
    """Return whether an instruction can't issue beside the older one, in a core that issues two in a cycle."""
    is_pair = {one.kind, older.kind} in ({"mac"}, {"store"}, {"mac", "store"})
    if is_pair or one.kind in ("dsp", "it") or (one.vector and older.vector):
        return True
    if older.kind in ("list", "double", "div") or (one.is_shifted and (older.is_shifted or older.kind == "dsp")):
        return True
    if (set(one.writes) - {"flags"}) & set(older.writes):
        return True
    if one.kind == older.kind == "load":  # not of one bank: odd and even words
        is_known = one.bases == older.bases and one.offset is not None and older.offset is not None
        return not is_known or ((one.offset or 0) // 4 - (older.offset or 0) // 4) % 2 == 0
    # Results of the same cycle: only as a store's data, or from the early unit to the late one.
    is_data = one.kind == "store" and not set(one.bases) & set(older.writes)
    is_early = older.kind == "alu" and not older.is_shifted and _EARLY_ALU.match(older.name)
    is_late = is_early and not one.bases and one.kind not in ("dsp", "branch") and not one.is_shifted
    return bool(set(one.reads) & set(older.writes)) and not is_data and not is_late
