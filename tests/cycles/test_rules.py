"""Rules against what the manuals and the published measurements say of short sequences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycles import in_order, single_issue
from cycles.instruction import Instruction, parse, registers
from cycles.rules import CORES, InOrder, SingleIssue

NAMES = ("ldr", "str", "smlad", "add", "mul", "vldrb")


def code(text: str) -> list[Instruction]:
    """Return the instructions of lines such as `ldr r0, [r1]`."""
    lines = [line.strip().partition(" ") for line in text.split(";")]
    return [parse(4 * i, 4, name, operands) for i, (name, _, operands) in enumerate(lines)]


def cycles(core: str, text: str) -> int:
    rules = CORES[core]
    if isinstance(rules, SingleIssue):
        return sum(single_issue.cycles(code(text), rules))
    return in_order.issues(code(text), rules)[-1]


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


@given(
    st.sampled_from(sorted(CORES)),
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
