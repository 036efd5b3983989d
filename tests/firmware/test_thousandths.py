"""Outputs as text with three decimals, in integers, against exact fractions and the agent's answers."""

from __future__ import annotations

import ctypes
import math
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compilers.image.firmware import FIRMWARE_DIR
from deploy.agent.text_mode import three_decimals

Thousandths = Callable[[int, float], int]
MOST = (1 << 32) - 1


@pytest.fixture(scope="module")
def thousandths(tmp_path_factory: pytest.TempPathFactory) -> Thousandths:
    out: Path = tmp_path_factory.mktemp("format") / "format.so"
    source = FIRMWARE_DIR / "protocol" / "format.c"
    options = ["-std=c11", "-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
    subprocess.run(["gcc", *options, str(source), "-o", str(out)], check=True)
    call = ctypes.CDLL(str(out)).alpharho_thousandths
    call.restype, call.argtypes = ctypes.c_uint32, (ctypes.c_int32, ctypes.c_float)
    return lambda steps, scale: int(call(steps, scale))


@given(
    st.integers(-255, 255), st.integers(0, 0x7F7FFFFF).map(lambda bits: struct.unpack("<f", struct.pack("<I", bits))[0])
)
@example(1, 0.0005)
@example(-255, 1 / 256)
@example(1, 0.00048828125)  # 0.48828125 thousandths
@example(1, 0.0625)  # 62.5 thousandths, a half
@example(0, 3e38)
@example(1, 4294967.0)
@example(1, 4194304.0)  # the least with an exponent that is not shifted
@example(2, 8388608.0)
def test_they_are_the_exact_product_rounded(thousandths: Thousandths, steps: int, scale: float) -> None:
    exact = Fraction(scale) * abs(steps) * 1000
    expected = min(math.floor(exact + Fraction(1, 2)), MOST)
    assert thousandths(steps, scale) == expected
    sign = "-" if steps < 0 and expected else ""
    assert three_decimals(steps * scale) == f"{sign}{expected // 1000}.{expected % 1000:03}"
