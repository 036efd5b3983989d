"""Rules against what the manuals and the published measurements say of short sequences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycles import in_order, instruction, riscv, single_issue
from cycles.instruction import Instruction, registers
from cycles.rules import CORES, InOrder, SingleIssue

NAMES = ("ldr", "str", "smlad", "add", "mul", "vldrb")


def code(text: str, core: str = "m4") -> list[Instruction]:
    """Return the instructions of lines such as `ldr r0, [r1]`."""
    parse = riscv.parse if core == "hazard3" else instruction.parse
    lines = [line.strip().partition(" ") for line in text.split(";")]
    return [parse(4 * i, 4, name, operands) for i, (name, _, operands) in enumerate(lines)]


def cycles(core: str, text: str) -> int:
    rules = CORES[core]
    if isinstance(rules, SingleIssue):
        return sum(single_issue.cycles(code(text, core), rules))
    return in_order.issues(code(text, core), rules)[-1]


@pytest.mark.parametrize(
    ("core", "text", "expected"),
    [
        # Cortex-M4 TRM, table 3-1 and "load/store timings"
        ("m4", "ldr r0, [r1]", 2),
        ("m4", "ldr r0, [r1]; ldr r2, [r3]; ldr r4, [r5]", 4),  # in the pipeline
        ("m4", "ldr r0, [r1]; ldr r2, [r0]", 4),  # the address is what was loaded
        ("m4", "ldm r0!, {r1, r2, r3, r4}", 5),
        ("m4", "push {r4, r5, lr}", 4),
        ("m4", "str r0, [r1, #4]", 1),
        ("m4", "str r0, [r1, r2]", 2),
        ("m4", "smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", 2),
        ("m4", "smull r0, r1, r2, r3", 1),
        ("m4", "add r1, r1, #4; ldr r0, [r1]", 4),  # no forwarding to an address
        # Cortex-M3 TRM, 3.3
        ("m3", "mla r0, r1, r2, r0", 2),
        ("m3", "mul r0, r1, r2", 1),
        ("m3", "ldr r0, [r1], #4; ldr r2, [r1], #4", 4),
        # Cortex-M0+ TRM, table 3-1
        ("m0", "ldr r0, [r1]; ldr r2, [r3]", 4),
        ("m0", "str r0, [r1, #4]", 2),
        ("m0", "ldm r0!, {r1, r2, r3, r4}", 5),
        ("m0", "muls r0, r1, r0", 1),
        # Cortex-M33: a multiplication's accumulator is forwarded, its result is not
        ("m33", "smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", 2),
        ("m33", "smlad r0, r1, r2, r0; add r5, r0, #1", 3),
        ("m33", "ldr r0, [r1]; add r2, r0, #1", 3),
        # Cortex-M7 issues two, but never two multiplications
        ("m7", "add r0, r1, #1; add r2, r3, #1", 1),
        ("m7", "smlad r0, r1, r2, r0; smlad r3, r1, r2, r3", 2),
        ("m7", "smlad r0, r1, r2, r0; ldr r3, [r4, #0]", 1),
        ("m7", "ldr r0, [r4, #0]; ldr r1, [r4, #4]", 1),  # odd and even words
        ("m7", "ldr r0, [r4, #0]; ldr r1, [r4, #8]", 2),
        # Cortex-M55: a vector instruction holds its pipe for two cycles, another pipe may begin a cycle later
        ("m55", "vldrb.u8 q0, [r0]; vmladava.s8 r2, q1, q2", 2),
        ("m55", "vldrb.u8 q0, [r0]; vldrb.u8 q1, [r0, #16]", 3),
        # Hazard3's manual, Instruction Cycle Counts
        ("hazard3", "lw a0, 0(a1); addi a2, a0, 1", 3),  # what was loaded, by the next instruction
        ("hazard3", "lw a0, 0(a1); addi a3, a3, 1; addi a2, a0, 1", 3),
        ("hazard3", "lb a0, 3(a1); lw a2, 0(a0)", 3),
        ("hazard3", "mul a0, a1, a2; mulh a3, a0, a2; add a0, a0, a3", 3),
        ("hazard3", "sw a0, 0(a1); lw a0, 4(a1)", 2),
        ("hazard3", "divu a0, a1, a2", 18),
    ],
)
def test_short_sequences_cost_what_the_sources_say(core: str, text: str, expected: int) -> None:
    assert cycles(core, text) == expected


def test_operands_are_read_and_written_as_the_instruction_says() -> None:
    (load,) = code("ldr r0, [r1, r2]")
    assert (load.kind, load.reads, load.writes, load.bases) == ("load", ["r1", "r2"], ["r0"], ["r1", "r2"])
    (moved,) = code("ldrsb r0, [r1], #2")
    assert (moved.back, moved.writes) == ("r1", ["r0", "r1"])
    (several,) = code("pop {r4, pc}")
    assert several.is_jump
    assert several.is_far
    assert several.writes == ["r4", "pc", "sp"]
    (long,) = code("smlal r0, r1, r2, r3")
    assert set(long.reads) == {"r0", "r1", "r2", "r3"}
    assert long.writes == ["r0", "r1"]
    (conditional,) = code("movne r0, r1")
    assert conditional.name == "mov"
    assert {"r0", "r1", "flags"} <= set(conditional.reads)
    (branch,) = code("bne 0x100 <loop>")
    assert branch.target == 0x100
    assert branch.reads == ["flags"]
    assert registers("{d8-d9}") == ["q4", "q4"]


def test_operands_of_risc_v_are_read_and_written_as_the_instruction_says() -> None:
    load, store, product, branch, call, back = code(
        "lb a0, -4(s1); sw a2, 8(sp); mul t0, a0, zero; bgeu a1, t2, 0x80000102 <loop+0x2>; "
        "jal 0x80000200 <alpharho_conv>; ret",
        "hazard3",
    )
    assert (load.kind, load.reads, load.writes, load.bases) == ("load", ["s1"], ["a0"], ["s1"])
    assert (store.kind, store.reads, store.writes, store.bases) == ("store", ["a2", "sp"], [], ["sp"])
    assert (product.kind, product.reads, product.writes) == ("mac", ["a0"], ["t0"])
    assert (branch.is_jump, branch.reads, branch.target) == (True, ["a1", "t2"], 0x80000102)
    assert (call.is_jump, call.writes, call.target, call.is_far) == (True, ["ra"], 0x80000200, False)
    assert (back.is_jump, back.is_far) == (True, True)


@given(
    st.sampled_from(sorted(set(CORES) - {"hazard3"})),
    st.lists(st.sampled_from(["ldr", "str", "smlad", "add", "mul", "vldrb"]), max_size=12),
)
def test_more_instructions_never_cost_less(core: str, names: list[str]) -> None:
    forms = {
        "ldr": "ldr r0, [r1, #4]", "str": "str r0, [r1, #4]", "smlad": "smlad r2, r0, r3, r2", "add": "add r1, r1, #8",
        "mul": "mul r4, r2, r0", "vldrb": "vldrb.u8 q0, [r1]",
    }  # fmt: skip
    rules = CORES[core]
    spent = [cycles(core, ";".join(forms[name] for name in names[:n])) for n in range(1, len(names) + 1)]
    assert spent == sorted(spent)
    if isinstance(rules, InOrder) and names:
        assert spent[-1] >= -(-len(names) // rules.issue)
