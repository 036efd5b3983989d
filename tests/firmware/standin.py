"""Images with the stand-in engine of `firmware/tests/standin`, built once a session; what the tests here share."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import target
from compilers.compiled import CompiledModel
from compilers.image.firmware import FIRMWARE_DIR, FirmwareImage, build_firmware

STANDIN = FIRMWARE_DIR / "tests" / "standin"
RAW_LINE = FIRMWARE_DIR / "tests" / "rawline" / "main.c"
INPUT_BYTES = 3072
OUTPUT_BYTES = 10
# The facts of the stand-in's engine.c.
MODEL = CompiledModel(
    name="standin",
    folder=STANDIN,
    sha256="0123456789abcdef" * 4,
    arena_bytes=3088,
    weights_bytes=0,
    input_bytes=INPUT_BYTES,
    input_shape=(1, 32, 32, 3),
)
EMULATED = tuple(
    board.name
    for board in map(target.load, target.names())
    if board.mcu and not board.mcu.by_pico_sdk and board.measured_on == "emulated"
)


def build(name: str, out: Path, overrides: Mapping[str, str] | None = None) -> FirmwareImage:
    """Build the stand-in for a target."""
    variables = {"ENGINE_DIR": str(STANDIN)} | dict(overrides or {})
    return build_firmware(target.load(name), MODEL, out, overrides=variables)


def expected_output(data: bytes) -> bytes:
    """Return what the stand-in engine computes."""
    return bytes(sum(data[j::OUTPUT_BYTES]) & 0xFF for j in range(OUTPUT_BYTES))


def write_chunks(data: bytes, step: int = 960) -> list[bytes]:
    """Return the payloads of WRITE for an input."""
    return [struct.pack("<BI", 0, at) + data[at : at + step] for at in range(0, len(data), step)]
