"""Which operator each block of the network's C calls, of programs that are written down here."""

from __future__ import annotations

from pathlib import Path

from cycles import instruction, model
from cycles.program import Program

SOURCE = """void mine_run(int8_t *arena) {
  kernel(&step00_conv_2d, arena);
  kernel(&step01_conv_2d, arena + STEP01_PLACE(alpharho_modulo(y, 3)));
}
"""
CODE = (  # what it was compiled to: the file and line of each instruction of four bytes
    ("push", "{r4, lr}", "mine.c", 1),
    ("bl", "0x100", "mine.c", 2),
    ("cmp", "r6, #48", "mine.c", 3),
    ("beq", "0x4", "mine.c", 3),
    ("mov", "r2, #3", "kernels.h", 2),  # a block that begins in an inlined function of a header
    ("mla", "r2, r3, r2, r4", "mine.c", 3),
    ("bl", "0x100", "mine.c", 3),
    ("mov", "r2, #3", "kernels.h", 3),  # a call of the header's function: no operator
    ("bl", "0x100", "kernels.h", 3),
    ("pop", "{r4, pc}", "mine.c", 4),
)


def test_a_block_that_begins_in_a_function_of_a_header_is_of_the_operator_that_it_calls(tmp_path: Path) -> None:
    source = tmp_path / "mine.c"
    source.write_text(SOURCE)
    one = {4 * i: instruction.parse(4 * i, 4, name, operands) for i, (name, operands, _, _) in enumerate(CODE)}
    one[0x100] = instruction.parse(0x100, 4, "bx", "lr")
    lines = [(4 * i, file, line) for i, (_, _, file, line) in enumerate(CODE)] + [(0x100, "kernel.c", 2)]
    program = Program(one, [(0, "mine_run"), (0x100, "kernel")], [], lines)
    assert model._calls(program, source) == {0: 0, 4: 0, 16: 1, 20: 1, 24: 1}
