"""Two 32-bit counters make one of 64 bits, at every wrap and however far they are apart."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compilers.image.firmware import FIRMWARE_DIR

LATEST = 1 << 20
WideCount = Callable[[int, int, int], int]
WideCount24 = Callable[[int, int], int]
SOURCE = """
#include "wide_counter.h"
uint64_t call(uint32_t fine, uint32_t coarse, unsigned shift);
uint64_t call(uint32_t fine, uint32_t coarse, unsigned shift) { return wide_count(fine, coarse, shift); }
uint64_t call_near(uint32_t fine, uint64_t about);
uint64_t call_near(uint32_t fine, uint64_t about) { return wide_count_near(fine, about); }
uint64_t call_24(uint32_t fine, uint64_t about);
uint64_t call_24(uint32_t fine, uint64_t about) { return wide_count_24(fine, about); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("wide")
    (folder / "wide.c").write_text(SOURCE)
    command = [
        "gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", str(FIRMWARE_DIR / "port"),
        str(folder / "wide.c"), "-o", str(folder / "wide.so"),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(folder / "wide.so"))


@pytest.fixture(scope="module")
def wide_count(library: ctypes.CDLL) -> WideCount:
    call = library.call
    call.restype, call.argtypes = ctypes.c_uint64, (ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint)
    return lambda fine, coarse, shift: int(call(fine, coarse, shift))


@pytest.fixture(scope="module")
def wide_count_24(library: ctypes.CDLL) -> WideCount24:
    call = library.call_24
    call.restype, call.argtypes = ctypes.c_uint64, (ctypes.c_uint32, ctypes.c_uint64)
    return lambda fine, about: int(call(fine, about))


@given(ticks=st.integers(1 << 24, (1 << 48) - 1), off=st.integers(1 - (1 << 23), (1 << 23) - 1))
def test_24_bits_and_an_estimate_give_the_count(wide_count_24: WideCount24, ticks: int, off: int) -> None:
    assert wide_count_24(ticks & 0xFFFFFF, ticks + off) == ticks


@given(ticks=st.integers(0, (1 << 48) - 1), off=st.integers(1 - (1 << 31), (1 << 31) - 1))
def test_32_bits_and_an_estimate_give_the_count(library: ctypes.CDLL, ticks: int, off: int) -> None:
    call = library.call_near
    call.restype, call.argtypes = ctypes.c_uint64, (ctypes.c_uint32, ctypes.c_uint64)
    assert call(ticks & 0xFFFFFFFF, max(0, ticks + off)) == ticks


def test_the_estimate_may_be_ahead_of_the_first_ticks(wide_count_24: WideCount24) -> None:
    assert [wide_count_24(fine, about) for fine, about in ((0, 0), (3, 125), (0, 125))] == [0, 3, 0]


@given(
    ticks=st.one_of(
        st.integers(0, (1 << 40) - 1 - LATEST),  # the coarse counter has 32 bits, of 2^8 ticks and more
        st.builds(lambda wraps, off: max(0, (wraps << 32) + off), st.integers(0, 200), st.integers(-3, 3)),
    ),
    late=st.integers(-LATEST, LATEST),
    shift=st.sampled_from([8, 16]),
)
def test_the_count_is_whole(wide_count: WideCount, ticks: int, late: int, shift: int) -> None:
    coarse = max(0, ticks + late) >> shift
    assert wide_count(ticks & 0xFFFFFFFF, coarse, shift) == ticks
