"""Decoding inputs that come in fewer bytes: docs/protocol.md, "Coding". It runs on the device, inside the agent."""

from __future__ import annotations

import struct

CODED = 0x40
"""Added to WRITE's tensor: a header and a code take the place of the bytes."""
HEADER = struct.Struct("<H")
"""How many bytes the code is for."""
GROUP = 64
"""Bytes with the same number of low bits."""
PLAIN = 7
"""In place of that number: each byte as it is."""


def decode(code: bytes, count: int) -> bytes | None:
    """Return the `count` bytes of a code, None if it is not that of so many."""
    if not code or not code[0]:
        return None
    distance, size = code[0], 8 * (len(code) - 1)
    bits = f"{int.from_bytes(code[1:], 'big'):0{size}b}" if size else ""
    out, at, low, step = bytearray(), 0, 0, 0
    for i in range(count):
        if i % GROUP == 0:
            low, at = int(bits[at : at + 3] or "0", 2), at + 3
        number, at = _number(bits, at, low)
        if number > 255 or at > size:
            return None
        step = (step if i % distance else 0) + (number >> 1 ^ -(number & 1))
        out.append((step + (out[i - distance] if i >= distance else 0)) & 0xFF)
    return bytes(out) if size - at < 8 else None


def _number(bits: str, at: int, low: int) -> tuple[int, int]:
    """Return a number, and the place behind it: ones, a zero, and `low` bits (Rice 1979)."""
    end = at
    if low < PLAIN:
        end = bits.find("0", at)
        if end < 0:
            return 256, at
        high, end = end - at, end + 1
    else:
        high, low = 0, 8
    return high << low | int(bits[end : end + low] or "0", 2), end + low
