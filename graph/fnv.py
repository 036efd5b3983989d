"""FNV-1a of 32 bits, which a device computes of what is too long to be compared byte by byte."""

from __future__ import annotations

FNV_START, FNV_PRIME = 0x811C9DC5, 0x01000193


def fnv1a(data: bytes) -> int:
    """Return the 32-bit FNV-1a hash of some bytes."""
    value = FNV_START
    for byte in data:
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFF
    return value
