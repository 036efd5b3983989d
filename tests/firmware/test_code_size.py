"""What code an image of the engine takes, and that no part of the C library is in it that it does not need."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

import target
from artifact import Artifact
from calibration.convert import Int8Facts
from compilers.image import microcontroller

LIMIT = 24_576
"""Bytes of code and constants without weights, with `--optimize size`."""
CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m7", "qemu-m55")


@pytest.mark.parametrize("name", CORES)
def test_a_mobilenet_s_code_is_within_the_limit(name: str, int8: Artifact[Int8Facts]) -> None:
    """v1_025_32 has the layers of v1_025, and so its code."""
    memory = microcontroller.compile_for(int8, target.load(name)).facts.memory
    assert memory["code"] + memory["constants"] <= LIMIT


def functions(elf: Path) -> set[str]:
    with elf.open("rb") as file:
        return {
            symbol.name
            for section in ELFFile(file).iter_sections()
            if isinstance(section, SymbolTableSection)
            for symbol in section.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC"
        }


def test_a_core_without_them_gets_no_floating_point_and_no_signed_division(int8: Artifact[Int8Facts]) -> None:
    """They would take 3.4 KB and 0.5 KB of an M0+."""
    found = functions(microcontroller.compile_for(int8, target.load("qemu-m0")).path.with_name("firmware.elf"))
    assert {"__udivsi3", "__aeabi_lmul", "alpharho_conv"} <= found
    assert {f for f in found if f.startswith(("__aeabi_f", "__aeabi_d", "__divsi3", "__divdi3", "__udivdi3"))} == set()


@pytest.mark.parametrize(
    ("name", "linked", "left_out"),
    [
        ("qemu-m0", "alpharho_depthwise_3x3", "alpharho_depthwise_row"),
        ("qemu-m4", "alpharho_dsp_row_3x3", "alpharho_dsp_row_5x5"),
        ("qemu-m7", "alpharho_m7_row_pair_3x3", "alpharho_dsp_row_5x5"),
        ("qemu-m55", "alpharho_mve_row_3x3", "alpharho_mve_row_5x5"),
    ],
)
def test_there_is_no_code_for_windows_that_a_network_does_not_have(
    name: str, linked: str, left_out: str, int8: Artifact[Int8Facts]
) -> None:
    found = functions(microcontroller.compile_for(int8, target.load(name)).path.with_name("firmware.elf"))
    assert linked in found
    assert left_out not in found
