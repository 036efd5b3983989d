"""One instruction of a RISC-V program, read from the text of llvm-objdump: what it reads and writes, and its kind."""

from __future__ import annotations

import re

from cycles.instruction import Instruction

LOADS = frozenset(("lb", "lbu", "lh", "lhu", "lw"))
STORES = frozenset(("sb", "sh", "sw"))
MULTIPLIES = frozenset(("mul", "mulh", "mulhsu", "mulhu"))
DIVISIONS = frozenset(("div", "divu", "rem", "remu"))
CALLS = frozenset(("jal", "jalr"))
FAR = frozenset(("jalr", "jr", "ret", "mret"))
_REGISTER = re.compile(r"\b(ra|sp|gp|tp|t[0-6]|s1[01]|s\d|a[0-7])\b")
_BRANCH = re.compile(r"b(eq|ne|lt|ge|gt|le)u?z?$")
_TARGET = re.compile(r"0x([0-9a-f]+)(?: <|$)")


def parse(address: int, size: int, name: str, operands: str) -> Instruction:
    """Return the instruction that llvm-objdump prints as `name operands`; jumps have `pc` in what they write."""
    one = Instruction(address, size, name, f"{name} {operands}".rstrip())
    body = operands.partition("#")[0]
    used = _REGISTER.findall(body.partition("<")[0])
    if name in LOADS | STORES:
        one.kind = "load" if name in LOADS else "store"
        one.bases = used[-1:]
        one.reads, one.writes = (used[1:], used[:1]) if name in LOADS else (used, [])
    elif _BRANCH.match(name):
        one.kind, one.is_jump, one.reads = "branch", True, used
    elif name in ("j", *CALLS, *FAR):
        one.kind, one.is_jump, one.reads = "branch", True, used
        one.writes = ["ra"] * (name in CALLS) + ["pc"] * (name in FAR)
    else:
        one.kind = "mac" if name in MULTIPLIES else "div" if name in DIVISIONS else "alu"
        one.writes, one.reads = used[:1], used[1:]
    if one.is_jump:
        one.target = int((_TARGET.findall(body.strip()) or ["-1"])[0], 16)
    return one
