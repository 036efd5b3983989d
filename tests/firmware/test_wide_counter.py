"""Two 32-bit counters make one of 64 bits, at every wrap and however far they are apart."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compilers.image.firmware import FIRMWARE_DIR

WideCount = Callable[[int, int, int], int]
SOURCE = """
#include "wide_counter.h"
uint64_t call(uint32_t fine, uint32_t coarse, unsigned shift);
uint64_t call(uint32_t fine, uint32_t coarse, unsigned shift) { return wide_count(fine, coarse, shift); }
"""


@pytest.fixture(scope="module")
def wide_count(tmp_path_factory: pytest.TempPathFactory) -> WideCount:
    folder = tmp_path_factory.mktemp("wide")
    (folder / "wide.c").write_text(SOURCE)
    command = [
        "gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", str(FIRMWARE_DIR / "port"),
        str(folder / "wide.c"), "-o", str(folder / "wide.so"),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    call = ctypes.CDLL(str(folder / "wide.so")).call
    call.restype, call.argtypes = ctypes.c_uint64, (ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint)
    return lambda fine, coarse, shift: int(call(fine, coarse, shift))


@given(
    ticks=st.one_of(
        st.integers(0, (1 << 40) - 1),
        st.builds(lambda wraps, off: max(0, (wraps << 32) + off), st.integers(0, 200), st.integers(-3, 3)),
    ),
    late=st.integers(-(1 << 20), 1 << 20),
    shift=st.sampled_from([8, 16]),
)
def test_the_count_is_whole(wide_count: WideCount, ticks: int, late: int, shift: int) -> None:
    coarse = max(0, ticks + late) >> shift
    assert wide_count(ticks & 0xFFFFFFFF, coarse, shift) == ticks
